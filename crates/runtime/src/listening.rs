//! Listeners that the standard library cannot make.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections that wait to be taken, as many as the kernel allows by default.
const BACKLOG: i32 = 4_096;

/// Whom a listener takes, which its address does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At `[::]`, clients of IPv4 too.
    Both,
    /// Another listener has those of IPv4.
    Own,
    /// Connections to any address, which a firewall steers to it (`TPROXY`): the local end of each is the address that
    /// its client dialled. One listener for each family: IPv4 has an option of its own. Needs the right `CAP_NET_ADMIN`.
    Any,
}

impl Reach {
    /// At `address`, where the same program also listens at `others`: at `[::]` for IPv4 too, unless one of them has that.
    pub fn beside(address: SocketAddr, others: &[SocketAddr]) -> Self {
        let is_four =
            |other: &SocketAddr| other.is_ipv4() && other.ip().is_unspecified() && other.port() == address.port();
        let is_shared = address.is_ipv6() && address.ip().is_unspecified() && others.iter().any(is_four);
        if is_shared { Self::Own } else { Self::Both }
    }

    /// Whether a listener at `address` that somebody else has made takes just these.
    pub(crate) fn is_of(self, listener: &TcpListener, address: SocketAddr) -> io::Result<bool> {
        let socket = SockRef::from(listener);
        let is_transparent =
            if address.is_ipv4() { socket.ip_transparent_v4()? } else { socket.ip_transparent_v6()? };
        // Elsewhere than at `[::]` there is nobody else to take.
        let has_choice = address.is_ipv6() && address.ip().is_unspecified();
        let is_family = !has_choice || socket.only_v6()? == (self != Self::Both);
        Ok(is_transparent == (self == Self::Any) && is_family)
    }
}

/// A listener that does not block.
pub fn listen(address: SocketAddr, reach: Reach) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(reach != Reach::Both)?;
    }
    match (reach, address) {
        (Reach::Any, SocketAddr::V4(_)) => socket.set_ip_transparent_v4(true)?,
        (Reach::Any, SocketAddr::V6(_)) => socket.set_ip_transparent_v6(true)?,
        (Reach::Both | Reach::Own, _) => {}
    }
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
        let four = listen("0.0.0.0:0".parse().unwrap(), Reach::Both).unwrap();
        let port = four.local_addr().unwrap().port();
        let every = SocketAddr::new([0; 16].into(), port);
        assert_eq!(listen(every, Reach::Both).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let six = listen(every, Reach::Own).unwrap();
        drop((four, six));
        let both = listen(every, Reach::Both).unwrap();
        assert!(Reach::Both.is_of(&both, every).unwrap());
        assert!(!Reach::Own.is_of(&both, every).unwrap());
        assert!(!Reach::Any.is_of(&both, every).unwrap());
        for address in ["127.0.0.1", "::1"] {
            drop(TcpStream::connect((address, port)).unwrap());
        }
        drop(both);
    }
}
