//! Listening sockets that outlive the process that uses them, so that a restart refuses nobody.
//!
//! They come from a supervisor (`LISTEN_FDS`, as systemd does it; a [`SocketKeeper`], as ours does), or from the process
//! before, which hands them over a Unix socket, goes on until its successor serves, and then takes nothing new. Known by
//! the address they are bound to: what the settings no longer name is closed, what they name newly is bound.

mod keeper;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tracing::{info, warn};

pub use keeper::SocketKeeper;

use crate::{Reach, listen};

/// Sockets that are handed on at most. A gateway has a handful.
const SOCKETS_MAX: usize = 32;
/// Goes with the sockets, since nothing can go without a byte.
const SOCKETS_FOLLOW: u8 = b'S';
/// What a successor says that serves.
const SERVES: u8 = b'1';

/// Why sockets cannot be handed on.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    #[error("cannot use a socket of the supervisor's")]
    Supervisor { source: io::Error },
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(
        "the listening socket at {address} that was kept takes other connections than are wanted now (another listener \
         at its port came or went, or `transparent` changed); stop Schoolgate and start it again, and where the \
         system opened it, say so there too (`BindIPv6Only`)"
    )]
    OtherReach { address: SocketAddr },
    #[error("cannot take over the sockets of the process before")]
    TakeOver { source: io::Error },
    #[error("cannot wait for a successor")]
    HandOver { source: io::Error },
    #[error("the system does not keep the listening sockets")]
    System { source: io::Error },
    #[error("cannot keep sockets at `{path}`")]
    Keep { path: PathBuf, source: io::Error },
    #[error("cannot hold the listening sockets a second time")]
    Again { source: io::Error },
}

/// The listening sockets of this process.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Inherited, and not asked for yet.
    given: Vec<TcpListener>,
    /// In use, for a successor.
    kept: Vec<TcpListener>,
}

/// The process whose sockets were taken over, which still serves.
#[derive(Debug)]
pub struct Predecessor(UnixStream);

impl Sockets {
    /// What the supervisor has opened. To be called once, before threads are started: it takes the word out of the
    /// environment.
    pub fn of_supervisor() -> Result<Self, SocketsError> {
        let mut passed = ListenFd::from_env();
        let mut given = Vec::new();
        for index in 0..passed.len().min(SOCKETS_MAX) {
            let listener = passed.take_tcp_listener(index).map_err(|source| SocketsError::Supervisor { source })?;
            given.extend(listener);
        }
        Ok(Self { given, kept: Vec::new() })
    }

    /// What the process before has, where one waits at `path`. It serves until [`Predecessor::retire`].
    pub async fn of_predecessor(path: &Path) -> Result<Option<(Self, Predecessor)>, SocketsError> {
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            // Nobody is there, or nobody any more.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(source) => return Err(SocketsError::TakeOver { source }),
        };
        let (_, given) = take(&stream).await.map_err(|source| SocketsError::TakeOver { source })?;
        info!(sockets = given.len(), "took over {} listening sockets", given.len());
        Ok(Some((Self { given, kept: Vec::new() }, Predecessor(stream))))
    }

    /// The inherited listener of `address`, or a new one.
    pub fn listen(&mut self, address: SocketAddr, reach: Reach) -> Result<tokio::net::TcpListener, SocketsError> {
        let at = self.given.iter().position(|given| given.local_addr().is_ok_and(|bound| bound == address));
        let listener = match at {
            Some(at) => {
                let inherited = self.given.swap_remove(at);
                // Whoever keeps it has it open as well, so that there can be no other at this address.
                if !reach.is_of(&inherited, address).map_err(|source| SocketsError::Listen { address, source })? {
                    return Err(SocketsError::OtherReach { address });
                }
                Ok(inherited)
            }
            None => listen(address, reach),
        };
        let shared = listener.and_then(|listener| {
            listener.set_nonblocking(true)?;
            let shared = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
            self.kept.push(listener);
            Ok(shared)
        });
        shared.map_err(|source| SocketsError::Listen { address, source })
    }

    /// Of what was inherited, the listener of `address` for another process.
    #[must_use]
    pub fn split_off(&mut self, address: SocketAddr) -> Self {
        let is_of = |given: &mut TcpListener| given.local_addr().is_ok_and(|bound| bound == address);
        Self { given: self.given.extract_if(.., is_of).collect(), kept: Vec::new() }
    }

    /// The same sockets for the use after this one, in this process. Until they are listened on they are as inherited.
    pub fn again(&self) -> Result<Self, SocketsError> {
        let given = self.kept.iter().map(TcpListener::try_clone).collect::<io::Result<_>>();
        Ok(Self { given: given.map_err(|source| SocketsError::Again { source })?, kept: Vec::new() })
    }

    /// Waits at `path` for a successor, gives it every socket in use, and returns when it serves: then is the time to
    /// drain. One that goes away before is forgotten.
    pub async fn hand_over(&self, path: &Path) -> Result<(), SocketsError> {
        // What was there belonged to a process that this one has taken over from, or that is gone.
        let _ = std::fs::remove_file(path);
        let failed = |source| SocketsError::HandOver { source };
        let waiting = UnixListener::bind(path).map_err(failed)?;
        loop {
            let (mut stream, _) = waiting.accept().await.map_err(failed)?;
            if !is_ours(&stream) {
                continue;
            }
            if let Err(error) = give(&stream, SOCKETS_FOLLOW, &self.kept).await {
                warn!("cannot give the listening sockets to a successor: {error}");
                continue;
            }
            match stream.read_u8().await {
                Ok(SERVES) => return Ok(()),
                Ok(_) | Err(_) => warn!("a successor took the listening sockets and went away; going on"),
            }
        }
    }
}

