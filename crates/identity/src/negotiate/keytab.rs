//! Keytabs, as MIT's and Windows' tools write them (MIT krb5, "keytab file format", version 2).

/// A file of one service's keys has a few; more than these are not all tried.
const KEYS_MAX: usize = 64;
const MAGIC: [u8; 2] = [5, 2];

/// Why there is no key to check tickets with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeytabError {
    #[error("this is no keytab of version 2")]
    Version,
    #[error("entry {0} of the keytab is broken off")]
    Entry(usize),
    #[error("the keytab has no AES key (kinds 17 to 20); ask the KDC for one")]
    NoKey,
    #[error("the keytab has more than {KEYS_MAX} AES keys")]
    TooMany,
}

/// A long-term key of a service.
pub(super) struct Key {
    /// RFC 3961 §8, `aes256-cts-hmac-sha1-96` is 18.
    pub(super) kind: i64,
    pub(super) version: i64,
    pub(super) key: Box<[u8]>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Key>, KeytabError> {
    let mut rest = Bytes(bytes.strip_prefix(&MAGIC).ok_or(KeytabError::Version)?);
    let mut keys = Vec::new();
    for number in 1.. {
        if rest.0.is_empty() {
            break;
        }
        let broken = KeytabError::Entry(number);
        let length = rest.array().map(i32::from_be_bytes).ok_or(broken)?;
        let entry = rest.take(usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX)).ok_or(broken)?;
        match length {
            // The end of what is used; a hole that a removed key left.
            0 => break,
            ..0 => continue,
            _ => keys.extend(key(Bytes(entry)).ok_or(broken)?),
        }
        if KEYS_MAX < keys.len() {
            return Err(KeytabError::TooMany);
        }
    }
    if keys.is_empty() { Err(KeytabError::NoKey) } else { Ok(keys) }
}

/// `None`: broken off; `Some(None)`: a kind that is not taken.
fn key(mut entry: Bytes<'_>) -> Option<Option<Key>> {
    let parts = u16::from_be_bytes(entry.array()?);
    // The realm and the parts of the name.
    for _ in 0..=parts {
        entry.counted()?;
    }
    // Kind of name, and when the key was made.
    entry.take(8)?;
    let [short] = entry.array()?;
    let kind = i64::from(u16::from_be_bytes(entry.array()?));
    let key = entry.counted()?;
    let long = entry.array().map(u32::from_be_bytes).filter(|version| *version != 0);
    let version = long.map_or(i64::from(short), i64::from);
    let is_taken = matches!((kind, key.len()), (17 | 19, 16) | (18 | 20, 32));
    Some(is_taken.then(|| Key { kind, version, key: key.into() }))
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(length.into())
    }
}
