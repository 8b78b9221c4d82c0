//! Questions in datagrams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::door::{Client, Door, Transport};
use crate::pipeline::{Step, begin, finish};

/// The longest query that is read; one with all options known today has a few hundred bytes.
const QUERY_MAX: usize = 4_096;
/// Datagrams that are answered before other tasks get their turn.
const BATCH: usize = 64;
/// What the system holds while we are busy, in bytes: some thousand queries.
const BUFFER: usize = 4 * 1024 * 1024;

/// `count` sockets at one address, among which the system shares out the clients (`SO_REUSEPORT`), so that as many
/// threads answer.
pub fn udp_sockets(address: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::with_capacity(count);
    let mut address = address;
    for _ in 0..count {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        // The system gives what it allows.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        // Where the first was given a port, the others share it.
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Answers until the program stops.
pub(crate) async fn listen(door: Arc<Door>, socket: UdpSocket) {
    let shutdown = door.tasks.shutdown();
    let socket = Arc::new(socket);
    let (mut buffer, mut out) = (vec![0; QUERY_MAX], Vec::with_capacity(QUERY_MAX));
    loop {
        tokio::select! {
            ready = socket.readable() => if ready.is_err() { return },
            () = shutdown.begun() => return,
        }
        for _ in 0..BATCH {
            // An error is an earlier answer's (nobody at that port), and says nothing of what comes next.
            let Ok((length, peer)) = socket.try_recv_from(&mut buffer) else { break };
            let Some(message) = buffer.get(..length) else { continue };
            let client =
                Client { address: peer.ip().to_canonical(), transport: Transport::Udp, token: None, _place: None };
            match begin(&door, &client, message, &mut out) {
                Step::Silence => {}
                Step::Answered => send(&door, &socket, &out, peer),
                Step::Asked(asked) => {
                    let (door, socket) = (Arc::clone(&door), Arc::clone(&socket));
                    let tasks = door.tasks.clone();
                    tasks.spawn("query", async move {
                        let mut out = Vec::new();
                        finish(&door, asked, &mut out).await;
                        send(&door, &socket, &out, peer);
                    });
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

/// A datagram that the system has no room for is lost, as it might be on the way; the client asks again.
fn send(door: &Door, socket: &UdpSocket, message: &[u8], peer: SocketAddr) {
    if socket.try_send_to(message, peer).is_err() {
        door.meters.unsent.increment();
    }
}
