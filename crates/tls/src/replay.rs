//! A stream whose first bytes have been looked at and are read again by whoever gets it next.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::hello::{ClientHello, HELLO_MAX, HelloError, Reading, read_client_hello};

/// Room for a hello at the start, in bytes: most have a key share for times after quantum computers, and fill half of it.
const HELLO_ROOM: usize = 4_096;

/// `inner` with `held` before it.
#[derive(Debug)]
pub struct Replay<S> {
    held: Vec<u8>,
    read: usize,
    inner: S,
}

/// Why no hello was read.
#[derive(Debug, thiserror::Error)]
pub enum HelloFailure {
    #[error("the client's first bytes are no TLS hello")]
    Hello { source: HelloError },
    #[error("the client sent no hello in time")]
    Timeout,
    #[error("the client went away before its hello was whole")]
    Closed,
    #[error("cannot read the client's hello")]
    Read { source: io::Error },
}

impl<S> Replay<S> {
    pub fn new(held: Vec<u8>, inner: S) -> Self {
        Self { held, read: 0, inner }
    }

    /// Bytes that were looked at and not yet read again.
    pub fn held(&self) -> &[u8] {
        self.held.get(self.read..).unwrap_or_default()
    }

    /// What was not read again, and the stream behind it.
    pub fn into_parts(mut self) -> (Vec<u8>, S) {
        self.held.drain(..self.read.min(self.held.len()));
        (self.held, self.inner)
    }
}

/// Reads until the hello is whole, at most [`HELLO_MAX`] bytes and for at most `deadline` in all. The stream comes
/// back with everything that was read, also when that was no hello.
pub async fn read_hello<S: AsyncRead + Unpin>(
    mut stream: Replay<S>,
    deadline: Duration,
) -> (Replay<S>, Result<ClientHello, HelloFailure>) {
    let mut held = std::mem::take(&mut stream.held);
    held.drain(..stream.read.min(held.len()));
    stream.read = 0;
    let outcome = match timeout(deadline, fill(&mut stream.inner, &mut held)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HelloFailure::Timeout),
    };
    stream.held = held;
    (stream, outcome)
}

async fn fill<S: AsyncRead + Unpin>(stream: &mut S, held: &mut Vec<u8>) -> Result<ClientHello, HelloFailure> {
    // Looking again only when enough has come keeps a client that sends single bytes from costing squares of time.
    let mut wanted = 0;
    // A vector without room is filled sixty-four bytes at a time.
    held.reserve(HELLO_ROOM);
    loop {
        if wanted <= held.len() {
            match read_client_hello(held).map_err(|source| HelloFailure::Hello { source })? {
                Reading::Hello(hello) => return Ok(hello),
                Reading::NeedMore { at_least } => wanted = at_least,
            }
        }
        let room = u64::try_from(HELLO_MAX.saturating_sub(held.len())).unwrap_or(0);
        let read = (&mut *stream).take(room).read_buf(held).await.map_err(|source| HelloFailure::Read { source })?;
        if read == 0 {
            let too_long = HelloFailure::Hello { source: HelloError::TooLong };
            return Err(if room == 0 { too_long } else { HelloFailure::Closed });
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replay<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let held = self.held();
        if held.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let count = held.len().min(buf.remaining());
        buf.put_slice(held.get(..count).unwrap_or_default());
        self.read += count;
        if self.held().is_empty() {
            self.held = Vec::new();
            self.read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replay<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn what_was_looked_at_is_read_again() {
        let (mut client, server) = duplex(64);
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        drop(client);
        let (mut stream, outcome) = read_hello(Replay::new(b"early ".to_vec(), server), SOON).await;
        assert!(matches!(outcome, Err(HelloFailure::Hello { source: HelloError::NotTls })));
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "early GET / HTTP/1.1\r\n");
    }

    /// Gives what it has and counts how often it is asked.
    struct Counted(io::Cursor<Vec<u8>>, usize);

    impl AsyncRead for Counted {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.1 += 1;
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    #[tokio::test]
    async fn a_hello_that_has_come_is_read_at_once() {
        let record = [&[22, 3, 1, 0x07, 0, 1, 0, 0x06, 0xfc][..], &[0; 0x6fc]].concat();
        let stream = Counted(io::Cursor::new(record), 0);
        let (stream, _) = read_hello(Replay::new(Vec::new(), stream), SOON).await;
        let (held, stream) = stream.into_parts();
        assert_eq!((held.len(), stream.1), (0x705, 1));
    }

    #[tokio::test]
    async fn silence_and_endless_hellos_end() {
        let (client, server) = duplex(64);
        let (_, outcome) = read_hello(Replay::new(Vec::new(), server), SOON).await;
        assert!(matches!(outcome, Err(HelloFailure::Timeout)));
        drop(client);

        let (mut client, server) = duplex(64 * 1024);
        let mut record = vec![22, 3, 1, 0x40, 0, 1, 0, 0x40, 0x10];
        record.resize(40 * 1024, 0);
        client.write_all(&record).await.unwrap();
        let (stream, outcome) = read_hello(Replay::new(Vec::new(), server), SOON).await;
        assert!(outcome.is_err());
        assert!(stream.held().len() <= HELLO_MAX);
    }
}
