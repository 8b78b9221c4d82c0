//! The playground web of the demo: a dozen made-up sites on loopback, so that all of it can be tried with no internet.
//!
//! Its names are answered by [`Names`] inside the demo and exist nowhere else; its certificates come from a root made
//! at each start, kept in memory, which only the demo trusts towards sites.

mod certificates;
mod pages;
mod sites;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use schoolgate_base::HostName;
use schoolgate_runtime::{Resolver, Resolving, Shutdown, SystemResolver, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

pub use sites::{SITES, Site};

/// More would be a fault in the demo; the rest wait.
const CONNECTIONS_MAX: usize = 512;
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// Why there is no playground.
#[derive(Debug, thiserror::Error)]
pub enum PlaygroundError {
    #[error("cannot listen on loopback for the playground's sites")]
    Listen { source: io::Error },
    #[error("cannot make the playground's certificates")]
    Certificates { source: rcgen::Error },
    #[error("cannot set up TLS for the playground's sites")]
    Tls { source: rustls::Error },
}

/// The running playground.
#[derive(Debug, Clone)]
pub struct Playground {
    http: SocketAddr,
    https: SocketAddr,
    root: CertificateDer<'static>,
}

impl Playground {
    /// Starts both listeners; they end with `tasks`.
    pub async fn start(tasks: &Tasks) -> Result<Self, PlaygroundError> {
        let certificates = certificates::make().map_err(|source| PlaygroundError::Certificates { source })?;
        let root = certificates.root.clone();
        let config = certificates.into_config().map_err(|source| PlaygroundError::Tls { source })?;
        let (plain, http) = listen().await?;
        let (secure, https) = listen().await?;
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        tasks.spawn("playground http", accept(plain, None, tasks.clone(), Arc::clone(&room)));
        tasks.spawn("playground https", accept(secure, Some(config), tasks.clone(), room));
        Ok(Self { http, https, root })
    }

    /// What the dialer must be allowed to reach although it is loopback.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.http, self.https]
    }

    /// The root that vouches for the sites.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    pub fn names(&self) -> Names {
        Names { http: self.http, https: self.https }
    }
}

/// Answers for the playground's names and below, and asks the system for all others.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    http: SocketAddr,
    https: SocketAddr,
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, name: &'a HostName, port: u16) -> Resolving<'a> {
        if Site::of(name.as_str()).is_none() {
            return SystemResolver.resolve(name, port);
        }
        let address = match port {
            80 => Ok(vec![self.http]),
            443 => Ok(vec![self.https]),
            _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
        };
        Box::pin(async move { address })
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr), PlaygroundError> {
    let failed = |source| PlaygroundError::Listen { source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn accept(listener: TcpListener, tls: Option<Arc<ServerConfig>>, tasks: Tasks, room: Arc<Semaphore>) {
    let shutdown = tasks.shutdown();
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = tokio::select! {
            () = shutdown.begun() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!("the playground could not accept a connection: {error}");
                    continue;
                }
            },
        };
        let (acceptor, stop) = (acceptor.clone(), shutdown.clone());
        tasks.spawn("playground connection", async move {
            connection(stream, acceptor, stop).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, stop: Shutdown) {
    let Some(acceptor) = acceptor else { return serve(stream, "http", stop).await };
    match timeout(HANDSHAKE_DEADLINE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, "https", stop).await,
        Ok(Err(error)) => debug!("a playground handshake failed: {error}"),
        Err(_) => debug!("a playground handshake took too long"),
    }
}

async fn serve<S>(stream: S, scheme: &'static str, stop: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| pages::answer(request, scheme));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    tokio::select! {
        // Streams here never end by themselves, so a stop does not wait for them.
        () = stop.begun() => {}
        served = server.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = served {
                debug!("a playground connection ended: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
