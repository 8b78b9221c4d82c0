//! Listens, bounds how many may come, and speaks HTTP with each.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use schoolgate_runtime::{Crowd, Guarded, accepted};
use schoolgate_tls::Protocol;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::announced::announced;
use crate::body::Reply;
use crate::channel::Spawner;
use crate::direct::{self, Interception};
use crate::door::{Client, Door};
use crate::pipeline::answer;
use crate::proof::Proof;
use crate::settings::Limits;
use crate::wire::Wire;

/// For a request that was sent before its client could know that we stop taking any.
const FIRST_WORD: Duration = Duration::from_millis(500);
/// What a client may send of one body, and of all bodies of its connection, before its site has taken any of it, and
/// what is kept for a client that takes nothing, in bytes (HTTP/2).
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
const SEND_BUFFER: usize = 64 * 1024;

/// What a listener expects of those who come.
#[derive(Clone)]
pub(crate) enum Entrance {
    /// Requests to a proxy, with a configuration over TLS.
    Explicit(Option<Arc<ServerConfig>>),
    /// Words for a site.
    Intercepted(Interception),
}

/// Accepts until the program stops.
pub(crate) async fn listen(door: Arc<Door>, crowd: Arc<Crowd>, listener: TcpListener, entrance: Entrance) {
    let shutdown = door.tasks.shutdown();
    loop {
        let taken = accepted(&shutdown, "a client's connection", || listener.accept()).await;
        let Some((stream, peer)) = taken else { return };
        let Some(place) = crowd.enter(peer.ip().to_canonical()) else {
            door.meters.connections_turned_away.increment();
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (door, crowd, entrance) = (Arc::clone(&door), Arc::clone(&crowd), entrance.clone());
        let tasks = door.tasks.clone();
        tasks.spawn("client connection", async move {
            match entrance {
                Entrance::Explicit(tls) => {
                    let Some((client, stream)) = announced(&door, &crowd, stream, place, tls.is_some()).await else {
                        return;
                    };
                    if let Some(wire) = wire(&door, stream, tls).await {
                        let proof = Arc::new(Proof::of_devices(wire.certified()));
                        serve(&door, Client { proof, ..client }, wire).await;
                    }
                }
                Entrance::Intercepted(interception) => {
                    let Some(dialled) = direct::dialled(&stream, interception) else { return };
                    let Ok(local) = stream.local_addr() else { return };
                    let client = Client { dialled: Some(dialled), ..Client::new(peer, local, false, place) };
                    Box::pin(direct::serve(&door, client, stream, dialled)).await;
                }
            }
        });
    }
}

async fn wire(door: &Door, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Wire> {
    let Some(config) = tls else { return Some(Wire::Plain(stream)) };
    let accepting = Box::pin(TlsAcceptor::from(config).accept(stream));
    match timeout(door.settings.limits.handshake_deadline, accepting).await {
        Ok(Ok(stream)) => Some(Wire::Tls(Box::new(stream))),
        Ok(Err(_)) | Err(_) => {
            door.meters.handshakes_failed.increment();
            None
        }
    }
}

async fn serve(door: &Arc<Door>, client: Client, wire: Wire) {
    let service = service_fn({
        let door = Arc::clone(door);
        move |request: Request<Incoming>| {
            let (door, client) = (Arc::clone(&door), client.clone());
            async move { Ok::<_, Infallible>(answer(door, client, request).await) }
        }
    });
    speak(door, wire, Protocol::Http1, service).await;
}

/// Speaks HTTP with a client until the connection ends; once the program stops, until what is being answered is.
pub(crate) async fn speak<IO, S>(door: &Door, stream: IO, protocol: Protocol, service: S)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Reply> + Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    let limits = &door.settings.limits;
    let stream = Guarded::new(stream, limits.body_idle);
    match protocol {
        Protocol::Http1 => {
            let connection = one(limits).serve_connection(TokioIo::new(stream), service).with_upgrades();
            until_drained(door, connection, |connection| connection.graceful_shutdown()).await;
        }
        Protocol::Http2 => {
            let stream = TokioIo::new(stream.ended_by_silence(limits.tunnel_idle));
            let connection = many(door).serve_connection(stream, service);
            until_drained(door, connection, |connection| connection.graceful_shutdown()).await;
        }
    }
}

/// Speaks HTTP/1.1 for one request.
pub(crate) async fn speak_once<IO, S>(door: &Door, stream: IO, service: S)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Reply> + Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    let limits = &door.settings.limits;
    let stream = TokioIo::new(Guarded::new(stream, limits.body_idle));
    let connection = one(limits).keep_alive(false).serve_connection(stream, service);
    until_drained(door, connection, |connection| connection.graceful_shutdown()).await;
}

fn one(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(16 * 1024) * 2);
    builder
}

fn many(door: &Door) -> http2::Builder<Spawner> {
    let limits = &door.settings.limits;
    let mut builder = http2::Builder::new(Spawner(door.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(limits.streams_max)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .enable_connect_protocol();
    builder
}

async fn until_drained<C, E>(door: &Door, connection: C, finish: impl FnOnce(Pin<&mut C>))
where
    C: Future<Output = Result<(), E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let shutdown = door.tasks.shutdown();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.begun() => finished(connection.as_mut(), finish).await,
    };
    if outcome.is_err_and(|error| is_bad_head(error.into().as_ref())) {
        door.meters.heads_refused.increment();
    }
}

/// Goes on until what is being answered is. A connection on which nothing was read yet would be closed at once, also when
/// its first request is on its way; so it is given a moment for that.
async fn finished<C: Future>(mut connection: Pin<&mut C>, finish: impl FnOnce(Pin<&mut C>)) -> C::Output {
    if let Ok(outcome) = timeout(FIRST_WORD, connection.as_mut()).await {
        return outcome;
    }
    finish(connection.as_mut());
    connection.await
}

fn is_bad_head(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_parse() || error.is_timeout())
}
