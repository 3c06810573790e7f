//! A webhook's signing secrets, and the port that encrypts them.

use crate::Result;
use crate::id::{WebhookId, WorkspaceId};
use crate::ids::Ids;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the secret before the last rotation signs too.
pub const OLD_SECRET_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Replaced secrets that are kept, if the secret is rotated again and again.
const MAX_OLD_SECRETS: usize = 4;

/// A signing secret, as it was shown: `whsec_` and base64. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub const PREFIX: &str = "whsec_";

    pub fn new(shown: String) -> Self {
        Self(Zeroizing::new(shown))
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

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
    }

    #[test]
    fn replaced_secrets_sign_for_a_day() {
        let mut secrets = Secrets::new(Sealed("a".into()));
        assert!(secrets.rotate(Sealed("b".into()), at(0)));
        assert!(!secrets.rotate(Sealed("b".into()), at(1)), "a repeat");
        assert!(secrets.rotate(Sealed("c".into()), at(60)));
        let live = |now| secrets.live(now).map(|secret| secret.0.as_str()).collect::<Vec<_>>();
        assert_eq!(live(at(24 * 3600 - 1)), ["c", "b", "a"]);
        assert_eq!(live(at(24 * 3600)), ["c", "b"]);
        assert_eq!(live(at(24 * 3600 + 60)), ["c"]);
    }
}
