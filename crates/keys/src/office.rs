//! Content sealed to offices: an age file (age-encryption.org/v1) with one X25519 stanza per holder.
//!
//! A stanza does not say whose it is, so a blob tells a reader of the database how many may open it, not who.

use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use schoolgate_base::{PersonId, Role};

use crate::KeyError;
use crate::file::{secret_create, secret_dir, secret_read};

/// Whoever has a key of their own: an office, held by people with dates, or one person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The file of this holder's key below `dir`. Everything but letters, digits, `-` and `_` is written `%XX`, so
    /// that two holders never share a file and no name leads out of the directory.
    fn path(&self, dir: &Path) -> PathBuf {
        let mut name = String::new();
        for byte in self.to_string().bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
        dir.join(format!("{name}.age"))
    }
}

/// Makes the key of `holder` unless it is there.
pub(crate) fn ensure(dir: &Path, holder: &KeyHolder) -> Result<x25519::Identity, KeyError> {
    match load(dir, holder) {
        Err(KeyError::NoKey { .. }) => {}
        found => return found,
    }
    secret_dir(dir)?;
    let identity = x25519::Identity::generate();
    let text =
        format!("# key of {holder}\n# public: {}\n{}\n", identity.to_public(), identity.to_string().expose_secret());
    match secret_create(&holder.path(dir), text.as_bytes()) {
        Ok(()) => Ok(identity),
        // Somebody else made it at the same moment: theirs holds.
        Err(KeyError::Exists { .. }) => load(dir, holder),
        Err(error) => Err(error),
    }
}

pub(crate) fn load(dir: &Path, holder: &KeyHolder) -> Result<x25519::Identity, KeyError> {
    let path = holder.path(dir);
    if !path.exists() {
        return Err(KeyError::NoKey { holder: holder.to_string() });
    }
    read(&path)
}

pub(crate) fn read(path: &Path) -> Result<x25519::Identity, KeyError> {
    let malformed = || KeyError::Malformed { path: path.to_owned(), kind: "key of an office (age identity)" };
    let bytes = secret_read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let key = text.lines().find(|line| !line.starts_with('#') && !line.is_empty());
    key.and_then(|line| line.trim().parse().ok()).ok_or_else(malformed)
}

pub(crate) fn seal(recipients: &[x25519::Recipient], content: &[u8]) -> Result<SealedBlob, KeyError> {
    let seal = |source| KeyError::Seal { source };
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(seal)?;
    let mut blob = Vec::new();
    let mut writer = encryptor.wrap_output(&mut blob).map_err(|source| seal(source.into()))?;
    writer.write_all(content).map_err(|source| seal(source.into()))?;
    writer.finish().map_err(|source| seal(source.into()))?;
    Ok(SealedBlob(blob))
}

/// `None` when the blob is not sealed to any of these identities; `holder` is whose they are, for an error.
pub(crate) fn open(
    holder: &str,
    identities: &[x25519::Identity],
    blob: &SealedBlob,
) -> Result<Option<Vec<u8>>, KeyError> {
    let open = |source| KeyError::Open { holder: holder.to_owned(), source };
    let decryptor = age::Decryptor::new(blob.as_bytes()).map_err(open)?;
    let mut reader = match decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity)) {
        Ok(reader) => reader,
        Err(age::DecryptError::NoMatchingKeys) => return Ok(None),
        Err(source) => return Err(open(source)),
    };
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map_err(|source| KeyError::Damaged { holder: holder.to_owned(), source })?;
    Ok(Some(content))
}
