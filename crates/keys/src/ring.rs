//! The key directory of one school: made once, opened at every start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digest::random_bytes;
use crate::file::{secret_create, secret_dir, secret_dir_check, secret_list, secret_read};
use crate::office::{self, KeyHolder, SealedBlob};
use crate::offices::{OfficeFiles, Offices, Whose};
use crate::{DoorKeys, KeyError, Pseudonyms, Sealer, SigningKey};

const SIGNING: &str = "snapshot-signing.pk8";
const TOKEN: &str = "token.key";
const PSEUDONYM: &str = "pseudonym.key";

/// Every key of one school. Cheap to share behind an `Arc`; all methods take `&self`.
#[derive(Debug)]
pub struct KeyRing {
    dir: PathBuf,
    signing: SigningKey,
    tokens: Sealer,
    redirects: Sealer,
    pseudonyms: Pseudonyms,
    doors: DoorKeys,
    offices: Arc<dyn Offices>,
}

impl KeyRing {
    /// Makes all keys in `data_dir/keys`, which must not hold any yet.
    pub fn create(data_dir: &Path) -> Result<Self, KeyError> {
        let dir = Self::dir_in(data_dir);
        secret_dir(&dir)?;
        // Only our own: the school's CA may have been made before.
        if dir.join(SIGNING).exists() || dir.join(TOKEN).exists() || dir.join(PSEUDONYM).exists() {
            return Err(KeyError::NotEmpty { path: dir });
        }
        secret_create(&dir.join(TOKEN), &random_bytes::<32>()?)?;
        secret_create(&dir.join(PSEUDONYM), &random_bytes::<32>()?)?;
        // Last, so that a directory that has a signing key has all keys.
        SigningKey::generate()?.save(&dir.join(SIGNING))?;
        Self::open(data_dir)
    }

    /// Opens the keys in `data_dir/keys`; refuses a directory or file that others can use.
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let dir = Self::dir_in(data_dir);
        secret_dir_check(&dir)?;
        let signing = SigningKey::load(&dir.join(SIGNING))?;
        let (token, pseudonym) = (key_bytes(&dir.join(TOKEN))?, key_bytes(&dir.join(PSEUDONYM))?);
        let doors = DoorKeys::derive(&token, &pseudonym);
        Ok(Self {
            offices: Arc::new(OfficeFiles::new(&dir)),
            dir,
            signing,
            tokens: Sealer::new(&token)?,
            redirects: doors.redirects()?,
            pseudonyms: Pseudonyms::new(&pseudonym),
            doors,
        })
    }

    /// Where a data directory keeps its keys.
    pub fn dir_in(data_dir: &Path) -> PathBuf {
        data_dir.join("keys")
    }

    /// The key directory itself; the school's CA keeps its key here too.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Signs snapshot parts.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Seals the tokens of forms.
    pub fn tokens(&self) -> &Sealer {
        &self.tokens
    }

    /// Opens the redirects that doors have sealed.
    pub fn redirects(&self) -> &Sealer {
        &self.redirects
    }

    /// What a gateway is handed.
    pub fn doors(&self) -> DoorKeys {
        self.doors
    }

    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    /// Seals `content` so that each of `holders`, and nobody else, can open it. A holder without a key gets one, so
    /// that a report never fails because an office is new.
    pub fn seal_to(&self, holders: &[KeyHolder], content: &[u8]) -> Result<SealedBlob, KeyError> {
        let holders: BTreeSet<&KeyHolder> = holders.iter().collect();
        if holders.is_empty() {
            return Err(KeyError::NobodyToOpen);
        }
        let public: Result<Vec<String>, KeyError> =
            holders.into_iter().map(|holder| self.offices.public_key(holder)).collect();
        office::seal(&public?, content)
    }

    /// What was sealed, opened with the key of `holder`; `None` when it was not sealed to it (or it has no key at
    /// all). An error means damage, or that nobody can tell, never "not for you".
    pub fn open_with(&self, holder: &KeyHolder, blob: &SealedBlob) -> Result<Option<Vec<u8>>, KeyError> {
        office::open(self.offices.as_ref(), &Whose::Holder(holder.clone()), blob)
    }

    /// The same with whatever key opens it: for the program itself, which goes through all that was ever sealed.
    pub fn open_with_any(&self, blob: &SealedBlob) -> Result<Option<Vec<u8>>, KeyError> {
        office::open(self.offices.as_ref(), &Whose::Every, blob)
    }

    /// With the keys of offices and persons somewhere else.
    #[must_use]
    pub fn with_offices(self, offices: Arc<dyn Offices>) -> Self {
        Self { offices, ..self }
    }

    /// Copies every key file into `to/keys`, which must be empty. Keep the copy apart from any backup of the records:
    /// whoever has both can read what was sealed.
    pub fn export(&self, to: &Path) -> Result<(), KeyError> {
        secret_copy(&self.dir, &Self::dir_in(to))
    }
}

/// Copies a folder of secret files into `to`, which must be empty or absent.
pub fn secret_copy(from: &Path, to: &Path) -> Result<(), KeyError> {
    secret_dir(to)?;
    if !secret_list(to)?.is_empty() {
        return Err(KeyError::NotEmpty { path: to.to_owned() });
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<(), KeyError> {
    for path in secret_list(from)? {
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            secret_dir(&to.join(name))?;
            for inner in secret_list(&path)? {
                let Some(inner_name) = inner.file_name() else { continue };
                secret_create(&to.join(name).join(inner_name), &secret_read(&inner)?)?;
            }
        } else {
            secret_create(&to.join(name), &secret_read(&path)?)?;
        }
    }
    Ok(())
}

fn key_bytes(path: &Path) -> Result<[u8; 32], KeyError> {
    let malformed = |_| KeyError::Malformed { path: path.to_owned(), kind: "key of 32 bytes" };
    secret_read(path)?.try_into().map_err(malformed)
}
