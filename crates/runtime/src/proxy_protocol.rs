//! The PROXY protocol: how the proxy tells the portal which device it speaks for, and how a load balancer tells the
//! proxy. Codecs: they eat bytes, not sockets.
//!
//! Between our own parts, over a socket that nobody else may open, only version 2 with TCP addresses is written or read
//! (HAProxy, "The PROXY protocol", 2020, §2.2); what balancers may send is read by [`read_foreign`].

mod foreign;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use foreign::{Ends, FOREIGN_MAX_BYTES, ForeignError, Reading, read as read_foreign};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES: usize = 16;
/// Longest header that is read: the addresses of IPv6 and no extensions.
pub const MAX_BYTES: usize = FIXED_BYTES + 36;

/// The header for a connection that came from `client`; 28 bytes for IPv4, 52 for IPv6.
pub fn encode(client: SocketAddr, door: SocketAddr) -> Vec<u8> {
    let mut header = Vec::with_capacity(MAX_BYTES);
    header.extend_from_slice(&SIGNATURE);
    header.push(0x21); // version 2, command PROXY
    match (client.ip(), door.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.extend_from_slice(&[0x11, 0, 12]);
            header.extend_from_slice(&from.octets());
            header.extend_from_slice(&to.octets());
        }
        (from, to) => {
            header.extend_from_slice(&[0x21, 0, 36]);
            header.extend_from_slice(&as_v6(from).octets());
            header.extend_from_slice(&as_v6(to).octets());
        }
    }
    header.extend_from_slice(&client.port().to_be_bytes());
    header.extend_from_slice(&door.port().to_be_bytes());
    header
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// What the bytes read so far hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// At least this many bytes in all are needed.
    NeedMore(usize),
    /// The client, and how many bytes the header took.
    Client(SocketAddr, usize),
}

/// Why the bytes are not a header of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyProtocolError {
    #[error("the connection does not begin with a PROXY protocol header")]
    Signature,
    #[error("only version 2 with command PROXY over TCP is understood")]
    Kind,
    #[error("the header claims {0} bytes of addresses, which fits neither IPv4 nor IPv6")]
    Length(usize),
}

/// Reads a header from the start of `input`.
pub fn decode(input: &[u8]) -> Result<Step, ProxyProtocolError> {
    let seen = input.len().min(SIGNATURE.len());
    if input.get(..seen) != SIGNATURE.get(..seen) {
        return Err(ProxyProtocolError::Signature);
    }
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Step::NeedMore(FIXED_BYTES));
    };
    let [.., kind, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (address, ports) = match (kind, family) {
        (0x21, 0x11) => {
            if length != 12 {
                return Err(ProxyProtocolError::Length(length));
            }
            let Some((body, _)) = rest.split_first_chunk::<12>() else {
                return Ok(Step::NeedMore(FIXED_BYTES + 12));
            };
            let [a, b, c, d, _, _, _, _, ports @ ..] = *body;
            (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), ports)
        }
        (0x21, 0x21) => {
            if length != 36 {
                return Err(ProxyProtocolError::Length(length));
            }
            let Some((from, tail)) = rest.split_first_chunk::<16>() else {
                return Ok(Step::NeedMore(MAX_BYTES));
            };
            let Some((last, _)) = tail.split_first_chunk::<20>() else {
                return Ok(Step::NeedMore(MAX_BYTES));
            };
            let [.., p, q, r, s] = *last;
            (Ipv6Addr::from(*from).to_canonical(), [p, q, r, s])
        }
        _ => return Err(ProxyProtocolError::Kind),
    };
    let [high, low, ..] = ports;
    Ok(Step::Client(SocketAddr::new(address, u16::from_be_bytes([high, low])), FIXED_BYTES + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip_at_every_cut() {
        for (client, door) in [("10.1.2.3:4000", "10.0.0.1:3128"), ("[2001:db8::1]:4000", "10.0.0.1:3128")] {
            let (client, door): (SocketAddr, SocketAddr) = (client.parse().unwrap(), door.parse().unwrap());
            let header = encode(client, door);
            for cut in 0..header.len() {
                assert!(matches!(decode(&header[..cut]), Ok(Step::NeedMore(more)) if cut < more), "{cut}");
            }
            let mut with_body = header.clone();
            with_body.extend_from_slice(b"GET / HTTP/1.1");
            assert_eq!(decode(&with_body), Ok(Step::Client(client, header.len())));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(decode(b"GET / HTTP/1.1\r\n"), Err(ProxyProtocolError::Signature));
        let mut local = encode("10.1.2.3:1".parse().unwrap(), "10.0.0.1:2".parse().unwrap());
        local[12] = 0x20;
        assert_eq!(decode(&local), Err(ProxyProtocolError::Kind));
        local[12] = 0x21;
        local[15] = 13;
        assert_eq!(decode(&local), Err(ProxyProtocolError::Length(13)));
    }
}
