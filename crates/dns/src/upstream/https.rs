//! Questions over HTTPS (RFC 8484): one HTTP/2 connection to a server, made again when it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use schoolgate_base::{Host, HostName};
use schoolgate_runtime::Purpose;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;
use crate::https::MEDIA_TYPE;
use crate::spawner::Spawner;
use crate::upstream::{Match, Means, match_answer};

/// A message has no more bytes than its length in other transports can say.
const ANSWER_MAX: usize = 65_535;
/// A server that is gone is found out after both.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_DEADLINE: Duration = Duration::from_secs(5);

/// A server that is asked over HTTPS.
pub(crate) struct Https {
    address: SocketAddr,
    name: HostName,
    uri: String,
    means: Means,
    /// Held while a connection is made, so that one is made.
    current: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Https {
    pub(crate) fn new(address: SocketAddr, name: HostName, path: &str, mut means: Means) -> Self {
        let mut tls = (*means.tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        means.tls = Arc::new(tls);
        let uri = match address.port() {
            443 => format!("https://{name}{path}"),
            port => format!("https://{name}:{port}{path}"),
        };
        Self { address, name, uri, means, current: Mutex::default() }
    }

    pub(crate) async fn ask(&self, query: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let mut sender = self.connection().await.ok_or(Failure::Unreachable)?;
        // RFC 8484 §4.1: the id is 0; HTTP tells which answer is whose.
        let mut query = query;
        query.get_mut(..2).ok_or(Failure::Malformed)?.fill(0);
        let request = Request::post(&self.uri)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header(ACCEPT, MEDIA_TYPE)
            .body(Full::new(Bytes::from(query.clone())))
            .map_err(|_| Failure::Unreachable)?;
        let response = sender.send_request(request).await.map_err(|_| Failure::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(Failure::Broken);
        }
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|_| Failure::Broken)?;
        let answer = body.to_bytes().to_vec();
        if match_answer(&query, &answer) == Match::Foreign { Err(Failure::Broken) } else { Ok(answer) }
    }

    async fn connection(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut current = self.current.lock().await;
        if let Some(sender) = current.as_ref().filter(|sender| !sender.is_closed()) {
            return Some(sender.clone());
        }
        let sender = self.connect().await;
        current.clone_from(&sender);
        sender
    }

    async fn connect(&self) -> Option<SendRequest<Full<Bytes>>> {
        let Means { dialer, tls, tasks, limits } = &self.means;
        let host = Host::Address(self.address.ip());
        let connected = dialer.connect(Purpose::Names, &host, self.address.port()).await.ok()?;
        let name = ServerName::try_from(self.name.as_str().to_owned()).ok()?;
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, connected.stream);
        let stream = timeout(limits.handshake_deadline, connecting).await.ok()?.ok()?;
        let mut builder = Builder::new(Spawner(tasks.clone()));
        builder.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_DEADLINE);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        let shutdown = tasks.shutdown();
        tasks.spawn("connection to a name server", async move {
            tokio::select! {
                _ = connection => {}
                () = shutdown.begun() => {}
            }
        });
        Some(sender)
    }
}
