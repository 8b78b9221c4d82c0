//! Short tokens that only we can make and read: AES-256-GCM, text form base64url.
//!
//! Whether a token is too old or was used before is the business of whoever put a time or a number inside.

use aws_lc_rs::aead::{AES_256_GCM, Aad, MAX_TAG_LEN, NONCE_LEN, Nonce, RandomizedNonceKey};
use data_encoding::BASE64URL_NOPAD;

use crate::KeyError;

/// Longest token text looked at; a URL a browser sends is shorter, and what is longer was not made here.
const TOKEN_MAX_BYTES: usize = 16 * 1024;

/// Seals and opens tokens under one key. The nonce is random, 96 bits: good for 2³² tokens (NIST SP 800-38D §8.3),
/// a thousand years of a busy school.
pub struct Sealer {
    key: RandomizedNonceKey,
}

impl Sealer {
    pub fn new(key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .map_err(|_| KeyError::Refused { operation: "take a token key" })?;
        Ok(Self { key })
    }

    /// Text `nonce ‖ ciphertext ‖ tag`, which opens only for the same `purpose`.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> Result<String, KeyError> {
        let refused = |_| KeyError::Refused { operation: "seal a token" };
        let mut body = Vec::with_capacity(content.len() + MAX_TAG_LEN);
        body.extend_from_slice(content);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut body).map_err(refused)?;
        let mut token = Vec::with_capacity(NONCE_LEN + body.len());
        token.extend_from_slice(nonce.as_ref());
        token.append(&mut body);
        Ok(BASE64URL_NOPAD.encode(&token))
    }

    /// What was sealed; `None` for anything we did not seal for this `purpose`: damaged, cut, foreign, of another
    /// purpose. Which of these it was is told to nobody.
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if TOKEN_MAX_BYTES < token.len() {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let content = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body).ok()?;
        Some(content.to_vec())
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}
