//! One part file: magic, length of the header, header, signature, payload.
//!
//! The payload begins at a multiple of 64 bytes, so that an index inside a mapping is aligned.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use schoolgate_base::SchoolId;
use schoolgate_keys::{SigningKey, VerifyingKey, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::error::{SnapshotError, damaged, reading};
use crate::map::Mapped;
use crate::publish::replace;

const MAGIC: &[u8; 8] = b"SGPART1\n";
const SIGNATURE_BYTES: usize = 64;
const ALIGNMENT: usize = 64;
/// A header is a few hundred bytes; more is not one of ours.
const HEADER_MAX_BYTES: usize = 4_096;

/// What a part file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) school: SchoolId,
    pub(crate) part: String,
    pub(crate) generation: u64,
    pub(crate) length: u64,
    /// Of the payload, lower-case hex.
    pub(crate) sha256: String,
}

pub(crate) fn write(path: &Path, header: &Header, payload: &[u8], key: &SigningKey) -> Result<(), SnapshotError> {
    replace(path, &[&front(path, header, key)?, payload])
}

/// What stands before the payload.
pub(crate) fn front(path: &Path, header: &Header, key: &SigningKey) -> Result<Vec<u8>, SnapshotError> {
    let text = serde_json::to_vec(header).map_err(|source| SnapshotError::Encode { part: "header", source })?;
    let signature = key.sign(&text).map_err(|source| SnapshotError::Sign { path: path.to_owned(), source })?;
    let length = u32::try_from(text.len()).map_err(|_| damaged(path, "the header is too long"))?;
    let mut front = Vec::with_capacity(HEADER_MAX_BYTES);
    front.extend_from_slice(MAGIC);
    front.extend_from_slice(&length.to_le_bytes());
    front.extend_from_slice(&text);
    front.extend_from_slice(&signature);
    front.resize(front.len().next_multiple_of(ALIGNMENT), 0);
    Ok(front)
}

/// Reads and verifies everything: the signature before the header is believed, the hash before the payload is.
pub(crate) fn read(path: &Path, key: &VerifyingKey) -> Result<(Header, Mapped), SnapshotError> {
    let file = File::open(path).map_err(reading(path))?;
    let map = Mapped::open(&file).map_err(reading(path))?;
    let (header, payload) = verify(&map, path, key)?;
    Ok((header, Mapped::new(map, payload)))
}

/// The header, and where the payload lies in `bytes`, which are of the file at `path`.
pub(crate) fn verify(bytes: &[u8], path: &Path, key: &VerifyingKey) -> Result<(Header, Range<usize>), SnapshotError> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else { return Err(damaged(path, "it is too short")) };
    if magic != MAGIC {
        return Err(damaged(path, "it does not begin like a part file"));
    }
    let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Err(damaged(path, "it is too short")) };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if HEADER_MAX_BYTES < length {
        return Err(damaged(path, "its header is too long"));
    }
    let Some((text, rest)) = rest.split_at_checked(length) else { return Err(damaged(path, "it is too short")) };
    let Some((signature, _)) = rest.split_at_checked(SIGNATURE_BYTES) else {
        return Err(damaged(path, "it is too short"));
    };
    if !key.is_signed(text, signature) {
        return Err(SnapshotError::Signature { path: path.to_owned() });
    }
    let header: Header = serde_json::from_slice(text).map_err(|_| damaged(path, "its header cannot be read"))?;
    let start = (MAGIC.len() + 4 + length + SIGNATURE_BYTES).next_multiple_of(ALIGNMENT);
    let payload = start..bytes.len();
    let content = bytes.get(payload.clone()).ok_or_else(|| damaged(path, "it is too short"))?;
    if u64::try_from(content.len()) != Ok(header.length) || sha256_hex(content) != header.sha256 {
        return Err(damaged(path, "its content is not what its header says"));
    }
    Ok((header, payload))
}
