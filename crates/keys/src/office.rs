//! Content sealed to offices: an age file (age-encryption.org/v1) with one X25519 stanza per holder.
//!
//! A stanza does not say whose it is, so a blob tells a reader of the database how many may open it, not who.

use std::cell::RefCell;
use std::fmt;
use std::io::{Read, Write};

use age::{DecryptError, x25519};
use age_core::format::Stanza;
use schoolgate_base::{PersonId, Role};
use serde::{Deserialize, Serialize};

use crate::KeyError;
use crate::offices::{Offices, Whose, Wrapped};

/// Whoever has a key of their own: an office, held by people with dates, or one person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyHolder {
    Office(Role),
    /// Somebody who has to read again what she herself reported.
    Person(PersonId),
}

/// An age file in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBlob(Vec<u8>);

impl SealedBlob {
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for SealedBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBlob({} bytes)", self.0.len())
    }
}

impl fmt::Display for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Office(role) => f.write_str(role.as_str()),
            Self::Person(person) => write!(f, "person:{person}"),
        }
    }
}

impl KeyHolder {
    /// The file of this holder's key. Everything but letters, digits, `-` and `_` is written `%XX`, so
    /// that two holders never share a file and no name leads out of the directory.
    pub(crate) fn file_name(&self) -> String {
        let mut name = String::new();
        for byte in self.to_string().bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
        name.push_str(".age");
        name
    }
}

/// Seals `content` so that whoever has the secret half of one of `public_keys` opens it.
pub(crate) fn seal(public_keys: &[String], content: &[u8]) -> Result<SealedBlob, KeyError> {
    let seal = |source| KeyError::Seal { source };
    let mut recipients = Vec::with_capacity(public_keys.len());
    for key in public_keys {
        let recipient: x25519::Recipient = key.parse().map_err(|_| KeyError::PublicKey { key: key.clone() })?;
        recipients.push(recipient);
    }
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(seal)?;
    let mut blob = Vec::new();
    let mut writer = encryptor.wrap_output(&mut blob).map_err(|source| seal(source.into()))?;
    writer.write_all(content).map_err(|source| seal(source.into()))?;
    writer.finish().map_err(|source| seal(source.into()))?;
    Ok(SealedBlob(blob))
}

/// `None` when the blob is sealed to none of those meant.
pub(crate) fn open(offices: &dyn Offices, whose: &Whose, blob: &SealedBlob) -> Result<Option<Vec<u8>>, KeyError> {
    let asking = Asking { offices, whose, failed: RefCell::default() };
    let decryptor =
        age::Decryptor::new(blob.as_bytes()).map_err(|source| KeyError::Open { holder: whose.to_string(), source })?;
    let mut reader = match decryptor.decrypt(std::iter::once(&asking as &dyn age::Identity)) {
        Ok(reader) => reader,
        Err(age::DecryptError::NoMatchingKeys) => return Ok(None),
        Err(source) => {
            let failed = asking.failed.take();
            return Err(failed.unwrap_or_else(|| KeyError::Open { holder: whose.to_string(), source }));
        }
    };
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map_err(|source| KeyError::Damaged { holder: whose.to_string(), source })?;
    Ok(Some(content))
}

/// Stands for keys that are somewhere else.
struct Asking<'a> {
    offices: &'a dyn Offices,
    whose: &'a Whose,
    /// Why there is no answer; age has no word for it.
    failed: RefCell<Option<KeyError>>,
}

impl age::Identity for Asking<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<age_core::format::FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<age_core::format::FileKey, DecryptError>> {
        let wrapped: Vec<Wrapped> = stanzas.iter().map(Wrapped::from).collect();
        match self.offices.file_key(self.whose, &wrapped) {
            Ok(key) => Some(Ok(age_core::format::FileKey::new(Box::new(key?.0)))),
            Err(error) => {
                self.failed.replace(Some(error));
                Some(Err(DecryptError::DecryptionFailed))
            }
        }
    }
}
