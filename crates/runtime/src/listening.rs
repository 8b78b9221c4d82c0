//! Listeners that the standard library cannot make.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be taken, as many as the kernel allows by default.
const BACKLOG: i32 = 4_096;

/// Whom a listener at an address of IPv6 is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Families {
    /// At `[::]`, clients of IPv4 too.
    Both,
    /// Another listener has those of IPv4.
    Own,
}

/// A listener that does not block.
pub fn listen(address: SocketAddr, families: Families) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(families == Families::Own)?;
    }
    bound(socket, address)
}

/// A listener that takes connections to any address, which a firewall steers to it (`TPROXY`): the local end of each is
/// the address that its client dialled. It does not block. Needs the right `CAP_NET_ADMIN`.
pub fn listen_transparently(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv4() {
        socket.set_ip_transparent_v4(true)?;
    } else {
        // One listener for each family: IPv4 has an option of its own.
        socket.set_only_v6(true)?;
        socket.set_ip_transparent_v6(true)?;
    }
    bound(socket, address)
}

fn bound(socket: Socket, address: SocketAddr) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn one_port_is_shared_by_two_families_where_both_have_a_listener() {
        let four = listen("0.0.0.0:0".parse().unwrap(), Families::Both).unwrap();
        let port = four.local_addr().unwrap().port();
        let every = SocketAddr::new([0; 16].into(), port);
        assert_eq!(listen(every, Families::Both).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let six = listen(every, Families::Own).unwrap();
        drop((four, six));
        let both = listen(every, Families::Both).unwrap();
        for address in ["127.0.0.1", "::1"] {
            drop(TcpStream::connect((address, port)).unwrap());
        }
        drop(both);
    }
}
