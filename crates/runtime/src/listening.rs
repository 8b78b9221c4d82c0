//! Listeners that the standard library cannot make.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be taken, as many as the kernel allows by default.
const BACKLOG: i32 = 4_096;

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
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
