//! Questions over TCP or TLS: one connection to a server, with many questions on it at a time (RFC 7766 §6.2.1).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use schoolgate_base::{Host, HostName};
use schoolgate_runtime::{Purpose, Shutdown};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::failure::Failure;
use crate::upstream::{Match, Means, match_answer};

/// Questions that wait to be written.
const QUEUE: usize = 64;
/// Questions on one connection that wait for their answers.
const OPEN_MAX: usize = 1_024;
/// Without anything to do. Public servers close sooner or later than this; both is met.
const IDLE: Duration = Duration::from_secs(10);

/// A server that is asked over streams.
pub(crate) struct Stream {
    address: SocketAddr,
    /// The name its certificate is for, where it speaks TLS.
    name: Option<HostName>,
    means: Means,
    current: Mutex<Option<mpsc::Sender<Asked>>>,
}

struct Asked {
    query: Vec<u8>,
    answer: oneshot::Sender<Vec<u8>>,
}

impl Stream {
    pub(crate) fn new(address: SocketAddr, name: Option<HostName>, mut means: Means) -> Self {
        let mut tls = (*means.tls).clone();
        tls.alpn_protocols = vec![b"dot".to_vec()];
        means.tls = Arc::new(tls);
        Self { address, name, means, current: Mutex::default() }
    }

    pub(crate) async fn ask(&self, query: Vec<u8>) -> Result<Vec<u8>, Failure> {
        // A kept connection may have ended just now; then a new one is asked.
        for _ in 0..2 {
            let (answer, answered) = oneshot::channel();
            let asked = Asked { query: query.clone(), answer };
            if self.connection().send(asked).await.is_err() {
                continue;
            }
            if let Ok(answer) = answered.await {
                return Ok(answer);
            }
        }
        Err(Failure::Unreachable)
    }

    /// The connection there is, or a new one, which is opened while the question waits in its queue.
    fn connection(&self) -> mpsc::Sender<Asked> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = current.as_ref().filter(|sender| !sender.is_closed()) {
            return sender.clone();
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (address, name, means) = (self.address, self.name.clone(), self.means.clone());
        let tasks = means.tasks.clone();
        tasks.spawn("connection to a name server", async move { connect(address, name, means, receiver).await });
        *current = Some(sender.clone());
        sender
    }
}

async fn connect(address: SocketAddr, name: Option<HostName>, means: Means, questions: mpsc::Receiver<Asked>) {
    let host = Host::Address(address.ip());
    let Ok(connected) = means.dialer.connect(Purpose::Names, &host, address.port()).await else { return };
    let shutdown = means.tasks.shutdown();
    let Some(name) = name else {
        return converse(connected.stream, questions, shutdown).await;
    };
    let Ok(name) = ServerName::try_from(name.as_str().to_owned()) else { return };
    let connecting = TlsConnector::from(means.tls).connect(name, connected.stream);
    if let Ok(Ok(stream)) = timeout(means.limits.handshake_deadline, connecting).await {
        converse(stream, questions, shutdown).await;
    }
}

/// Writes questions and hands out answers until the server closes, falls silent, or nobody asks any more.
async fn converse<S>(stream: S, mut questions: mpsc::Receiver<Asked>, shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut open: HashMap<u16, Asked> = HashMap::new();
    let mut incoming = Frames::default();
    let mut silent_at = Instant::now() + IDLE;
    loop {
        tokio::select! {
            asked = questions.recv(), if open.len() < OPEN_MAX => {
                // A server that owes nothing has its time from now on.
                if open.is_empty() {
                    silent_at = Instant::now() + IDLE;
                }
                let Some(asked) = asked else { return };
                if write(&mut writer, asked, &mut open).await.is_none() {
                    return;
                }
            }
            read = timeout_at(silent_at, incoming.read(&mut reader)) => {
                if !matches!(read, Ok(Some(()))) {
                    return;
                }
                silent_at = Instant::now() + IDLE;
                while let Some(message) = incoming.next() {
                    hand_out(message, &mut open);
                }
            }
            () = shutdown.begun() => return,
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, mut asked: Asked, open: &mut HashMap<u16, Asked>) -> Option<()> {
    // Nobody waits any more: their places go to others.
    open.retain(|_, asked| !asked.answer.is_closed());
    let id = free_id(&asked.query, open)?;
    asked.query.get_mut(..2)?.copy_from_slice(&id.to_be_bytes());
    let mut frame = u16::try_from(asked.query.len()).ok()?.to_be_bytes().to_vec();
    frame.extend_from_slice(&asked.query);
    timeout(IDLE, writer.write_all(&frame)).await.ok()?.ok()?;
    writer.flush().await.ok()?;
    open.insert(id, asked);
    Some(())
}

/// The query's own, or the next that no open question has.
fn free_id(query: &[u8], open: &HashMap<u16, Asked>) -> Option<u16> {
    let first = u16::from_be_bytes(*query.first_chunk()?);
    (0..=u16::MAX).map(|step| first.wrapping_add(step)).find(|id| !open.contains_key(id))
}

fn hand_out(message: Vec<u8>, open: &mut HashMap<u16, Asked>) {
    let Some(id) = message.first_chunk().map(|id| u16::from_be_bytes(*id)) else { return };
    // Nobody but the server writes on this connection, so its own spelling does no harm.
    let is_its = |asked: &Asked| match_answer(&asked.query, &message) != Match::Foreign;
    if open.get(&id).is_some_and(is_its)
        && let Some(asked) = open.remove(&id)
    {
        let _ = asked.answer.send(message);
    }
}

/// Messages with their length before them (RFC 1035 §4.2.2), as they come in.
#[derive(Default)]
pub(crate) struct Frames {
    pub(crate) buffer: Vec<u8>,
}

impl Frames {
    /// Reads what there is. `None` at the end. Safe to drop between reads.
    async fn read<R: AsyncRead + Unpin>(&mut self, reader: &mut R) -> Option<()> {
        // Two messages of the largest size there is: more is not needed to find one whole.
        let room = (2 * 65_537_usize).saturating_sub(self.buffer.len()).min(16_384);
        let mut limited = reader.take(u64::try_from(room).ok()?);
        let count = limited.read_buf(&mut self.buffer).await.ok()?;
        (count > 0).then_some(())
    }

    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(u16::from_be_bytes(*self.buffer.first_chunk()?));
        let message = self.buffer.get(2..2 + length)?.to_vec();
        self.buffer.drain(..2 + length);
        Some(message)
    }
}
