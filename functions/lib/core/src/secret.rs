//! A webhook's signing secret, and the port that encrypts it.

use crate::Result;
use crate::id::{WebhookId, WorkspaceId};
use crate::ids::Ids;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

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

/// The webhook that a secret belongs to. It can't be opened for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub workspace_id: WorkspaceId,
    pub webhook_id: WebhookId,
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
}
