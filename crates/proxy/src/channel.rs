//! A connection to a site, over which requests are sent: HTTP/1.1 one after the other, HTTP/2 side by side.

use std::future::Future;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use schoolgate_runtime::{Guarded, Tasks};
use schoolgate_tls::{Protocol, UpstreamStream, protocol};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Upload;
use crate::door::Door;
use crate::failure::Failure;

/// Largest response head of a site, in bytes.
const RESPONSE_HEAD_MAX: u32 = 256 * 1024;
/// What a site may send of one body before its client has taken any of it, in bytes.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// The same for all bodies of one connection: one client that takes nothing must not stop its other requests.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// A connection to a site.
#[derive(Debug)]
pub(crate) enum Channel {
    One(http1::SendRequest<Upload>),
    Many(http2::SendRequest<Upload>),
}

impl Channel {
    /// Speaks what was agreed on over `stream`.
    pub(crate) async fn open(door: &Door, stream: UpstreamStream) -> Result<Self, Failure> {
        match protocol(&stream) {
            Protocol::Http2 => Self::many(door, stream).await,
            Protocol::Http1 => Self::one(door, stream, false).await,
        }
    }

    /// Speaks HTTP/1.1 over `stream`; its task ends with the connection.
    pub(crate) async fn one<S>(door: &Door, stream: S, may_upgrade: bool) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        // Most requests are a head and nothing else, and one buffer is handed to the kernel faster than a list of one.
        builder.max_buf_size(usize::try_from(RESPONSE_HEAD_MAX).unwrap_or(usize::MAX)).writev(false);
        // A site may answer early and then neither read the rest of the body nor close.
        let stream = TokioIo::new(Guarded::new(stream, door.settings.limits.body_idle));
        let (sender, connection) = builder.handshake(stream).await.map_err(|_| Failure::BadResponse)?;
        door.tasks.spawn("connection to a site", async move {
            // How it ended is told to whoever waits for a response on it.
            let _ = if may_upgrade { connection.with_upgrades().await } else { connection.await };
        });
        Ok(Self::One(sender))
    }

    async fn many(door: &Door, stream: UpstreamStream) -> Result<Self, Failure> {
        let limits = &door.settings.limits;
        let mut builder = http2::Builder::new(Spawner(door.tasks.clone()));
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(RESPONSE_HEAD_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // A site that has gone without a word is noticed while somebody waits for it.
            .keep_alive_interval(limits.body_idle / 2)
            .keep_alive_timeout(limits.head_deadline);
        let stream = TokioIo::new(Guarded::new(stream, limits.body_idle));
        let (sender, connection) = builder.handshake(stream).await.map_err(|_| Failure::BadResponse)?;
        door.tasks.spawn("connection to a site", async move {
            let _ = connection.await;
        });
        Ok(Self::Many(sender))
    }

    /// Another hold on the same connection, where requests go side by side.
    pub(crate) fn shared(&self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Many(sender) => Some(Self::Many(sender.clone())),
        }
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::One(_) => Protocol::Http1,
            Self::Many(_) => Protocol::Http2,
        }
    }

    pub(crate) fn version(&self) -> Version {
        match self {
            Self::One(_) => Version::HTTP_11,
            Self::Many(_) => Version::HTTP_2,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_ready(),
            Self::Many(sender) => sender.is_ready(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Many(sender) => sender.is_closed(),
        }
    }

    /// Waits until a request can be sent.
    pub(crate) async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Self::One(sender) => sender.ready().await,
            Self::Many(sender) => sender.ready().await,
        }
    }

    /// The response, when its head has come. The request comes back where nothing of it was sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        match self {
            Self::One(sender) => sender.try_send_request(request).await,
            Self::Many(sender) => sender.try_send_request(request).await,
        }
    }
}

/// Runs hyper's own tasks among ours, so that a drain knows of them.
#[derive(Clone)]
pub(crate) struct Spawner(pub(crate) Tasks);

impl<F> Executor<F> for Spawner
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("stream of a connection", async move {
            future.await;
        });
    }
}
