//! Where the keys of offices and persons are: in files of this process, or with the signer, which gives out the key of
//! one sealed content at a time and never its own.

use std::fmt;
use std::path::{Path, PathBuf};

use age::Identity;
use age::secrecy::ExposeSecret;
use age::x25519;
use age_core::format::{FILE_KEY_BYTES, Stanza};
use serde::{Deserialize, Serialize};

use crate::file::{secret_create, secret_dir, secret_list, secret_read};
use crate::{KeyError, KeyHolder};

const FOLDER: &str = "offices";

/// Whose keys are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    Holder(KeyHolder),
    /// For the program itself, which goes through all that was ever sealed.
    Every,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holder(holder) => holder.fmt(f),
            Self::Every => f.write_str("every holder"),
        }
    }
}

/// The key of one sealed content, as it is sealed to one holder: a stanza of an age file (age-encryption.org/v1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    tag: String,
    args: Vec<String>,
    body: Vec<u8>,
}

impl From<&Stanza> for Wrapped {
    fn from(stanza: &Stanza) -> Self {
        Self { tag: stanza.tag.clone(), args: stanza.args.clone(), body: stanza.body.clone() }
    }
}

impl From<&Wrapped> for Stanza {
    fn from(wrapped: &Wrapped) -> Self {
        Self { tag: wrapped.tag.clone(), args: wrapped.args.clone(), body: wrapped.body.clone() }
    }
}

/// What opens one sealed content, and no other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileKey(pub(crate) [u8; FILE_KEY_BYTES]);

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(secret)")
    }
}

/// Whoever has the keys of offices and persons.
pub trait Offices: fmt::Debug + Send + Sync {
    /// What is sealed to `holder` is sealed with this (`age1…`). A holder without a key gets one.
    fn public_key(&self, holder: &KeyHolder) -> Result<String, KeyError>;

    /// The key of the content whose header has these stanzas; `None` where it is sealed to none of those meant.
    fn file_key(&self, whose: &Whose, wrapped: &[Wrapped]) -> Result<Option<FileKey>, KeyError>;
}

/// The keys in a folder: a file for each holder, which is its backup too.
#[derive(Debug, Clone)]
pub struct OfficeFiles(PathBuf);

impl OfficeFiles {
    /// Below the folder that has a school's other keys, or the signer's. Nothing is made before the first key.
    pub fn new(keys: &Path) -> Self {
        Self(keys.join(FOLDER))
    }

    fn identities(&self, whose: &Whose) -> Result<Vec<x25519::Identity>, KeyError> {
        match whose {
            Whose::Holder(holder) => Ok(self.find(holder)?.into_iter().collect()),
            Whose::Every => {
                let mut paths = secret_list(&self.0)?;
                paths.retain(|path| path.extension().is_some_and(|extension| extension == "age"));
                paths.iter().map(|path| read(path)).collect()
            }
        }
    }

    fn find(&self, holder: &KeyHolder) -> Result<Option<x25519::Identity>, KeyError> {
        let path = self.0.join(holder.file_name());
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    fn find_or_make(&self, holder: &KeyHolder) -> Result<x25519::Identity, KeyError> {
        if let Some(found) = self.find(holder)? {
            return Ok(found);
        }
        secret_dir(&self.0)?;
        let identity = x25519::Identity::generate();
        let (public, secret) = (identity.to_public(), identity.to_string());
        let text = format!("# key of {holder}\n# public: {public}\n{}\n", secret.expose_secret());
        let path = self.0.join(holder.file_name());
        match secret_create(&path, text.as_bytes()) {
            Ok(()) => Ok(identity),
            // Somebody else made it at the same moment: theirs holds.
            Err(KeyError::Exists { .. }) => read(&path),
            Err(error) => Err(error),
        }
    }
}

impl Offices for OfficeFiles {
    fn public_key(&self, holder: &KeyHolder) -> Result<String, KeyError> {
        Ok(self.find_or_make(holder)?.to_public().to_string())
    }

    fn file_key(&self, whose: &Whose, wrapped: &[Wrapped]) -> Result<Option<FileKey>, KeyError> {
        // Whatever was sealed made the folder.
        if !self.0.exists() {
            return Err(KeyError::NoOffices { path: self.0.clone() });
        }
        let stanzas: Vec<Stanza> = wrapped.iter().map(Stanza::from).collect();
        for identity in self.identities(whose)? {
            match identity.unwrap_stanzas(&stanzas) {
                Some(Ok(key)) => return Ok(Some(FileKey(*key.expose_secret()))),
                Some(Err(source)) => return Err(KeyError::Open { holder: whose.to_string(), source }),
                None => {}
            }
        }
        Ok(None)
    }
}

fn read(path: &Path) -> Result<x25519::Identity, KeyError> {
    let malformed = || KeyError::Malformed { path: path.to_owned(), kind: "key of an office (age identity)" };
    let bytes = secret_read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let key = text.lines().find(|line| !line.starts_with('#') && !line.is_empty());
    key.and_then(|line| line.trim().parse().ok()).ok_or_else(malformed)
}
