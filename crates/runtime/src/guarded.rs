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
    /// Of a read that had brought something before it.
    failed: Option<io::Error>,
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
        Self { inner, idle, waiting: None, silence: None, failed: None }
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

impl<S: AsyncRead + Unpin> Guarded<S> {
    /// Reads on while there is more and room for it: TLS hands out one record at a time, and each piece is a turn of
    /// every task behind it. What ends it after the first bytes is kept for the next read.
    fn fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        loop {
            let had = buf.filled().len();
            let outcome = Pin::new(&mut self.inner).poll_read(cx, buf);
            let is_first = had == before;
            match outcome {
                Poll::Ready(Ok(())) if had < buf.filled().len() && buf.remaining() > 0 => {}
                Poll::Ready(Err(error)) if !is_first => {
                    self.failed = Some(error);
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending if !is_first => return Poll::Ready(Ok(())),
                outcome => return outcome,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let outcome = self.fill(cx, buf);
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

    /// Gives a record at a time, as TLS does, and then its end.
    struct Records(Vec<io::Result<&'static [u8]>>);

    impl AsyncRead for Records {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            match self.0.pop() {
                Some(record) => Poll::Ready(record.map(|record| buf.put_slice(record))),
                None => Poll::Ready(Ok(())),
            }
        }
    }

    #[tokio::test]
    async fn records_that_are_there_are_one_read_and_what_ends_them_comes_after() {
        let records = Records(vec![Err(io::ErrorKind::ConnectionReset.into()), Ok(b"two"), Ok(b"one, ")]);
        let mut guarded = Guarded::new(records, Duration::from_secs(5));
        let mut read = [0; 32];
        assert_eq!(guarded.read(&mut read).await.unwrap(), 8);
        assert_eq!(&read[..8], b"one, two");
        assert_eq!(guarded.read(&mut read).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        // No more than there is room for.
        let mut guarded = Guarded::new(Records(vec![Ok(b"two"), Ok(b"one")]), Duration::from_secs(5));
        assert_eq!(guarded.read(&mut read[..3]).await.unwrap(), 3);
        assert_eq!(guarded.read(&mut read).await.unwrap(), 3);
        assert_eq!(guarded.read(&mut read).await.unwrap(), 0);
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
