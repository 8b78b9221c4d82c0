//! Which addresses nothing of ours may be talked into reaching.
//!
//! Pure: an address goes in, the reason against it comes out. Addresses that carry another address inside (v4-mapped,
//! NAT64, 6to4) are judged by the one inside as well.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use schoolgate_base::Network;

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    Loopback,
    LinkLocal,
    /// The address at which cloud machines hand out their own credentials.
    Metadata,
    Unspecified,
    Multicast,
    /// RFC 1918, RFC 6598, fc00::/7: allowed only where the school says it has an intranet.
    Private,
    Reserved,
    /// An address of this program's own.
    Own,
}

impl Refusal {
    pub const ALL: [Self; 8] = [
        Self::Loopback,
        Self::LinkLocal,
        Self::Metadata,
        Self::Unspecified,
        Self::Multicast,
        Self::Private,
        Self::Reserved,
        Self::Own,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Private => "private",
            Self::Reserved => "reserved",
            Self::Own => "own",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which addresses may be reached.
#[derive(Debug, Clone, Default)]
pub struct AddressRule {
    /// Whether the school's private ranges may be reached.
    pub allows_private: bool,
    /// Private networks that may be reached though not all may: a school's intranet.
    pub inner: Vec<Network>,
    /// Reached whatever else is said here.
    pub listed: Vec<SocketAddr>,
    /// Our own listening addresses; an unspecified address stands for the port on every address of this machine, which
    /// only [`AddressRule::refusal_of_open`] can tell.
    pub own: Vec<SocketAddr>,
}

impl AddressRule {
    /// `None` when `address` may be reached.
    pub fn refusal(&self, address: SocketAddr) -> Option<Refusal> {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.listed.contains(&address) {
            return None;
        }
        let is_own = |own: &SocketAddr| own.port() == address.port() && own.ip().to_canonical() == address.ip();
        if self.own.iter().any(is_own) {
            return Some(Refusal::Own);
        }
        match kind(address.ip())? {
            Refusal::Private if self.allows_private || self.is_inner(address.ip()) => None,
            refusal => Some(refusal),
        }
    }

    fn is_inner(&self, address: IpAddr) -> bool {
        self.inner.iter().any(|network| network.contains(address))
    }

    /// `None` when an open connection to `address`, whose own end is at `local`, may be used. The system gives a
    /// connection to an address of this machine that address for its own end.
    pub fn refusal_of_open(&self, address: SocketAddr, local: IpAddr) -> Option<Refusal> {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let is_every = |own: &SocketAddr| own.ip().is_unspecified() && own.port() == address.port();
        let is_here = local.to_canonical() == address.ip() && self.own.iter().any(is_every);
        (is_here && !self.listed.contains(&address)).then_some(Refusal::Own)
    }
}

fn kind(address: IpAddr) -> Option<Refusal> {
    match address.to_canonical() {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<Refusal> {
    let [a, b, c, _] = address.octets();
    if address == Ipv4Addr::new(169, 254, 169, 254) || address == Ipv4Addr::new(100, 100, 100, 200) {
        return Some(Refusal::Metadata);
    }
    match (a, b, c) {
        (127, ..) => Some(Refusal::Loopback),
        (169, 254, _) => Some(Refusal::LinkLocal),
        (0, ..) => Some(Refusal::Unspecified),
        (224..=239, ..) => Some(Refusal::Multicast),
        (240..=255, ..) | (192, 0, 0) => Some(Refusal::Reserved),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (198, 18..=19, _) => Some(Refusal::Private),
        _ => None,
    }
}

fn kind_v6(address: Ipv6Addr) -> Option<Refusal> {
    let segments = address.segments();
    if address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254) {
        return Some(Refusal::Metadata);
    }
    if address.is_loopback() {
        return Some(Refusal::Loopback);
    }
    if address.is_unspecified() {
        return Some(Refusal::Unspecified);
    }
    match segments {
        [0xff00..=0xffff, ..] => Some(Refusal::Multicast),
        [0xfe80..=0xfebf, ..] => Some(Refusal::LinkLocal),
        // Site-local addresses are deprecated (RFC 3879) but still routed by some.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some(Refusal::Private),
        // NAT64 (RFC 6052), its local prefix (RFC 8215), and the deprecated v4-compatible form.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0, 0, 0, 0, 0, 0, high, low] => kind_v4(inner(high, low)),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => kind_v4(inner(high, low)),
        _ => None,
    }
}

fn inner(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<Refusal>) {
        let address = SocketAddr::new(address.parse().unwrap(), 443);
        assert_eq!(AddressRule::default().refusal(address), expected, "{address}");
    }

    #[test]
    fn inner_addresses_are_refused_in_every_form() {
        for address in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"] {
            check(address, Some(Refusal::Loopback));
        }
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"] {
            check(address, Some(Refusal::Metadata));
        }
        for address in ["169.254.1.1", "fe80::1", "febf::1"] {
            check(address, Some(Refusal::LinkLocal));
        }
        for address in ["0.0.0.0", "0.1.2.3", "::"] {
            check(address, Some(Refusal::Unspecified));
        }
        for address in ["10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "100.64.0.1", "fd12::1"] {
            check(address, Some(Refusal::Private));
        }
        check("224.0.0.1", Some(Refusal::Multicast));
        check("ff02::1", Some(Refusal::Multicast));
        check("255.255.255.255", Some(Refusal::Reserved));
        for address in ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            check(address, None);
        }
    }

    #[test]
    fn what_is_listed_is_reached_and_what_is_ours_is_not() {
        let rule = AddressRule {
            allows_private: true,
            listed: vec!["127.0.0.1:8443".parse().unwrap()],
            own: vec!["10.0.0.2:3128".parse().unwrap()],
            ..AddressRule::default()
        };
        let refusal = |text: &str| rule.refusal(text.parse().unwrap());
        assert_eq!(refusal("127.0.0.1:8443"), None);
        assert_eq!(refusal("127.0.0.1:8444"), Some(Refusal::Loopback));
        assert_eq!(refusal("10.0.0.2:3128"), Some(Refusal::Own));
        assert_eq!(refusal("10.0.0.2:80"), None);
        assert_eq!(refusal("169.254.169.254:80"), Some(Refusal::Metadata));
        assert_eq!(refusal("[fd00:ec2::254]:80"), Some(Refusal::Metadata));
    }

    #[test]
    fn an_inner_network_lifts_what_is_private_and_nothing_else() {
        let inner = ["10.2.0.0/16", "fd12::/16", "0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap());
        let rule = |inner: &[Network]| AddressRule {
            inner: inner.to_vec(),
            own: vec!["10.2.0.2:3128".parse().unwrap()],
            ..AddressRule::default()
        };
        let refusal = |rule: &AddressRule, text: &str| rule.refusal(text.parse().unwrap());
        let named = rule(&inner[..2]);
        assert_eq!(refusal(&named, "10.2.9.9:80"), None);
        assert_eq!(refusal(&named, "[::ffff:10.2.9.9]:80"), None);
        assert_eq!(refusal(&named, "[fd12::1]:80"), None);
        assert_eq!(refusal(&named, "10.3.0.1:80"), Some(Refusal::Private));
        assert_eq!(refusal(&named, "10.2.0.2:3128"), Some(Refusal::Own));
        let everything = rule(&inner);
        assert_eq!(refusal(&everything, "127.0.0.1:80"), Some(Refusal::Loopback));
        assert_eq!(refusal(&everything, "169.254.169.254:80"), Some(Refusal::Metadata));
        assert_eq!(refusal(&everything, "[fe80::1]:80"), Some(Refusal::LinkLocal));
    }

    #[test]
    fn an_unspecified_address_is_every_address_of_this_machine() {
        let rule = AddressRule {
            allows_private: true,
            listed: vec!["10.0.0.2:3128".parse().unwrap()],
            own: vec!["0.0.0.0:443".parse().unwrap(), "[::]:3128".parse().unwrap()],
            ..AddressRule::default()
        };
        let refusal =
            |address: &str, local: &str| rule.refusal_of_open(address.parse().unwrap(), local.parse().unwrap());
        assert_eq!(refusal("10.0.0.2:443", "10.0.0.2"), Some(Refusal::Own));
        assert_eq!(refusal("[::ffff:10.0.0.2]:443", "10.0.0.2"), Some(Refusal::Own));
        assert_eq!(refusal("10.0.0.3:443", "10.0.0.2"), None);
        assert_eq!(refusal("10.0.0.2:80", "10.0.0.2"), None);
        assert_eq!(refusal("10.0.0.2:3128", "10.0.0.2"), None);
    }
}
