//! Ed25519 signatures (RFC 8032) over snapshot parts.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::file::{secret_create, secret_read};
use crate::{KeyError, hex};

/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// A key that signs; its file is PKCS#8, mode 0600.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

/// The public half: 32 bytes that may be shown to anybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; 32]);

impl SigningKey {
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Refused { operation: "make a signing key" })?;
        Ok(Self { pair })
    }

    /// Reads a PKCS#8 file that only its owner may read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let document = secret_read(path)?;
        let pair = Ed25519KeyPair::from_pkcs8(&document)
            .map_err(|_| KeyError::Malformed { path: path.to_owned(), kind: "signing key (Ed25519, PKCS#8)" })?;
        Ok(Self { pair })
    }

    /// Writes the key as PKCS#8 to a new file with mode 0600.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let document = self.pair.to_pkcs8().map_err(|_| KeyError::Refused { operation: "write down a signing key" })?;
        secret_create(path, document.as_ref())
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        VerifyingKey(bytes)
    }

    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], KeyError> {
        let refused = || KeyError::Refused { operation: "sign" };
        let signature = self.pair.try_sign(message).map_err(|_| refused())?;
        signature.as_ref().try_into().map_err(|_| refused())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", hex(&self.verifying_key().0))
    }
}

impl VerifyingKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is this key's over exactly `message`.
    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", hex(&self.0))
    }
}
