//! A stream that gives up on a peer that takes nothing.
//!
//! hyper has deadlines for what it reads; a peer that stops reading would otherwise keep a connection, its buffers and
//! whatever waits behind it for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Largest write that is made in one piece, in bytes: a head and a small body.
const SMALL: usize = 2 * 1024;

/// `inner`, which fails a write that makes no progress for `idle`.
#[derive(Debug)]
pub struct Guarded<S> {
    inner: S,
    idle: Duration,
    /// Only while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
    silence: Option<Silence>,
}

/// Ends a connection on which nothing has moved in either direction.
#[derive(Debug)]
struct Silence {
    longest: Duration,
    since: Instant,
    /// Made once; when it is over, it is set to what is left since the last byte.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            let end = self.since + self.longest;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            if timer.as_mut().poll(context).is_pending() {
                return false;
            }
            if end <= Instant::now() {
                return true;
            }
            timer.as_mut().reset(end);
        }
    }
}

impl<S> Guarded<S> {
    pub fn new(inner: S, idle: Duration) -> Self {
        Self { inner, idle, waiting: None, silence: None }
    }

    /// Fails reads as well, when nothing has been read or written for `longest`. For protocols that have no deadline of
    /// their own between requests.
    pub fn ended_by_silence(mut self, longest: Duration) -> Self {
        self.silence = Some(Silence { longest, since: Instant::now(), timer: None });
        self
    }

    pub fn into_inner(self) -> S {
        self.inner
    }

    fn moved(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.since = Instant::now();
        }
    }

    fn guard<T>(&mut self, outcome: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            self.moved();
            return outcome;
        }
        let idle = self.idle;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(idle)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The parts, of few bytes, as one: copying them costs less than handing the kernel a list.
fn joined<'a>(parts: &[io::IoSlice<'_>], whole: &'a mut [u8]) -> &'a [u8] {
    let mut rest = &mut *whole;
    for part in parts {
        let (place, after) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    }
    whole
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_read(cx, buf);
        if outcome.is_ready() {
            self.moved();
            return outcome;
        }
        if self.silence.as_mut().is_some_and(|silence| silence.is_over(cx)) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.guard(outcome, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        self.guard(outcome, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.guard(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = bufs.iter().map(|part| part.len()).sum();
        let outcome = if length <= SMALL {
            let mut whole = [0; SMALL];
            Pin::new(&mut self.inner).poll_write(cx, joined(bufs, whole.get_mut(..length).unwrap_or_default()))
        } else {
            Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
        };
        self.guard(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up_on() {
        let (mut peer, ours) = duplex(8);
        let mut guarded = Guarded::new(ours, Duration::from_millis(20));
        let failure = guarded.write_all(b"more than there is room for").await.unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
        peer.read_exact(&mut [0; 8]).await.unwrap();
        guarded.write_all(b"again").await.unwrap();
    }

    #[tokio::test]
    async fn silence_ends_a_connection_and_words_put_it_off() {
        let (mut peer, ours) = duplex(64);
        let longest = Duration::from_millis(50);
        let mut guarded = Guarded::new(ours, Duration::from_secs(5)).ended_by_silence(longest);
        let made = guarded.silence.as_ref().unwrap().since;
        peer.write_all(b".").await.unwrap();
        guarded.read_u8().await.unwrap();
        let read = guarded.silence.as_ref().unwrap().since;
        guarded.write_all(b".").await.unwrap();
        let written = guarded.silence.as_ref().unwrap().since;
        assert!(made < read && read < written);
        assert_eq!(guarded.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(longest <= written.elapsed());
    }
}
