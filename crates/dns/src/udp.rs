//! Questions in datagrams.

use std::io::{self, IoSlice};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, recvfrom, sendmmsg};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tracing::warn;

use crate::door::{Client, Door, Transport};
use crate::pipeline::{Step, begin, finish};

/// The longest query that is read; one with all options known today has a few hundred bytes.
const QUERY_MAX: usize = 4_096;
/// How long a stop waits for a silent socket.
const READ_WAIT: Duration = Duration::from_millis(200);
/// For room in the system's buffer.
const WRITE_WAIT: Duration = Duration::from_millis(20);
/// Questions that are answered before the answers go out. (One by one, every answer wakes its client, and every next
/// question us.)
const AT_ONCE: usize = 32;
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

/// Answers until the program stops, on a thread of its own: a datagram in, a datagram out, and nobody else to wake. (As
/// a task it took half as much processor again, since the runtime wakes another thread for every datagram.)
pub(crate) async fn listen(door: Arc<Door>, socket: UdpSocket) {
    let socket = match blocking(socket) {
        Ok(socket) => Arc::new(socket),
        Err(error) => return warn!("cannot answer on a socket: {error}"),
    };
    let ends = Ends::default();
    loop {
        let (at, on, is_over) = (Arc::clone(&door), Arc::clone(&socket), Arc::clone(&ends.0));
        let ended = door.tasks.run_blocking("DNS socket", move || answer(&at, &on, &is_over)).await;
        // A panic is one datagram's, and it has been logged; the next one has a right to its answer.
        if ended.is_ok() || door.tasks.shutdown().is_begun() {
            return;
        }
    }
}

/// Tells the thread when the task that waits for it is dropped: nothing else can end it.
#[derive(Default)]
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn blocking(socket: UdpSocket) -> io::Result<net::UdpSocket> {
    let socket = socket.into_std()?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(READ_WAIT))?;
    socket.set_write_timeout(Some(WRITE_WAIT))?;
    Ok(socket)
}

fn answer(door: &Arc<Door>, socket: &Arc<net::UdpSocket>, is_over: &AtomicBool) {
    let shutdown = door.tasks.shutdown();
    let mut buffer = vec![0; QUERY_MAX];
    let mut answers = Answers::default();
    while !shutdown.is_begun() && !is_over.load(Ordering::Relaxed) {
        // The first is waited for; of the others, those that are there.
        let mut flags = RecvFlags::empty();
        for _ in 0..AT_ONCE {
            // An error is the end of the wait, or an earlier answer's (nobody at that port).
            let Ok((length, _, Some(peer))) = recvfrom(socket, &mut buffer, flags) else { break };
            flags = RecvFlags::DONTWAIT;
            if let (Some(message), Ok(peer)) = (buffer.get(..length), SocketAddr::try_from(peer)) {
                take(door, socket, message, peer, &mut answers);
            }
        }
        answers.send(door, socket);
    }
}

fn take(door: &Arc<Door>, socket: &Arc<net::UdpSocket>, message: &[u8], peer: SocketAddr, answers: &mut Answers) {
    let client = Client { address: peer.ip().to_canonical(), transport: Transport::Udp, token: None, _place: None };
    let mut out = answers.spare.pop().unwrap_or_default();
    match begin(door, &client, message, &mut out) {
        Step::Silence => answers.spare.push(out),
        Step::Answered => answers.written.push((out, peer.as_any())),
        Step::Asked(asked) => {
            let (at, on) = (Arc::clone(door), Arc::clone(socket));
            door.tasks.spawn("query", async move {
                finish(&at, asked, &mut out).await;
                if on.send_to(&out, peer).is_err() {
                    at.meters.unsent.increment();
                }
            });
        }
    }
}

/// Answers that go out together, by one call.
#[derive(Default)]
struct Answers {
    written: Vec<(Vec<u8>, SocketAddrAny)>,
    /// Buffers to write the next into.
    spare: Vec<Vec<u8>>,
}

impl Answers {
    /// A datagram that the system has no room for is lost, as it might be on the way; the client asks again.
    fn send(&mut self, door: &Door, socket: &net::UdpSocket) {
        let mut parts: Vec<_> = self
            .written
            .iter()
            .map(|(message, peer)| ([IoSlice::new(message)], SendAncillaryBuffer::default(), peer))
            .collect();
        let mut headers: Vec<_> =
            parts.iter_mut().map(|(piece, none, peer)| MMsgHdr::new_with_addr(peer, piece, none)).collect();
        let mut rest = headers.as_mut_slice();
        while !rest.is_empty() {
            let sent = sendmmsg(socket, rest, SendFlags::empty()).unwrap_or_else(|_| {
                // It stopped at the first of them; the others are still to be tried.
                door.meters.unsent.increment();
                1
            });
            rest = rest.get_mut(sent..).unwrap_or_default();
        }
        self.spare.extend(self.written.drain(..).map(|(message, _)| message));
    }
}
