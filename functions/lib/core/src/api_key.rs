//! API keys: their form, and the hash that is stored of them.

use crate::id::{KeyId, UserId, WorkspaceId};
use crate::ids::Ids;
use crate::{Error, ErrorCode, Result};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;

/// The minimum length of a key that an operator chooses.
pub const MIN_KEY_CHARS: usize = 16;
const MAX_KEY_CHARS: usize = 255;

const PREFIX: &str = "pl_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is the first power over 2^256.
const SECRET_CHARS: usize = 43;
/// 62^6 is the first power over 2^32.
const CHECKSUM_CHARS: usize = 6;

/// A key in clear, as its holder sends it. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Accepts 16 to 255 visible ASCII characters, since an operator may choose a key. A key in our form must
    /// have the right checksum, which rejects typing errors without a look-up.
    pub fn parse(key: &str) -> Result<Self> {
        let right = (MIN_KEY_CHARS..=MAX_KEY_CHARS).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !right {
            return Err(Error::refused(
                ErrorCode::InvalidApiKey,
                "an API key has 16 to 255 visible ASCII characters and no space",
            ));
        }
        if let Some(body) = key.strip_prefix(PREFIX)
            && body.len() == SECRET_CHARS + CHECKSUM_CHARS
            && checksum(&body[..SECRET_CHARS]) != body[SECRET_CHARS..]
        {
            return Err(Error::refused(
                ErrorCode::InvalidApiKey,
                "the API key has a typing error: its checksum is wrong",
            ));
        }
        Ok(Self(key.to_owned()))
    }

    /// `pl_`, 32 random bytes in base62, and a checksum by which a secret scanner
    /// can tell a key from other text.
    pub fn generate(ids: &dyn Ids) -> Self {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        ids.fill(secret.as_mut());
        let body = base62(secret.as_ref(), SECRET_CHARS);
        Self(format!("{PREFIX}{body}{}", checksum(&body)))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> KeyHash {
        KeyHash(hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// The SHA-256 of a key in lowercase hex, which is all that is stored of it. A key of 256 random bits needs
/// no salt and no slow hash. Keys are looked up by this value, so no comparison leaks timing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(String);

impl KeyHash {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The principal behind an API key.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Public id of the key.
    pub id: KeyId,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub created_at: Timestamp,
}

fn checksum(secret: &str) -> String {
    base62(&Sha256::digest(secret.as_bytes())[..4], CHECKSUM_CHARS)
}

/// `bytes`, a big-endian number, in base 62, padded with zeros to `width`.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![ALPHABET[0]; width];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0;
        for byte in &mut number {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    String::from_utf8(digits).expect("ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIds;

    #[test]
    fn a_made_key_has_its_shape_and_is_new_each_time() {
        let key = ApiKey::generate(&SystemIds);
        assert_eq!(key.reveal().len(), 3 + 43 + 6);
        assert!(key.reveal().starts_with("pl_"));
        assert!(ApiKey::parse(key.reveal()).is_ok());
        let other = if key.reveal().ends_with('0') { "1" } else { "0" };
        let mistyped = format!("{}{other}", &key.reveal()[..key.reveal().len() - 1]);
        assert!(ApiKey::parse(&mistyped).is_err());
        assert_ne!(key, ApiKey::generate(&SystemIds));
        assert!(!format!("{key:?}").contains(&key.reveal()[3..]));
    }

    #[test]
    fn base62_keeps_the_value() {
        assert_eq!(base62(&[0], 2), "00");
        assert_eq!(base62(&[61], 2), "0z");
        assert_eq!(base62(&[62], 2), "10");
        assert_eq!(base62(&[255, 255, 255, 255], 6), "4gfFC3");
    }

    #[test]
    fn only_visible_characters_and_enough_of_them() {
        for (key, ok) in [
            ("0123456789abcde", false),
            ("0123456789abcdef", true),
            ("0123456789 abcdef", false),
            ("0123456789abcdé", false),
            ("", false),
        ] {
            assert_eq!(ApiKey::parse(key).is_ok(), ok, "{key}");
        }
        assert!(ApiKey::parse(&"x".repeat(256)).is_err());
    }

    #[test]
    fn the_hash_is_sha256() {
        let key = ApiKey::parse("0123456789abcdef").expect("valid");
        assert_eq!(key.hash().as_str(), "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f");
    }
}
