//! Questions over TCP and TLS: many on one connection, answered as they are ready (RFC 7766, RFC 7858).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use schoolgate_runtime::{Crowd, Guarded, Place, accepted};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::door::{Client, Door, Transport};
use crate::https;
use crate::pipeline::{Step, begin, finish};

/// A client that takes nothing of its answers for so long is let go.
const WRITE_IDLE: Duration = Duration::from_secs(10);

/// What is spoken on a listener.
#[derive(Clone)]
pub(crate) enum Speaks {
    Tcp,
    Tls(Arc<ServerConfig>),
    Https(Arc<ServerConfig>),
}

/// Accepts until the program stops.
pub(crate) async fn listen(door: Arc<Door>, crowd: Arc<Crowd>, listener: TcpListener, speaks: Speaks) {
    let shutdown = door.tasks.shutdown();
    loop {
        let taken = accepted(&shutdown, "a client's connection", || listener.accept()).await;
        let Some((stream, peer)) = taken else { return };
        let Some(place) = crowd.enter(peer.ip().to_canonical()) else {
            door.meters.connections_turned_away.increment();
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (door, speaks) = (Arc::clone(&door), speaks.clone());
        let tasks = door.tasks.clone();
        tasks.spawn("client connection", async move { serve(door, stream, peer, place, speaks).await });
    }
}

async fn serve(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, place: Place, speaks: Speaks) {
    let transport = match speaks {
        Speaks::Tcp => Transport::Tcp,
        Speaks::Tls(_) => Transport::Tls,
        Speaks::Https(_) => Transport::Https,
    };
    let client = Client { address: peer.ip().to_canonical(), transport, token: None, _place: Some(Arc::new(place)) };
    match speaks {
        Speaks::Tcp => converse(door, client, stream).await,
        Speaks::Tls(config) => {
            if let Some(stream) = handshake(&door, stream, config).await {
                converse(door, client, stream).await;
            }
        }
        Speaks::Https(config) => {
            if let Some(stream) = handshake(&door, stream, config).await {
                https::serve(door, client, stream).await;
            }
        }
    }
}

async fn handshake(door: &Door, stream: TcpStream, config: Arc<ServerConfig>) -> Option<TlsStream<TcpStream>> {
    let accepting = TlsAcceptor::from(config).accept(stream);
    timeout(door.settings.limits.handshake_deadline, accepting).await.ok()?.ok()
}

/// Reads questions until the client closes, is silent for too long, or the program stops. What was asked is answered.
async fn converse<S>(door: Arc<Door>, client: Client, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut reader, writer) = tokio::io::split(Guarded::new(stream, WRITE_IDLE));
    let most = door.settings.limits.pipelined_max.max(1);
    let (answers, ready) = mpsc::channel(most);
    door.tasks.spawn("answers of a connection", write(writer, ready));
    let turns = Arc::new(Semaphore::new(most));
    let shutdown = door.tasks.shutdown();
    let (mut message, mut out) = (Vec::new(), Vec::new());
    loop {
        // A client that asks for more than it takes is not read until it has.
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let reading = timeout(door.settings.limits.idle, read(&mut reader, &mut message));
        let is_read = tokio::select! {
            read = reading => matches!(read, Ok(Ok(()))),
            () = shutdown.begun() => false,
        };
        if !is_read {
            return;
        }
        match begin(&door, &client, &message, &mut out) {
            // Over a connection silence would hold the client up; who sends no queries is let go.
            Step::Silence => return,
            Step::Answered => {
                if answers.send((std::mem::take(&mut out), turn)).await.is_err() {
                    return;
                }
            }
            Step::Asked(asked) => {
                let (door, answers) = (Arc::clone(&door), answers.clone());
                let tasks = door.tasks.clone();
                tasks.spawn("query", async move {
                    let mut out = Vec::new();
                    finish(&door, asked, &mut out).await;
                    let _ = answers.send((out, turn)).await;
                });
            }
        }
    }
}

/// One message with its length before it (RFC 1035 §4.2.2).
async fn read<R: AsyncRead + Unpin>(reader: &mut R, message: &mut Vec<u8>) -> io::Result<()> {
    let length = reader.read_u16().await?;
    message.clear();
    message.resize(length.into(), 0);
    reader.read_exact(message).await.map(drop)
}

/// An answer, and its question's turn, which ends when it is written.
type Ready = (Vec<u8>, tokio::sync::OwnedSemaphorePermit);

async fn write<W: AsyncWrite + Unpin>(mut writer: W, mut ready: mpsc::Receiver<Ready>) {
    let mut frames = Vec::new();
    while let Some((answer, _turn)) = ready.recv().await {
        push(&mut frames, &answer);
        // What else is ready goes out in one piece.
        let mut turns = Vec::new();
        while let Ok((answer, turn)) = ready.try_recv() {
            push(&mut frames, &answer);
            turns.push(turn);
        }
        if writer.write_all(&frames).await.is_err() || writer.flush().await.is_err() {
            return;
        }
        frames.clear();
    }
    let _ = writer.shutdown().await;
}

fn push(frames: &mut Vec<u8>, answer: &[u8]) {
    // No answer is longer than its length can say.
    if let Ok(length) = u16::try_from(answer.len()) {
        frames.extend_from_slice(&length.to_be_bytes());
        frames.extend_from_slice(answer);
    }
}
