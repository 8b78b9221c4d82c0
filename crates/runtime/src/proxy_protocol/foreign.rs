//! Headers of load balancers, versions 1 and 2, with extensions and the LOCAL command (HAProxy, "The PROXY protocol",
//! 2020, §2.1 and §2.2).
//!
//! Only for peers that are known to send one: a header is never looked for (§5), since whoever may send one may say who
//! they are. What has to be there is said byte by byte, so that nothing behind the header is read with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{FIXED_BYTES, SIGNATURE};

/// Longest header that is read: addresses and the extensions of today's balancers (a TLS session's names, not its
/// certificates).
pub const FOREIGN_MAX_BYTES: usize = 4 * 1024;
/// §2.1: a line of version 1 with its end.
const LINE_MAX: usize = 107;
const LINE_START: &[u8; 6] = b"PROXY ";
/// `PROXY UNKNOWN\r\n`: the shortest header there is.
const LEAST: usize = 15;

/// Whom a balancer speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub client: SocketAddr,
    /// The address that the client had connected to.
    pub door: SocketAddr,
}

/// What the bytes read so far hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// At least this many bytes in all belong to the header.
    NeedMore(usize),
    /// The header took `length` bytes. Without `ends` the balancer speaks for itself, as its health checks do.
    Header { ends: Option<Ends>, length: usize },
}

/// Why the bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    #[error("the connection does not begin with a PROXY protocol header")]
    Signature,
    #[error("the line of version 1 is not in order")]
    Line,
    #[error("version and command 0x{0:02x} are not understood")]
    Command(u8),
    #[error("address family and protocol 0x{0:02x} are not TCP")]
    Family(u8),
    #[error("{0} bytes do not hold the addresses, or are more than {FOREIGN_MAX_BYTES}")]
    Length(usize),
    #[error("the extensions do not end where the header does")]
    Extensions,
}

/// Reads a header of either version from the start of `input`.
pub fn read(input: &[u8]) -> Result<Reading, ForeignError> {
    let is_start = |of: &[u8]| input.iter().zip(of).all(|(a, b)| a == b);
    if input.is_empty() {
        Ok(Reading::NeedMore(LEAST))
    } else if is_start(LINE_START) {
        read_line(input)
    } else if is_start(&SIGNATURE) {
        read_binary(input)
    } else {
        Err(ForeignError::Signature)
    }
}

fn read_line(input: &[u8]) -> Result<Reading, ForeignError> {
    // A longer line is none, also where it is there all at once.
    let Some(end) = input.iter().take(LINE_MAX).position(|byte| *byte == b'\n') else {
        if LINE_MAX <= input.len() {
            return Err(ForeignError::Line);
        }
        let to_come = if input.ends_with(b"\r") { 1 } else { 2 };
        return Ok(Reading::NeedMore((input.len() + to_come).clamp(LEAST, LINE_MAX)));
    };
    let line = input.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(ForeignError::Line)?;
    let line = std::str::from_utf8(line).map_err(|_| ForeignError::Line)?;
    Ok(Reading::Header { ends: ends_of_line(line)?, length: end + 1 })
}

fn ends_of_line(line: &str) -> Result<Option<Ends>, ForeignError> {
    let words: Vec<&str> = line.split(' ').collect();
    let (is_four, from, to, ports) = match words.as_slice() {
        // Whatever follows is to be ignored.
        ["PROXY", "UNKNOWN", ..] => return Ok(None),
        ["PROXY", "TCP4", from, to, ports @ ..] => (true, from, to, ports),
        ["PROXY", "TCP6", from, to, ports @ ..] => (false, from, to, ports),
        _ => return Err(ForeignError::Line),
    };
    let [from_port, to_port] = ports else { return Err(ForeignError::Line) };
    let end = |address: &str, port: &str| {
        let address: IpAddr = address.parse().ok().filter(|address: &IpAddr| address.is_ipv4() == is_four)?;
        let is_decimal = port.bytes().all(|byte| byte.is_ascii_digit()) && (port == "0" || !port.starts_with('0'));
        Some(SocketAddr::new(address.to_canonical(), port.parse().ok().filter(|_| is_decimal)?))
    };
    let (client, door) = (end(from, from_port), end(to, to_port));
    client.zip(door).map(|(client, door)| Some(Ends { client, door })).ok_or(ForeignError::Line)
}

