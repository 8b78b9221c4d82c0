//! Networks by address prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address prefix (RFC 4632 §3.1), written `10.1.0.0/16`; without a prefix it is one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub address: IpAddr,
    pub prefix: u8,
}

/// Why a text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error("not an address or an address prefix such as 10.1.0.0/16")]
    NotOne,
    /// Whoever writes `10.0.0.9/8` has one device in mind or sixteen million.
    #[error("either the network {network} or the address {address}")]
    Ambiguous { network: Network, address: Network },
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32_u32.saturating_sub(self.prefix.into());
                shift >= 32 || u32::from(network) >> shift == u32::from(address) >> shift
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128_u32.saturating_sub(self.prefix.into());
                shift >= 128 || u128::from(network) >> shift == u128::from(address) >> shift
            }
            _ => false,
        }
    }
}

impl Network {
    /// The network of this prefix that the address is in.
    fn whole(self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                Ipv4Addr::from(u32::from(address) & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                Ipv6Addr::from(u128::from(address) & mask).into()
            }
        };
        Self { address, ..self }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| NetworkError::NotOne)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| NetworkError::NotOne)?,
            None => most,
        };
        if most < prefix {
            return Err(NetworkError::NotOne);
        }
        let network = Self { address, prefix }.whole();
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::Ambiguous { network, address: Self { address, prefix: most } })
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_people_write_them() {
        for (text, expected) in [
            ("10.1.0.0/16", "10.1.0.0/16"),
            (" 10.1.0.9 ", "10.1.0.9/32"),
            ("2001:db8::/48", "2001:db8::/48"),
            ("fd00::7", "fd00::7/128"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), expected);
        }
        for wrong in ["", "/8", "10.1.0.0/33", "10.1.0.0/", "10.1/16", "school.example", "10.0.0.0/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkError::NotOne), "{wrong}");
        }
    }

    #[test]
    fn an_address_with_the_prefix_of_its_network_could_mean_either() {
        for (text, network, address) in [
            ("10.0.0.9/8", "10.0.0.0/8", "10.0.0.9/32"),
            ("10.0.0.9/0", "0.0.0.0/0", "10.0.0.9/32"),
            ("10.0.0.9/31", "10.0.0.8/31", "10.0.0.9/32"),
            ("2001:db8::7/48", "2001:db8::/48", "2001:db8::7/128"),
            ("::1/0", "::/0", "::1/128"),
        ] {
            let [network, address] = [network, address].map(|text| text.parse().unwrap());
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Ambiguous { network, address }), "{text}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_of_its_prefix() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.1.0.0/16", "10.1.255.9") && !holds("10.1.0.0/16", "10.2.0.1"));
        assert!(holds("10.1.0.9", "10.1.0.9") && !holds("10.1.0.9", "10.1.0.8"));
        assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("fd00::/8", "fd77::2") && !holds("fd00::/8", "fe80::2"));
    }
}
