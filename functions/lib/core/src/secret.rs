//! A webhook's signing secrets, and the port that encrypts them.

use crate::id::{WebhookId, WorkspaceId};
use crate::ids::Ids;
use crate::{Error, ErrorCode, Result};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the secret before the last rotation signs too.
pub const OLD_SECRET_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Replaced secrets that are kept, if the secret is rotated again and again.
const MAX_OLD_SECRETS: usize = 4;

/// Bytes of a secret that its owner has made.
const LENGTHS: RangeInclusive<usize> = 24..=64;

/// A signing secret, as it was shown: `whsec_` and base64. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub const PREFIX: &str = "whsec_";

    pub fn new(shown: String) -> Self {
        Self(Zeroizing::new(shown))
    }

    /// One that its owner has made: [`Self::PREFIX`] and 24 to 64 bytes in base64, as Standard Webhooks has it.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(shown: String) -> Result<Self> {
        let bytes =
            shown.strip_prefix(Self::PREFIX).and_then(|base64| STANDARD.decode(base64).ok()).map(Zeroizing::new);
        if bytes.is_some_and(|bytes| LENGTHS.contains(&bytes.len())) {
            return Ok(Self::new(shown));
        }
        let message = "secret must be whsec_ and 24 to 64 random bytes in base64; or leave it out, and one is made";
        Err(Error::refused(ErrorCode::InvalidRequest, message))
    }

    pub fn generate(ids: &dyn Ids) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        ids.fill(key.as_mut());
        Self::new(format!("{}{}", Self::PREFIX, STANDARD.encode(key.as_ref())))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An encrypted secret, which only a [`Vault`] can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// The secrets of a webhook: the one that was given last, and those that it replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    current: Sealed,
    /// The replaced secrets, the newest first.
    previous: Vec<Retired>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Retired {
    secret: Sealed,
    until: Timestamp,
}

/// The webhook that a secret belongs to. It can't be opened for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub workspace_id: WorkspaceId,
    pub webhook_id: WebhookId,
}

impl Secrets {
    pub fn new(secret: Sealed) -> Self {
        Self { current: secret, previous: Vec::new() }
    }

    /// From now on `secret` signs, and for a day the secrets before it too. `false` if this is a repeat.
    pub fn rotate(&mut self, secret: Sealed, now: Timestamp) -> bool {
        if self.current == secret {
            return false;
        }
        let before = std::mem::replace(&mut self.current, secret);
        self.previous.insert(0, Retired { secret: before, until: now + OLD_SECRET_LIFETIME });
        self.previous.retain(|retired| now < retired.until);
        self.previous.truncate(MAX_OLD_SECRETS);
        true
    }

    /// Whether it was rotated at that very time.
    pub fn was_rotated(&self, at: Timestamp) -> bool {
        self.previous.iter().any(|retired| retired.until == at + OLD_SECRET_LIFETIME)
    }

    /// The secrets that sign, the newest first.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Sealed> {
        let previous = self.previous.iter().filter(move |retired| now < retired.until);
        std::iter::once(&self.current).chain(previous.map(|retired| &retired.secret))
    }
}

/// The port that encrypts and decrypts secrets.
#[async_trait]
pub trait Vault: Send + Sync {
    async fn seal(&self, secret: &Secret, owner: Owner) -> Result<Sealed>;

    async fn open(&self, sealed: &Sealed, owner: Owner) -> Result<Secret>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("whsec_c2VjcmV0".into());
        assert!(!format!("{secret:?}").contains("c2Vj"));
    }

    #[test]
    fn secrets_that_others_make() {
        let base64 = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (shown, is_one) in [
            (base64(23), false),
            (base64(24), true),
            (base64(64), true),
            (base64(65), false),
            (base64(32).replace("whsec_", ""), false),
            (base64(32).replace('=', ""), false),
            (String::new(), false),
        ] {
            assert_eq!(Secret::parse(shown.clone()).is_ok(), is_one, "{shown}");
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
    }

    #[test]
    fn replaced_secrets_sign_for_a_day() {
        let mut secrets = Secrets::new(Sealed("a".into()));
        assert!(secrets.rotate(Sealed("b".into()), at(0)));
        assert!(!secrets.rotate(Sealed("b".into()), at(1)), "a repeat");
        assert!(secrets.was_rotated(at(0)) && !secrets.was_rotated(at(1)));
        assert!(secrets.rotate(Sealed("c".into()), at(60)));
        let live = |now| secrets.live(now).map(|secret| secret.0.as_str()).collect::<Vec<_>>();
        assert_eq!(live(at(24 * 3600 - 1)), ["c", "b", "a"]);
        assert_eq!(live(at(24 * 3600)), ["c", "b"]);
        assert_eq!(live(at(24 * 3600 + 60)), ["c"]);
    }
}