fn read_binary(input: &[u8]) -> Result<Reading, ForeignError> {
    let Some((fixed, _)) = input.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Reading::NeedMore(FIXED_BYTES));
    };
    let [.., command, family, high, low] = *fixed;
    let body_bytes = usize::from(u16::from_be_bytes([high, low]));
    let length = FIXED_BYTES + body_bytes;
    if FOREIGN_MAX_BYTES < length {
        return Err(ForeignError::Length(body_bytes));
    }
    let Some(body) = input.get(FIXED_BYTES..length) else { return Ok(Reading::NeedMore(length)) };
    match command {
        // §2.2: the receiver must discard the rest of the header, whatever it says.
        0x20 => return Ok(Reading::Header { ends: None, length }),
        0x21 => {}
        other => return Err(ForeignError::Command(other)),
    }
    let too_short = ForeignError::Length(body_bytes);
    let (ends, extensions) = match family {
        // Nothing is known of the client.
        0x00 => (None, body),
        0x11 => {
            let (addresses, rest) = body.split_first_chunk::<12>().ok_or(too_short)?;
            (Some(ends_v4(*addresses)), rest)
        }
        0x21 => {
            let (addresses, rest) = body.split_first_chunk::<36>().ok_or(too_short)?;
            (Some(ends_v6(addresses).ok_or(too_short)?), rest)
        }
        other => return Err(ForeignError::Family(other)),
    };
    if family != 0 {
        check_extensions(extensions)?;
    }
    Ok(Reading::Header { ends, length })
}

fn ends_v4(addresses: [u8; 12]) -> Ends {
    let [a, b, c, d, e, f, g, h, p, q, r, s] = addresses;
    let end =
        |address: [u8; 4], port: [u8; 2]| SocketAddr::new(Ipv4Addr::from(address).into(), u16::from_be_bytes(port));
    Ends { client: end([a, b, c, d], [p, q]), door: end([e, f, g, h], [r, s]) }
}

fn ends_v6(addresses: &[u8; 36]) -> Option<Ends> {
    let (from, rest) = addresses.split_first_chunk::<16>()?;
    let (to, ports) = rest.split_first_chunk::<16>()?;
    let &[p, q, r, s] = ports else { return None };
    let end =
        |address: [u8; 16], port| SocketAddr::new(Ipv6Addr::from(address).to_canonical(), u16::from_be_bytes(port));
    Some(Ends { client: end(*from, [p, q]), door: end(*to, [r, s]) })
}

