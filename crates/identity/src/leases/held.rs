//! What one device holds of the address space.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address, or a whole IPv6 subnet of 64 bits (RFC 3162 §2.3, RFC 8273) in which one device makes up its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Held {
    address: IpAddr,
    is_subnet: bool,
}

const SUBNET: u128 = !(u64::MAX as u128);

impl Held {
    /// An IPv4 address in an IPv6 one is the IPv4 address.
    pub fn address(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), is_subnet: false }
    }

    /// The 64-bit subnet that `address` is in.
    pub fn subnet(address: Ipv6Addr) -> Self {
        Self { address: Ipv6Addr::from(u128::from(address) & SUBNET).into(), is_subnet: true }
    }

    pub fn is_subnet(self) -> bool {
        self.is_subnet
    }

    pub fn is_v4(self) -> bool {
        self.address.is_ipv4()
    }

    pub fn covers(self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V6(v6) if self.is_subnet => Self::subnet(v6) == self,
            address => !self.is_subnet && self.address == address,
        }
    }

    /// Addresses that every network has again (RFC 3927, RFC 4291 §2.5.6) are nobody's.
    pub(crate) fn is_link_local(self) -> bool {
        match self.address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, is_subnet } = self;
        if *is_subnet { write!(formatter, "{address}/64") } else { write!(formatter, "{address}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_covers_what_is_in_it() {
        let subnet = Held::subnet("2001:db8:1:2::7".parse().unwrap());
        assert_eq!(subnet.to_string(), "2001:db8:1:2::/64");
        assert!(subnet.covers("2001:db8:1:2:ffff::1".parse().unwrap()));
        assert!(!subnet.covers("2001:db8:1:3::1".parse().unwrap()) && !subnet.covers("10.0.0.1".parse().unwrap()));
        let address = Held::address("::ffff:10.0.0.5".parse().unwrap());
        assert!(address.covers("10.0.0.5".parse().unwrap()) && !address.covers("10.0.0.6".parse().unwrap()));
    }
}
