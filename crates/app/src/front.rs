//! The portal's listeners: connections in, requests with their [`Client`] to the router.
//!
//! Two ways in. Over TCP the client is the peer. Over the socket in the data directory, which only the proxy opens,
//! the client is whom the proxy names in a PROXY protocol header before anything else. A device that finishes a
//! handshake with a leaf of the school's CA is then known to trust it.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use schoolgate_portal::Client;
use schoolgate_runtime::proxy_protocol::{self, Step};
use schoolgate_runtime::{Crowd, Gauge, Guarded, Tasks, accepted};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::{debug, warn};

/// Connections served at once; more wait in the listen queue.
const CONNECTIONS: usize = 2_048;
/// Connections of one address: a browser opens six, and one address may be a whole building's.
const CONNECTIONS_OF_ADDRESS: usize = 512;
/// Acts under way, also those whose browser has gone.
const ACTS: usize = 2_048;
/// A browser sends its handshake and its request head at once; a minute would only serve whoever ties us up.
const PATIENCE: Duration = Duration::from_secs(15);
/// Largest request head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// Under which certificate a listener speaks.
#[derive(Clone)]
pub(crate) enum Tls {
    /// In the clear: the demo, on loopback.
    Off,
    /// A certificate that every device trusts.
    Public(TlsAcceptor),
    /// A leaf of the school's own CA for the portal's name.
    Own(Arc<ServerConfig>),
}

/// Told of each address whose device has shown that it trusts the school's CA.
pub(crate) type Trusting = Arc<dyn Fn(IpAddr) + Send + Sync>;

/// Serves the portal until the tasks are drained.
#[derive(Clone)]
pub(crate) struct Front {
    router: Router,
    tasks: Tasks,
    trusting: Trusting,
    slots: Arc<Semaphore>,
    acts: Arc<Semaphore>,
    crowd: Arc<Crowd>,
}

/// Where connections come in: from browsers themselves, or handed on by the proxy.
pub(crate) enum Listener {
    Browsers(TcpListener),
    Proxy(UnixListener),
}

enum Guest {
    Browser(TcpStream, SocketAddr),
    Proxy(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Guest> {
        match self {
            Self::Browsers(listener) => listener.accept().await.map(|(stream, peer)| Guest::Browser(stream, peer)),
            Self::Proxy(listener) => listener.accept().await.map(|(stream, _)| Guest::Proxy(stream)),
        }
    }
}

impl Front {
    pub(crate) fn new(router: Router, tasks: Tasks, trusting: Trusting) -> Self {
        Self {
            router,
            tasks,
            trusting,
            slots: Arc::new(Semaphore::new(CONNECTIONS)),
            acts: Arc::new(Semaphore::new(ACTS)),
            crowd: Crowd::new(CONNECTIONS, CONNECTIONS_OF_ADDRESS, Gauge::default()),
        }
    }

    /// Takes connections until the program stops.
    pub(crate) fn listen(&self, listener: Listener, tls: Tls) {
        let front = self.clone();
        self.tasks.spawn("portal listener", async move {
            let shutdown = front.tasks.shutdown();
            loop {
                let Ok(slot) = Arc::clone(&front.slots).acquire_owned().await else { return };
                let guest = accepted(&shutdown, "a connection to the portal", || listener.accept()).await;
                let Some(guest) = guest else { return };
                let (this, tls) = (front.clone(), tls.clone());
                front.tasks.spawn("portal connection", async move {
                    this.receive(guest, tls).await;
                    drop(slot);
                });
            }
        });
    }

    async fn receive(&self, guest: Guest, tls: Tls) {
        match guest {
            Guest::Browser(stream, peer) => {
                let is_tls = !matches!(tls, Tls::Off);
                let client = Client { address: peer.ip().to_canonical(), via_proxy: false, is_tls };
                self.serve(stream, tls, client).await;
            }
            Guest::Proxy(mut stream) => match tokio::time::timeout(PATIENCE, named_client(&mut stream)).await {
                Ok(Ok(peer)) => {
                    let client = Client { address: peer.ip(), via_proxy: true, is_tls: true };
                    self.serve(stream, tls, client).await;
                }
                Ok(Err(error)) => warn!(%error, "refused a connection on the portal's socket"),
                Err(_) => warn!("a connection on the portal's socket named no client in time"),
            },
        }
    }

    async fn serve<S>(&self, stream: S, tls: Tls, client: Client)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(_place) = self.crowd.enter(client.address) else {
            return debug!("turned away a connection: its address has too many open");
        };
        let is_own = matches!(tls, Tls::Own(_));
        let acceptor = match tls {
            Tls::Off => return self.speak(stream, client).await,
            Tls::Public(acceptor) => acceptor,
            Tls::Own(config) => TlsAcceptor::from(config),
        };
        match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                if is_own {
                    (self.trusting)(client.address);
                }
                self.speak(stream, client).await;
            }
            Ok(Err(error)) => debug!(%error, "a handshake with the portal failed"),
            Err(_) => debug!("a handshake with the portal took too long"),
        }
    }

    async fn speak<S>(&self, stream: S, client: Client)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let front = self.clone();
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(client);
            front.clone().answer(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(Guarded::new(stream, PATIENCE)), TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        let shutdown = self.tasks.shutdown();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection to the portal ended early");
        }
    }

    /// What only reads ends with its connection. An act goes on to its end in a task of its own: dropped between the
    /// records and the publish, it would be written down and not in force.
    async fn answer(self, request: Request<Body>) -> Result<Response, Infallible> {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.router.oneshot(request).await;
        }
        // Never closed; bounds what is under way when browsers come and go.
        let Ok(turn) = self.acts.acquire_owned().await else { return Ok(unfinished()) };
        let (tell, told) = oneshot::channel();
        self.tasks.spawn("portal act", async move {
            let answered = self.router.oneshot(request).await;
            // Nobody listens any more when the browser has gone; the act is done all the same.
            let _ = tell.send(answered);
            drop(turn);
        });
        told.await.unwrap_or_else(|_| Ok(unfinished()))
    }
}

/// The act's task panicked, which is in the log, or the program stopped before it ended.
fn unfinished() -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn named_client<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<SocketAddr> {
    let mut header = Vec::with_capacity(proxy_protocol::MAX_BYTES);
    loop {
        let wanted = match proxy_protocol::decode(&header) {
            Ok(Step::Client(client, _)) => return Ok(client),
            Ok(Step::NeedMore(wanted)) => wanted,
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        // Never reads past the header: what follows belongs to TLS.
        let missing = u64::try_from(wanted.saturating_sub(header.len())).unwrap_or(0);
        if (&mut *stream).take(missing).read_to_end(&mut header).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests;
