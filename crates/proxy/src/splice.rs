//! Bytes from one socket to another by the kernel alone (splice(2)): what a download in a tunnel is, is never copied.
//!
//! Urgent data (RFC 6093), at which it stops, is nothing that TLS or WebSocket has.
//!
//! Each thread has one pipe, which is empty between two pieces: what the other side did not take is read out of it, so
//! that ten thousand tunnels need no pipes of their own and none ever holds another's bytes.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::tunnel::Moved;

/// What a pipe should hold.
pub(crate) const PIPE_BYTES: usize = 256 * 1024;

thread_local! {
    static PIPE: Cell<Option<Pipe>> = const { Cell::new(None) };
}

/// Whatever goes wrong while something is in it, it is closed with what it holds.
pub(crate) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // Beyond what the system allows one user, it stays as it is made.
        let _ = fcntl_setpipe_size(&write, PIPE_BYTES);
        Ok(Self { read, write })
    }

    /// This thread's; an error where no more files may be open.
    pub(crate) fn of_thread() -> io::Result<Self> {
        PIPE.take().map_or_else(Self::new, Ok)
    }

    /// Empty again.
    fn put_back(self) {
        PIPE.set(Some(self));
    }

    /// The last `left` bytes in it.
    fn drain(&self, left: usize) -> io::Result<Vec<u8>> {
        let mut rest = vec![0; left];
        let mut at = 0;
        while let Some(space @ [_, ..]) = rest.get_mut(at..) {
            match rustix::io::read(&self.read, space)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => at += read,
            }
        }
        Ok(rest)
    }

    /// Moves what `from` has, at most `most` bytes, as far as `to` takes it.
    pub(crate) fn carry(self, from: &TcpStream, to: &TcpStream, most: usize) -> io::Result<Moved> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let taken = from.try_io(Interest::READABLE, || Ok(splice(from, None, &self.write, None, most, flags)?));
        let count = match taken {
            Ok(count) if count > 0 => count,
            // Nothing came into it.
            ended => {
                self.put_back();
                return ended.map(|_| Moved::End);
            }
        };
        let mut left = count;
        while left > 0 {
            match to.try_io(Interest::WRITABLE, || Ok(splice(&self.read, None, to, None, left, flags)?)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(moved) => left = left.saturating_sub(moved),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let rest = self.drain(left)?;
        self.put_back();
        Ok(if rest.is_empty() { Moved::All(count) } else { Moved::Some(count, rest) })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (here, there) = tokio::join!(connecting, listener.accept());
        (here.unwrap(), there.unwrap().0)
    }

    fn bytes(seed: u8, count: usize) -> Vec<u8> {
        (0..count).map(|at| seed ^ u8::try_from(at % 251).unwrap()).collect()
    }

    /// Moves once as soon as there is something to move.
    async fn moved(from: &TcpStream, to: &TcpStream) -> io::Result<Moved> {
        loop {
            from.readable().await?;
            match Pipe::of_thread().unwrap().carry(from, to, PIPE_BYTES) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                moved => return moved,
            }
        }
    }

    async fn write(to: &TcpStream, mut rest: &[u8]) {
        while !rest.is_empty() {
            to.writable().await.unwrap();
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
    }

    #[tokio::test]
    async fn what_a_peer_does_not_take_comes_back_and_nobody_elses_bytes_with_it() {
        let ((mut client, from), (to, mut site)) = (pair().await, pair().await);
        let sent = bytes(1, 8 * 1024 * 1024);
        let sending = async {
            client.write_all(&sent).await.unwrap();
            drop(client);
        };
        let carrying = async {
            // The site takes nothing until its socket is full.
            let rest = loop {
                match moved(&from, &to).await.unwrap() {
                    Moved::Some(_, rest) => break rest,
                    Moved::All(_) => {}
                    Moved::End => panic!("it was taken whole"),
                }
            };
            // Another tunnel goes by the same pipe meanwhile.
            let ((mut other, other_from), (other_to, mut other_site)) = (pair().await, pair().await);
            let word = bytes(7, 5_000);
            other.write_all(&word).await.unwrap();
            drop(other);
            while !matches!(moved(&other_from, &other_to).await.unwrap(), Moved::End) {}
            drop(other_to);
            let mut got = Vec::new();
            other_site.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, word);

            let reading = async {
                let mut got = Vec::new();
                site.read_to_end(&mut got).await.unwrap();
                got
            };
            let carrying = async {
                write(&to, &rest).await;
                loop {
                    match moved(&from, &to).await.unwrap() {
                        Moved::Some(_, rest) => write(&to, &rest).await,
                        Moved::All(_) => {}
                        Moved::End => break,
                    }
                }
                drop(to);
            };
            tokio::join!(reading, carrying).0
        };
        let ((), got) = tokio::join!(sending, carrying);
        assert!(got == sent, "{} bytes of {}", got.len(), sent.len());
    }
}
