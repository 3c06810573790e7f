//! The signatures over a webhook's body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `X-PromptLayer-Signature`: hex HMAC-SHA256 of the body, keyed with the
/// newest secret as it is shown. The header has room for one.
pub(crate) fn promptlayer(secrets: &[Secret], body: &str) -> String {
    let newest = secrets.first().map_or("", Secret::reveal);
    hex::encode(mac(newest.as_bytes(), &[body]))
}

/// `webhook-signature` of [Standard Webhooks](https://www.standardwebhooks.com):
/// over id, timestamp and body, once for each secret, keyed with its decoded bytes.
pub(crate) fn standard(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> String {
    let timestamp = timestamp.to_string();
    let signature = |secret: &Secret| {
        let shown = secret.reveal();
        let key = shown.strip_prefix(Secret::PREFIX).and_then(|text| STANDARD.decode(text).ok());
        // A secret that is no base64 is a key as it stands.
        let key = key.as_deref().unwrap_or(shown.as_bytes());
        format!("v1,{}", STANDARD.encode(mac(key, &[id, ".", &timestamp, ".", body])))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors() {
        let body = r#"{"details": {"dataset_id": 456, "dataset_version_number": 3}, "event_type": "x", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#;
        assert_eq!(
            promptlayer(&[Secret::new("whs_test".into())], body),
            "9f7c99fe3599244366fec5985539bb7095cfe96e1c7167a5d205e723dfadc5a4"
        );
        // The vector of the Standard Webhooks specification.
        assert_eq!(
            standard(
                &[Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into())],
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