impl Predecessor {
    /// Says that this process serves, whereupon the one before takes nothing new.
    pub async fn retire(mut self) -> Result<(), SocketsError> {
        self.0.write_u8(SERVES).await.map_err(|source| SocketsError::TakeOver { source })
    }
}

async fn give(stream: &UnixStream, word: u8, sockets: &[TcpListener]) -> io::Result<()> {
    let fds: Vec<BorrowedFd<'_>> = sockets.iter().take(SOCKETS_MAX).map(AsFd::as_fd).collect();
    stream.async_io(Interest::WRITABLE, || send(stream.as_fd(), word, &fds)).await
}

async fn take(stream: &UnixStream) -> io::Result<(u8, Vec<TcpListener>)> {
    stream.async_io(Interest::READABLE, || receive(stream.as_fd())).await
}

fn send(stream: BorrowedFd<'_>, word: u8, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    rustix::net::sendmsg(stream, &[IoSlice::new(&[word])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// A word, and the sockets that came with it.
fn receive(stream: BorrowedFd<'_>) -> io::Result<(u8, Vec<TcpListener>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut word = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut word)], &mut ancillary, flags)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut listeners = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            listeners.extend(fds.map(|fd: OwnedFd| TcpListener::from(fd)));
        }
    }
    let [word] = word;
    Ok((word, listeners))
}

fn is_ours(stream: &UnixStream) -> bool {
    let is_ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
    if !is_ours {
        warn!("somebody else than this program's user asked for its sockets");
    }
    is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_successor_has_the_sockets_and_says_when_it_serves() {
        let dir = std::env::temp_dir().join(format!("schoolgate-sockets-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("sockets");
        let mut before = Sockets::default();
        let listener = before.listen("127.0.0.1:0".parse().unwrap(), Reach::Both).unwrap();
        let address = listener.local_addr().unwrap();
        let succeeding = async {
            loop {
                if let Some(successor) = Sockets::of_predecessor(&path).await.unwrap() {
                    break successor;
                }
                tokio::task::yield_now().await;
            }
        };
        let mut handing = Box::pin(before.hand_over(&path));
        // The first goes away again.
        let first = tokio::select! {
            first = succeeding => first,
            ended = &mut handing => panic!("{ended:?}"),
        };
        drop(first);
        let (handed, successor) = tokio::join!(handing, async {
            let (mut after, predecessor) = Sockets::of_predecessor(&path).await.unwrap().unwrap();
            let taken = after.listen(address, Reach::Both).unwrap();
            predecessor.retire().await.unwrap();
            taken
        });
        handed.unwrap();
        drop((listener, before));
        let (connected, accepted) = tokio::join!(tokio::net::TcpStream::connect(address), successor.accept());
        assert_eq!(connected.unwrap().local_addr().unwrap(), accepted.unwrap().1);
        drop(successor);
        assert!(Sockets::of_predecessor(&dir.join("nobody")).await.unwrap().is_none());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
