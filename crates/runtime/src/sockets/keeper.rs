//! Keeps the listening sockets of a process that may die, in the one that starts it again.
//!
//! Connections that come while nobody serves wait in the kernel's queue. The keeper never takes one, and knows neither
//! addresses nor settings: it holds what was left with it.

use std::fs::Permissions;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tracing::warn;

use super::{SOCKETS_FOLLOW, SOCKETS_MAX, Sockets, SocketsError, give, is_ours, take};
use crate::{Shutdown, accepted};

/// Asks for what is kept.
const TAKE: u8 = b'T';
/// Leaves what comes with it, in the place of what was kept before.
const KEEP: u8 = b'K';
/// The name that systemd knows them by.
const LEFT: &str = "listening";
/// For one exchange between two processes of one machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where sockets are kept for whoever serves.
#[derive(Debug)]
pub struct SocketKeeper {
    waiting: UnixListener,
    kept: Vec<TcpListener>,
}

impl SocketKeeper {
    /// Waits at `path`, where only this user may connect, and has `inherited` until something is left. What is at the
    /// path is taken away: the caller knows that no other keeper is at work.
    pub fn new(path: &Path, inherited: Sockets) -> Result<Self, SocketsError> {
        let failed = |source| SocketsError::Keep { path: path.to_owned(), source };
        let _ = std::fs::remove_file(path);
        let waiting = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { waiting, kept: inherited.given })
    }

    /// Keeps until the program stops.
    pub async fn keep(mut self, shutdown: Shutdown) {
        while let Some((stream, _)) = accepted(&shutdown, "a process's sockets", || self.waiting.accept()).await {
            if !is_ours(&stream) {
                continue;
            }
            match timeout(PATIENCE, self.answer(&stream)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!(%error, "the listening sockets were not exchanged"),
                Err(_) => warn!("a process asked for its listening sockets and said nothing more"),
            }
        }
    }

    async fn answer(&mut self, stream: &UnixStream) -> io::Result<()> {
        match take(stream).await? {
            (TAKE, _) => give(stream, SOCKETS_FOLLOW, &self.kept).await,
            (KEEP, left) => {
                self.kept = left;
                give(stream, KEEP, &[]).await
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Sockets {
    /// What the keeper at `path` has, where there is one.
    pub async fn of_keeper(path: &Path) -> Result<Option<Self>, SocketsError> {
        let Some(stream) = connect(path).await? else { return Ok(None) };
        let taken = exchange(&stream, TAKE, &[]).await.map_err(|source| SocketsError::TakeOver { source })?;
        Ok(Some(Self { given: taken, kept: Vec::new() }))
    }

    /// Leaves what is in use with the keeper at `path`, where there is one, and closes what was inherited and is not used.
    pub async fn leave(&mut self, path: &Path) -> Result<(), SocketsError> {
        self.given.clear();
        let Some(stream) = connect(path).await? else { return self.leave_with_system() };
        let left = exchange(&stream, KEEP, &self.kept).await;
        left.map(drop).map_err(|source| SocketsError::Keep { path: path.to_owned(), source })
    }

    /// For a service of systemd, which hands them to the process after this one as it hands over those that it opened
    /// itself. Nothing where it did not start this program.
    fn leave_with_system(&self) -> Result<(), SocketsError> {
        let fds: Vec<BorrowedFd<'_>> = self.kept.iter().take(SOCKETS_MAX).map(AsFd::as_fd).collect();
        // What is no longer used is closed there too.
        let left = sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(LEFT)])
            .and_then(|()| sd_notify::notify_with_fds(&[NotifyState::FdStore, NotifyState::FdName(LEFT)], &fds));
        left.map_err(|source| SocketsError::System { source })
    }
}

async fn connect(path: &Path) -> Result<Option<UnixStream>, SocketsError> {
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(source) => Err(SocketsError::TakeOver { source }),
    }
}

async fn exchange(stream: &UnixStream, word: u8, sockets: &[TcpListener]) -> io::Result<Vec<TcpListener>> {
    let both = async {
        give(stream, word, sockets).await?;
        take(stream).await
    };
    let (_, taken) = timeout(PATIENCE, both).await??;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{Reach, Tasks};

    #[tokio::test]
    async fn what_is_left_with_a_keeper_outlives_its_process() {
        let dir = std::env::temp_dir().join(format!("schoolgate-keeper-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("kept.sock");
        assert!(Sockets::of_keeper(&path).await.unwrap().is_none());
        let tasks = Tasks::new();
        tasks.spawn("keeper", SocketKeeper::new(&path, Sockets::default()).unwrap().keep(tasks.shutdown()));
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut first = Sockets::of_keeper(&path).await.unwrap().unwrap();
        let (one, two) = (first.listen(any, Reach::Both).unwrap(), first.listen(any, Reach::Both).unwrap());
        let (address, other) = (one.local_addr().unwrap(), two.local_addr().unwrap());
        first.leave(&path).await.unwrap();
        drop((first, one, two));

        // Nobody serves, and nobody is refused.
        let waiting = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut second = Sockets::of_keeper(&path).await.unwrap().unwrap();
        let one = second.listen(address, Reach::Both).unwrap();
        assert_eq!(one.accept().await.unwrap().1, waiting.local_addr().unwrap());
        second.leave(&path).await.unwrap();
        let refused = tokio::net::TcpStream::connect(other).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "what is no longer used is closed");
        tasks.drain(PATIENCE).await;
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
