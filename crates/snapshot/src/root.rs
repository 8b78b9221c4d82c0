//! The root file: which part files make up the snapshot in force.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use schoolgate_decide::snapshot::Root;
use schoolgate_keys::{SigningKey, VerifyingKey, hex};
use serde::{Deserialize, Serialize};

use crate::error::{SnapshotError, damaged, reading};
use crate::publish::replace;

const NAME: &str = "root.json";

/// One part as the root names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartName {
    pub(crate) file: String,
    pub(crate) generation: u64,
    pub(crate) sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RootFile {
    pub(crate) root: Root,
    pub(crate) lists: PartName,
    pub(crate) program: PartName,
    pub(crate) people: PartName,
    pub(crate) live: PartName,
}

/// What stands in the file: the exact text that is signed, and the signature.
#[derive(Serialize, Deserialize)]
struct Signed {
    root: String,
    /// Ed25519 over the bytes of `root`, lower-case hex.
    signature: String,
}

impl RootFile {
    pub(crate) fn path_in(dir: &Path) -> PathBuf {
        dir.join(NAME)
    }

    pub(crate) fn parts(&self) -> [&PartName; 4] {
        [&self.lists, &self.program, &self.people, &self.live]
    }

    pub(crate) fn write(&self, dir: &Path, key: &SigningKey) -> Result<(), SnapshotError> {
        replace(&Self::path_in(dir), &[&self.signed(dir, key)?])
    }

    /// What is written, for the directory `dir`.
    pub(crate) fn signed(&self, dir: &Path, key: &SigningKey) -> Result<Vec<u8>, SnapshotError> {
        let encode = |source| SnapshotError::Encode { part: "root", source };
        let root = serde_json::to_string(self).map_err(encode)?;
        let signature =
            key.sign(root.as_bytes()).map_err(|source| SnapshotError::Sign { path: Self::path_in(dir), source })?;
        serde_json::to_vec(&Signed { root, signature: hex(&signature) }).map_err(encode)
    }

    /// The bytes of the root file; `None` where nothing was published yet.
    pub(crate) fn bytes(dir: &Path) -> Result<Option<Vec<u8>>, SnapshotError> {
        let path = Self::path_in(dir);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(&path)(error)),
        }
    }

    pub(crate) fn verify(bytes: &[u8], dir: &Path, key: &VerifyingKey) -> Result<Self, SnapshotError> {
        let path = Self::path_in(dir);
        let signed: Signed = serde_json::from_slice(bytes).map_err(|_| damaged(&path, "it cannot be read"))?;
        let signature = HEXLOWER.decode(signed.signature.as_bytes());
        let signature = signature.map_err(|_| damaged(&path, "its signature cannot be read"))?;
        if !key.is_signed(signed.root.as_bytes(), &signature) {
            return Err(SnapshotError::Signature { path });
        }
        serde_json::from_str(&signed.root).map_err(|_| damaged(&path, "its content cannot be read"))
    }
}
