//! Bodies on their way through: counted, never held, given up on when nothing comes, cut off when no longer allowed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use crate::exchange::Exchange;
use crate::expect::{Expectation, Hold};
use crate::hops;
use crate::pool::Lease;
use crate::standing::Stand;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("cannot read the body")]
    Read { source: hyper::Error },
    #[error("no part of the body came in time")]
    Idle,
    #[error("the connection is no longer allowed")]
    Revoked,
    #[error("the site has answered without the body")]
    Unwanted,
}

/// Waits for the next part of a body and says when to give up.
struct Waiting {
    exchange: Arc<Exchange>,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Only for bodies that one has to wait for: most are whole before anybody could.
    stand: Option<Stand>,
}

impl Waiting {
    fn new(exchange: Arc<Exchange>) -> Self {
        let idle = exchange.door.settings.limits.body_idle;
        Self { exchange, idle, timer: None, stand: None }
    }

    /// Called each time before the body is asked for more.
    fn revoked(&mut self, context: &mut Context<'_>) -> Result<(), BodyError> {
        let Some(stand) = &mut self.stand else { return Ok(()) };
        if Pin::new(stand).poll(context).is_ready() {
            self.stand = None;
            return Err(BodyError::Revoked);
        }
        Ok(())
    }

    fn came(&mut self) {
        self.timer = None;
    }

    fn pending(&mut self, context: &mut Context<'_>) -> Result<(), BodyError> {
        if self.stand.is_none() {
            self.stand = Some(self.exchange.stand());
            self.revoked(context)?;
        }
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Err(BodyError::Idle),
            Poll::Pending => Ok(()),
        }
    }

    /// The next data, or the trailers after the last.
    fn poll(
        &mut self,
        inner: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Err(error) = self.revoked(context) {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match Pin::new(&mut *inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    self.came();
                    return Poll::Ready(Some(Ok(frame)));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(mut trailers) = frame.into_trailers() {
                        hops::pass_on_trailers(&mut trailers);
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                }
                Poll::Ready(Some(Err(source))) => return Poll::Ready(Some(Err(BodyError::Read { source }))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    return match self.pending(context) {
                        Ok(()) => Poll::Pending,
                        Err(error) => Poll::Ready(Some(Err(error))),
                    };
                }
            }
        }
    }
}

/// A request's body on its way to the site.
pub(crate) struct Upload(Option<Box<Uploading>>);

struct Uploading {
    inner: Incoming,
    waiting: Waiting,
    /// While the site has not said whether it wants the body.
    hold: Option<Hold>,
}

impl Uploading {
    /// Whether the body may be asked for.
    fn poll_wanted(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        if let Some(hold) = &mut self.hold {
            let is_wanted = ready!(hold.as_mut().poll(context));
            self.hold = None;
            if !is_wanted {
                return Poll::Ready(Err(BodyError::Unwanted));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Upload {
    pub(crate) fn new(inner: Incoming, exchange: &Arc<Exchange>, expectation: Option<&Expectation>) -> Self {
        if inner.is_end_stream() {
            return Self(None);
        }
        let (waiting, hold) = (Waiting::new(Arc::clone(exchange)), expectation.map(Expectation::hold));
        Self(Some(Box::new(Uploading { inner, waiting, hold })))
    }

    pub(crate) fn empty() -> Self {
        Self(None)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(uploading) = &mut self.0 else { return Poll::Ready(None) };
        if let Err(error) = ready!(uploading.poll_wanted(context)) {
            return Poll::Ready(Some(Err(error)));
        }
        let Uploading { inner, waiting, .. } = &mut **uploading;
        let polled = waiting.poll(inner, context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                waiting.exchange.count_up(frame.data_ref().map_or(0, Bytes::len));
                waiting.exchange.note_uploaded();
            }
            Poll::Ready(None) => waiting.exchange.note_uploaded(),
            Poll::Pending => waiting.exchange.note_clients_turn(),
            Poll::Ready(Some(Err(_))) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|uploading| uploading.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |uploading| uploading.inner.size_hint())
    }
}

/// A response's body on its way to the client.
pub(crate) struct Download {
    inner: Incoming,
    waiting: Waiting,
    lease: Option<Lease>,
    /// A body that was not asked for is given up with the response, and its connection with it.
    _unasked: Option<Expectation>,
}

impl Download {
    pub(crate) fn new(inner: Incoming, exchange: Arc<Exchange>, lease: Lease, unasked: Option<Expectation>) -> Self {
        let mut download = Self { inner, waiting: Waiting::new(exchange), lease: Some(lease), _unasked: unasked };
        download.end_if_whole();
        download
    }

    /// hyper does not ask for the end of a body whose length it knows, so it is looked for after each part.
    fn end_if_whole(&mut self) {
        if self.inner.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.end();
        }
    }
}

/// What the proxy answers with.
pub(crate) enum Reply {
    /// Our own words.
    Own(Full<Bytes>),
    Site(Box<Download>),
}

impl Reply {
    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        Self::Own(Full::new(text.into()))
    }

    pub(crate) fn empty() -> Self {
        Self::Own(Full::default())
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never: Infallible| match never {}),
            Self::Site(download) => {
                let Download { inner, waiting, .. } = &mut **download;
                let polled = waiting.poll(inner, context);
                match &polled {
                    Poll::Ready(Some(Ok(frame))) => {
                        waiting.exchange.count_down(frame.data_ref().map_or(0, Bytes::len));
                        download.end_if_whole();
                    }
                    Poll::Ready(None) => {
                        if let Some(lease) = download.lease.take() {
                            lease.end();
                        }
                    }
                    Poll::Ready(Some(Err(_))) => download.lease = None,
                    Poll::Pending => {}
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Site(download) => download.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Site(download) => download.inner.size_hint(),
        }
    }
}
