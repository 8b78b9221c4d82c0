//! How entries and requests are spelled as keys of a dictionary.
//!
//! A name is written with its labels turned round, `com.example.www`, so that a name's parents are prefixes of it. An
//! address is written behind a dot, which no name starts with. A URL prefix is a key, a slash and a path.

use std::net::IpAddr;

use schoolgate_base::{Host, HostName};

use crate::entry::{Entry, UrlPath};

/// A host's key. Names have at most 253 bytes, so it always fits.
#[derive(Clone, Copy)]
pub(crate) struct HostKey {
    bytes: [u8; 256],
    len: u8,
    is_name: bool,
}

impl HostKey {
    pub(crate) fn of_name(name: &HostName) -> Self {
        let mut key = Self { bytes: [0; 256], len: 0, is_name: true };
        let mut rest = name.as_str().as_bytes();
        let mut end = 0;
        while let Some(dot) = rest.iter().rposition(|byte| *byte == b'.') {
            end = key.put(end, rest.get(dot + 1..).unwrap_or_default());
            end = key.put(end, b".");
            rest = rest.get(..dot).unwrap_or_default();
        }
        key.put(end, rest);
        key
    }

    pub(crate) fn of_address(address: IpAddr) -> Self {
        let mut key = Self { bytes: [0; 256], len: 0, is_name: false };
        // Mapped addresses are the IPv4 address they map (RFC 4291 §2.5.5.2).
        let text = match address.to_canonical() {
            IpAddr::V4(address) => format!(".{address}"),
            IpAddr::V6(address) => format!(".{:032x}", address.to_bits()),
        };
        key.put(0, text.as_bytes());
        key
    }

    pub(crate) fn of(host: &Host) -> Self {
        match host {
            Host::Name(name) => Self::of_name(name),
            Host::Address(address) => Self::of_address(*address),
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> usize {
        for (slot, byte) in self.bytes.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
        let end = at + bytes.len();
        self.len = u8::try_from(end).unwrap_or(u8::MAX);
        end
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    pub(crate) fn is_name(&self) -> bool {
        self.is_name
    }

    /// Whether an entry may end before `byte` of this key: at the end of a label, and of an address only as a whole.
    #[inline]
    pub(crate) fn ends_label(&self, byte: u8) -> bool {
        byte == b'.' && self.is_name
    }
}

/// The key of a URL prefix.
pub(crate) fn url_key(host: &[u8], path: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(host.len() + 1 + path.len());
    key.extend_from_slice(host);
    key.push(b'/');
    key.extend_from_slice(path);
    key
}

/// Which dictionary an entry belongs in, and its key there.
pub(crate) enum EntryKey {
    Host(HostKey),
    Url(HostKey, UrlPath),
}

impl From<Entry> for EntryKey {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Host(name) => Self::Host(HostKey::of_name(&name)),
            Entry::Address(address) => Self::Host(HostKey::of_address(address)),
            Entry::Url(host, path) => Self::Url(HostKey::of(&host), path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, expected: &str) {
        let key = HostKey::of(&Host::parse(host).unwrap());
        assert_eq!(std::str::from_utf8(key.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn labels_are_turned_round() {
        check("www.example.com", "com.example.www");
        check("localhost", "localhost");
        check(&["a"; 127].join("."), &["a"; 127].join("."));
    }

    #[test]
    fn addresses_cannot_be_names() {
        check("192.0.2.7", ".192.0.2.7");
        check("::ffff:192.0.2.7", ".192.0.2.7");
        check("2001:db8::1", ".20010db8000000000000000000000001");
    }
}
