//! Secrets sealed by AES-256-GCM, under data keys that AWS KMS wraps, or under a key in a file where there is
//! no KMS.
//!
//! A sealed secret is `v1.{wrapped data key}.{nonce and ciphertext}`, both in base64. It is bound to its
//! owner: what was sealed for one receiver can't be opened for another. A process makes one data key and
//! seals all it has to with that, and remembers the data keys that it has had unwrapped, so that a webhook
//! costs no call to KMS.

use crate::failure::unexpected;
use crate::lazily::Lazily;
use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::ids::Ids;
use dataset_core::secret::{Owner, Sealed, Secret, Vault};
use dataset_core::{Error, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

const FORM: &str = "v1";

/// The encryption context of data keys, which CloudTrail logs.
const CONTEXT: (&str, &str) = ("purpose", "webhook-signing-secrets");

/// Stands for the wrapped data key where the key is in a file.
const IN_FILE: &str = "file";

/// Data keys that are cached. A deployment has one for each process that ever registered a webhook.
const MAX_KNOWN: usize = 1_000;

/// See the [module](self).
pub struct SecretVault {
    wrapping: Wrapping,
    ids: Arc<dyn Ids>,
    keys: Mutex<Keys>,
}

enum Wrapping {
    Kms { client: Lazily<Client>, key_id: String },
    None,
}

#[derive(Default)]
struct Keys {
    /// The data key that this process seals with.
    own: Option<DataKey>,
    known: HashMap<String, Arc<LessSafeKey>>,
}

#[derive(Clone)]
struct DataKey {
    wrapped: String,
    key: Arc<LessSafeKey>,
}

impl SecretVault {
    pub const KEY_ID: &str = "SECRETS_KEY_ID";
    pub const KEY_FILE: &str = "SECRETS_KEY_FILE";

    pub(crate) fn on_kms(client: Lazily<Client>, key_id: String, ids: Arc<dyn Ids>) -> Self {
        Self { wrapping: Wrapping::Kms { client, key_id }, ids, keys: Mutex::default() }
    }

    /// # Errors
    /// If the file is not 32 bytes in base64.
    pub fn on_file(path: &Path, ids: Arc<dyn Ids>) -> Result<Self> {
        let wrong = || Error::internal(format!("{} must hold 32 bytes in base64", path.display()));
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| wrong().because(e))?;
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|e| wrong().because(e))?;
        let key = cipher(&bytes).map_err(|_| wrong())?;
        let own = DataKey { wrapped: IN_FILE.to_owned(), key: Arc::clone(&key) };
        let keys = Keys { own: Some(own), known: HashMap::from([(IN_FILE.to_owned(), key)]) };
        Ok(Self { wrapping: Wrapping::None, ids, keys: Mutex::new(keys) })
    }

    /// A new key for a file.
    pub fn key_for_file(ids: &dyn Ids) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0; 32]);
        ids.fill(key.as_mut());
        Zeroizing::new(STANDARD.encode(key.as_ref()))
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn own_key(&self) -> Result<DataKey> {
        if let Some(own) = self.keys().own.clone() {
            return Ok(own);
        }
        let Wrapping::Kms { client, key_id } = &self.wrapping else {
            return Err(Error::internal("the vault has no key"));
        };
        let made = client
            .generate_data_key()
            .key_id(key_id)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .send()
            .await
            .map_err(unexpected("the key service"))?;
        let (Some(plain), Some(wrapped)) = (made.plaintext, made.ciphertext_blob) else {
            return Err(Error::unavailable("the key service gave no data key"));
        };
        let plain = Zeroizing::new(plain.into_inner());
        let made = DataKey { wrapped: STANDARD.encode(wrapped.into_inner()), key: cipher(&plain)? };
        let mut keys = self.keys();
        keys.known.insert(made.wrapped.clone(), Arc::clone(&made.key));
        Ok(keys.own.get_or_insert(made).clone())
    }

    async fn known_key(&self, wrapped: &str) -> Result<Arc<LessSafeKey>> {
        if let Some(key) = self.keys().known.get(wrapped) {
            return Ok(Arc::clone(key));
        }
        let Wrapping::Kms { client, key_id } = &self.wrapping else {
            return Err(Error::internal("the secret was sealed with another key than this vault's"));
        };
        let blob = STANDARD.decode(wrapped).map_err(|e| misshapen().because(e))?;
        let opened = client
            .decrypt()
            .key_id(key_id)
            .ciphertext_blob(Blob::new(blob))
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .send()
            .await
            .map_err(unexpected("the key service"))?;
        let plain = opened.plaintext.ok_or_else(|| Error::unavailable("the key service gave no data key"))?;
        let key = cipher(&Zeroizing::new(plain.into_inner()))?;
        let mut keys = self.keys();
        if keys.known.len() >= MAX_KNOWN {
            keys.known.clear();
        }
        keys.known.insert(wrapped.to_owned(), Arc::clone(&key));
        Ok(key)
    }
}

#[async_trait]
impl Vault for SecretVault {
    async fn seal(&self, secret: &Secret, owner: Owner) -> Result<Sealed> {
        let DataKey { wrapped, key } = self.own_key().await?;
        let mut nonce = [0; NONCE_LEN];
        self.ids.fill(&mut nonce);
        let mut text = secret.reveal().as_bytes().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(owner), &mut text)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        let sealed = STANDARD.encode([&nonce[..], &text].concat());
        Ok(Sealed(format!("{FORM}.{wrapped}.{sealed}")))
    }

    async fn open(&self, sealed: &Sealed, owner: Owner) -> Result<Secret> {
        let mut parts = sealed.0.split('.');
        let (Some(FORM), Some(wrapped), Some(text), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(misshapen());
        };
        let key = self.known_key(wrapped).await?;
        let mut bytes = STANDARD.decode(text).map_err(|e| misshapen().because(e))?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(misshapen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| misshapen())?;
        let plain = key
            .open_in_place(nonce, bound_to(owner), text)
            .map_err(|_| Error::internal("a sealed secret is not its owner's, or was changed"))?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| misshapen())
    }
}

fn cipher(key: &[u8]) -> Result<Arc<LessSafeKey>> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::internal("a data key has not 32 bytes"))?;
    Ok(Arc::new(LessSafeKey::new(key)))
}

fn bound_to(owner: Owner) -> Aad<Vec<u8>> {
    Aad::from(format!("{}/{}", owner.workspace_id, owner.webhook_id).into_bytes())
}

fn misshapen() -> Error {
    Error::internal("a sealed secret has not the form it should have")
}
