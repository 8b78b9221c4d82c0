//! Numbers and cuts of the wire form that the hot path reads and writes itself (RFC 1035 §4, RFC 6891 §6).

use std::net::IpAddr;

use schoolgate_base::{Host, HostName};

pub(crate) const HEADER: usize = 12;
/// Longest name, with its last zero (RFC 1035 §2.3.4).
pub(crate) const NAME_MAX: usize = 255;

/// Types of records that are more than bytes to us.
pub(crate) mod kind {
    pub(crate) const A: u16 = 1;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const HINFO: u16 = 13;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const ANY: u16 = 255;
    /// From here to before `ANY`: questions about whole zones and keys (RFC 6895 §3.1).
    pub(crate) const META: std::ops::RangeInclusive<u16> = 128..=254;
}

pub(crate) const CLASS_IN: u16 = 1;

/// Codes of answers (RFC 1035 §4.1.1, RFC 6891 §9).
pub(crate) mod rcode {
    pub(crate) const NO_ERROR: u16 = 0;
    pub(crate) const FORMAT: u16 = 1;
    pub(crate) const SERVER: u16 = 2;
    pub(crate) const NX_DOMAIN: u16 = 3;
    pub(crate) const NOT_IMPLEMENTED: u16 = 4;
    pub(crate) const REFUSED: u16 = 5;
    pub(crate) const BAD_VERSION: u16 = 16;
}

/// Bits of the second word of the header.
pub(crate) mod flag {
    pub(crate) const RESPONSE: u16 = 0x8000;
    pub(crate) const OPCODE: u16 = 0x7800;
    pub(crate) const TRUNCATED: u16 = 0x0200;
    pub(crate) const RECURSION_DESIRED: u16 = 0x0100;
    pub(crate) const RECURSION_AVAILABLE: u16 = 0x0080;
    pub(crate) const AUTHENTIC: u16 = 0x0020;
    pub(crate) const CHECKING_DISABLED: u16 = 0x0010;
    pub(crate) const RCODE: u16 = 0x000f;
}

/// Options of EDNS.
pub(crate) mod option {
    pub(crate) const COOKIE: u16 = 10;
    pub(crate) const PADDING: u16 = 12;
    pub(crate) const ERROR: u16 = 15;
}

/// A cursor that never reads past the end.
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn word(&mut self) -> Option<u16> {
        let (word, rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*word))
    }

    /// Passes over a name and says how long it is in the message; a pointer ends it (RFC 1035 §4.1.4).
    pub(crate) fn skip_name(&mut self) -> Option<usize> {
        let before = self.rest.len();
        loop {
            match self.byte()? {
                0 => break,
                length @ 1..=63 => drop(self.take(length.into())?),
                0xc0..=0xff => {
                    self.byte()?;
                    break;
                }
                _ => return None,
            }
        }
        Some(before - self.rest.len())
    }
}

/// The host that a name in wire form is about. Labels before the first that no host has (`Office printer._ipp._tcp`)
/// are left out: whoever is judged is the host below.
pub(crate) fn host_of(name: &[u8]) -> Named {
    let mut text = String::with_capacity(name.len());
    let mut bytes = Bytes::new(name);
    while let Some(length) = bytes.byte().filter(|length| *length != 0) {
        let Some(label) = bytes.take(length.into()) else { return Named::Nothing };
        if label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            if !text.is_empty() {
                text.push('.');
            }
            text.extend(label.iter().map(|b| char::from(b.to_ascii_lowercase())));
        } else {
            text.clear();
        }
    }
    if text.is_empty() {
        return if name.len() <= 1 { Named::Root } else { Named::Nothing };
    }
    HostName::parse(&text).map_or(Named::Nothing, |name| Named::Host(Host::Name(name)))
}

/// What a name in wire form names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Root,
    Host(Host),
    /// Something that no host can be called, such as an address written as a name.
    Nothing,
}

/// A host name in wire form.
pub(crate) fn wire_of(name: &HostName) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.as_str().len() + 2);
    for label in name.as_str().split('.') {
        wire.push(u8::try_from(label.len()).unwrap_or(0));
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

pub(crate) fn push_word(out: &mut Vec<u8>, word: u16) {
    out.extend_from_slice(&word.to_be_bytes());
}

/// Puts a word over what stands at `at`.
pub(crate) fn put_word(out: &mut [u8], at: usize, word: u16) {
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

/// An address as the data of a record of type `kind`.
pub(crate) fn push_address(out: &mut Vec<u8>, kind: u16, address: IpAddr) -> bool {
    match (kind, address) {
        (kind::A, IpAddr::V4(address)) => {
            push_word(out, 4);
            out.extend_from_slice(&address.octets());
            true
        }
        (kind::AAAA, IpAddr::V6(address)) => {
            push_word(out, 16);
            out.extend_from_slice(&address.octets());
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: &[u8], expected: Option<&str>) {
        let named = match host_of(wire) {
            Named::Host(host) => Some(host.to_string()),
            Named::Root => Some(String::new()),
            Named::Nothing => None,
        };
        assert_eq!(named.as_deref(), expected);
    }

    #[test]
    fn names_are_read_as_hosts() {
        check(b"\x03WWW\x07Example\x03org\x00", Some("www.example.org"));
        check(b"\x00", Some(""));
        check(b"\x0eOffice printer\x04_ipp\x04_tcp\x05local\x00", Some("_ipp._tcp.local"));
        check(b"\x03a b\x03bet\x07example\x00", Some("bet.example"));
        check(b"\x02x\x2e\x03bet\x07example\x00", Some("bet.example"));
        check(b"\x01\x31\x01\x31\x00", None);
        check(b"\x01*\x00", None);
    }

    #[test]
    fn hosts_are_written_as_names() {
        assert_eq!(wire_of(&"a.example".parse().unwrap()), b"\x01a\x07example\x00");
    }
}