/// Type, length and value, one after the other (§2.2.7). None of them changes who the client is.
fn check_extensions(mut rest: &[u8]) -> Result<(), ForeignError> {
    while let Some((&[_, high, low], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = after.get(length..).ok_or(ForeignError::Extensions)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(ForeignError::Extensions) }
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    fn ends(client: &str, door: &str) -> Option<Ends> {
        Some(Ends { client: client.parse().unwrap(), door: door.parse().unwrap() })
    }

    /// At every cut, what is asked for is more than is there and no more than the header has.
    #[track_caller]
    fn check(header: &[u8], expected: Result<Option<Ends>, ForeignError>) {
        let with_body = [header, b"\r\nGET / HTTP/1.1\r\n"].concat();
        let read_whole = read(&with_body);
        assert_eq!(read_whole, expected.map(|ends| Reading::Header { ends, length: header.len() }), "{header:?}");
        if expected.is_ok() {
            for cut in 0..header.len() {
                let Ok(Reading::NeedMore(more)) = read(&header[..cut]) else { panic!("{cut}") };
                assert!(cut < more && more <= header.len(), "{cut}: {more} of {}", header.len());
            }
        }
    }

    fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, body].concat()
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_however_it_comes() {
        let line = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_MAX));
        for cut in [LINE_MAX, LINE_MAX + 1, line.len()] {
            assert_eq!(read(&line.as_bytes()[..cut]), Err(ForeignError::Line), "{cut}");
        }
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_MAX - 16));
        assert_eq!(read(longest.as_bytes()), Ok(Reading::Header { ends: None, length: LINE_MAX }));
    }

    #[test]
    fn lines_are_read() {
        check(b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 3128\r\n", Ok(ends("10.1.2.3:4000", "10.0.0.1:3128")));
        check(b"PROXY TCP6 2001:db8::1 ::1 4000 3128\r\n", Ok(ends("[2001:db8::1]:4000", "[::1]:3128")));
        check(b"PROXY UNKNOWN\r\n", Ok(None));
        check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Ok(None));
        for bad in [
            "PROXY TCP4 10.1.2.3 10.0.0.1 4000\r\n",
            "PROXY TCP4 10.1.2.3 10.0.0.1 4000 3128 \r\n",
            "PROXY TCP4 10.1.2.3 10.0.0.1 4000 65536\r\n",
            "PROXY TCP4 10.1.2.3 10.0.0.1 04000 3128\r\n",
            "PROXY TCP4 10.1.2.3 10.0.0.1 +4000 3128\r\n",
            "PROXY TCP4 ::1 ::1 4000 3128\r\n",
            "PROXY TCP6 10.1.2.3 10.0.0.1 4000 3128\r\n",
            "PROXY UDP4 10.1.2.3 10.0.0.1 4000 3128\r\n",
            "PROXY  TCP4 10.1.2.3 10.0.0.1 4000 3128\r\n",
            "PROXY TCP4 10.1.2.3 10.0.0.1 4000 3128\n",
        ] {
            check(bad.as_bytes(), Err(ForeignError::Line));
        }
        let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; LINE_MAX]].concat();
        assert_eq!(read(&endless), Err(ForeignError::Line));
        check(b"GET / HTTP/1.1\r\n", Err(ForeignError::Signature));
    }

    #[test]
    fn binary_headers_are_read() {
        for (client, door) in [("10.1.2.3:4000", "10.0.0.1:3128"), ("[2001:db8::1]:4000", "[2001:db8::2]:3128")] {
            check(&encode(client.parse().unwrap(), door.parse().unwrap()), Ok(ends(client, door)));
        }
        let addresses = [10, 1, 2, 3, 10, 0, 0, 1, 15, 160, 12, 56];
        let tls = [&addresses[..], &[0x20, 0, 2, 1, 0], &[0x04, 0, 0]].concat();
        check(&binary(0x21, 0x11, &tls), Ok(ends("10.1.2.3:4000", "10.0.0.1:3128")));
        // LOCAL, and a client that nothing is known of.
        check(&binary(0x20, 0x11, &addresses), Ok(None));
        check(&binary(0x20, 0x00, &[]), Ok(None));
        check(&binary(0x21, 0x00, &[1, 2]), Ok(None));
    }

    #[test]
    fn binary_headers_out_of_order_are_refused() {
        let addresses = [10, 1, 2, 3, 10, 0, 0, 1, 15, 160, 12, 56];
        check(&binary(0x11, 0x11, &addresses), Err(ForeignError::Command(0x11)));
        check(&binary(0x22, 0x11, &addresses), Err(ForeignError::Command(0x22)));
        check(&binary(0x21, 0x12, &addresses), Err(ForeignError::Family(0x12)));
        check(&binary(0x21, 0x31, &[0; 216]), Err(ForeignError::Family(0x31)));
        check(&binary(0x21, 0x11, &addresses[..11]), Err(ForeignError::Length(11)));
        check(&binary(0x21, 0x21, &[0; 35]), Err(ForeignError::Length(35)));
        let cut = [&addresses[..], &[0x20, 0, 9, 1]].concat();
        check(&binary(0x21, 0x11, &cut), Err(ForeignError::Extensions));
        check(&binary(0x21, 0x11, &[&addresses[..], &[0x20]].concat()), Err(ForeignError::Extensions));
        check(&binary(0x21, 0x11, &[0; FOREIGN_MAX_BYTES]), Err(ForeignError::Length(FOREIGN_MAX_BYTES)));
    }
}
