//! Host names as doors see them: lower-case ASCII labels, no trailing dot, or an address.

use std::borrow::Borrow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// A DNS name in the form every list and rule is compared in: IDNA ASCII form (UTS 46), lower case,
/// no trailing dot, labels of 1 to 63 and at most 253 bytes in all (RFC 1035 §2.3.4).
/// Underscores are allowed: real lists and real sites have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(Arc<str>);

/// Why a text is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    #[error("a host name must not be empty")]
    Empty,
    #[error("a host name may have at most 253 bytes")]
    TooLong,
    #[error("a label of a host name has 1 to 63 bytes")]
    Label,
    #[error("a host name may hold letters, digits, `-`, `_` and dots only")]
    Character,
    #[error("this is an address, not a host name")]
    Address,
}

impl HostName {
    /// Reads a name as people and lists write it: any case, IDN, one trailing dot.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(HostNameError::Empty);
        }
        let ascii: Arc<str> = if text.is_ascii() {
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                text.to_ascii_lowercase().into()
            } else {
                text.into()
            }
        } else {
            idna::domain_to_ascii(text).map_err(|_| HostNameError::Character)?.into()
        };
        check(&ascii)?;
        Ok(Self(ascii))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name is `suffix` or below it. Whole labels only: `fnsecurly.com` is not within
    /// `securly.com` (check table E05).
    pub fn is_within(&self, suffix: &Self) -> bool {
        match self.0.strip_suffix(&*suffix.0) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        }
    }

    /// The name and everything it is within, most specific first: `a.b.c`, `b.c`, `c`.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let this = rest?;
            rest = this.split_once('.').map(|(_, parent)| parent);
            Some(this)
        })
    }

    pub fn label_count(&self) -> usize {
        self.0.split('.').count()
    }
}

fn check(ascii: &str) -> Result<(), HostNameError> {
    if ascii.len() > 253 {
        return Err(HostNameError::TooLong);
    }
    let mut label = 0;
    for byte in ascii.bytes() {
        label = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if label < 63 => label + 1,
            b'.' if label > 0 => 0,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => return Err(HostNameError::Label),
            _ => return Err(HostNameError::Character),
        };
    }
    if label == 0 {
        return Err(HostNameError::Label);
    }
    // A last label of digits only is how inet_aton forms such as `127.1` come in (WHATWG URL, host parsing).
    let last = ascii.rsplit('.').next().unwrap_or(ascii);
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Err(HostNameError::Address);
    }
    Ok(())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Maps by name are asked for a suffix of one without making a name of it.
impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = HostNameError;
    fn from_str(text: &str) -> Result<Self, HostNameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;
    fn try_from(text: String) -> Result<Self, HostNameError> {
        Self::parse(&text)
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> String {
        (*name.0).to_owned()
    }
}

impl Serialize for HostName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What an authority names: a host name or a literal address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Host {
    Name(HostName),
    Address(IpAddr),
}

impl Host {
    /// Reads the host part of an authority: a name, an IPv4 address, or an IPv6 address in brackets or bare.
    ///
    /// An IPv4 address in its IPv6 form (RFC 4291 §2.5.5.2) is that IPv4 address: it leads to the same machine, so rules
    /// must not tell them apart.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<Ipv6Addr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        HostName::parse(text).map(Self::Name)
    }

    pub fn name(&self) -> Option<&HostName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl FromStr for Host {
    type Err = HostNameError;
    fn from_str(text: &str) -> Result<Self, HostNameError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Host {
    type Error = HostNameError;
    fn try_from(text: String) -> Result<Self, HostNameError> {
        Self::parse(&text)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => name.serialize(serializer),
            Self::Address(_) => serializer.collect_str(self),
        }
    }
}

impl From<Host> for String {
    fn from(host: Host) -> String {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_parse(input: &str, expected: Result<&str, HostNameError>) {
        assert_eq!(HostName::parse(input).as_ref().map(HostName::as_str), expected.as_ref().copied());
    }

    #[test]
    fn names_are_normalised() {
        check_parse("WWW.Example.ORG.", Ok("www.example.org"));
        check_parse("bücher.example", Ok("xn--bcher-kva.example"));
        check_parse("_dmarc.example.org", Ok("_dmarc.example.org"));
        check_parse("", Err(HostNameError::Empty));
        check_parse("a..b", Err(HostNameError::Label));
        check_parse("a b", Err(HostNameError::Character));
        check_parse("127.1", Err(HostNameError::Address));
        check_parse("10.0.0.0x7f", Err(HostNameError::Address));
    }

    #[test]
    fn within_means_whole_labels() {
        let host = |text: &str| HostName::parse(text).unwrap();
        assert!(host("a.securly.com").is_within(&host("securly.com")));
        assert!(host("securly.com").is_within(&host("securly.com")));
        assert!(!host("fnsecurly.com").is_within(&host("securly.com")));
    }

    #[test]
    fn addresses_are_not_names() {
        for text in ["10.0.0.1", "[::1]", "::1"] {
            assert!(matches!(Host::parse(text), Ok(Host::Address(_))), "{text}");
        }
        assert!(matches!(Host::parse("a.example"), Ok(Host::Name(_))));
    }

    #[test]
    fn an_ipv4_address_is_one_in_every_form() {
        let address = Host::parse("192.0.2.7").unwrap();
        for text in ["::ffff:192.0.2.7", "[::ffff:192.0.2.7]", "[::FFFF:c000:207]", "[0:0:0:0:0:ffff:192.0.2.7]"] {
            assert_eq!(Host::parse(text).unwrap(), address, "{text}");
        }
        assert_eq!(Host::parse("[2001:db8::1]").unwrap().to_string(), "[2001:db8::1]");
    }
}
