//! Listens, bounds how many may come, and speaks HTTP with each.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use schoolgate_runtime::{Crowd, Guarded};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use crate::body::Reply;
use crate::door::{Client, Door};
use crate::pipeline::answer;
use crate::settings::Limits;
use crate::wire::Wire;

/// After a failed accept, which is most often a lack of file descriptors that only others can end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the program stops.
pub(crate) async fn listen(door: Arc<Door>, crowd: Arc<Crowd>, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
    let shutdown = door.tasks.shutdown();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = crowd.enter(peer.ip().to_canonical()) else {
            door.meters.connections_turned_away.increment();
            continue;
        };
        let Ok(local) = stream.local_addr() else { continue };
        let _ = stream.set_nodelay(true);
        let is_tls = tls.is_some();
        let is_private = is_tls || peer.ip().to_canonical().is_loopback();
        // A tunnel counts as its client's connection for as long as it lasts.
        let client = Client { peer, local, is_private, is_tls, token: None, _place: Some(Arc::new(place)) };
        let (door, tls) = (Arc::clone(&door), tls.clone());
        let tasks = door.tasks.clone();
        tasks.spawn("client connection", async move {
            if let Some(wire) = wire(&door, stream, tls).await {
                serve(&door, client, wire).await;
            }
        });
    }
}

async fn wire(door: &Door, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Wire> {
    let Some(config) = tls else { return Some(Wire::Plain(stream)) };
    let accepting = TlsAcceptor::from(config).accept(stream);
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
    let io = TokioIo::new(Guarded::new(wire, door.settings.limits.body_idle));
    let connection = http_builder(&door.settings.limits).serve_connection(io, service).with_upgrades();
    until_drained(door, connection).await;
}

/// How every HTTP connection of a client is read: bounded and in time.
pub(crate) fn http_builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(16 * 1024) * 2);
    builder
}

/// Serves until the connection ends; once the program stops, until the request that is being answered is.
pub(crate) async fn until_drained<I, S>(door: &Door, connection: UpgradeableConnection<I, S>)
where
    I: Read + Write + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Reply>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let shutdown = door.tasks.shutdown();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if outcome.is_err_and(|error| error.is_parse() || error.is_timeout()) {
        door.meters.heads_refused.increment();
    }
}
