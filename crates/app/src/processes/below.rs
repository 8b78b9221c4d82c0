//! How a role ends with its supervisor, also with one that was killed: the supervisor holds the other end of this
//! process's standard input, and never writes.

use std::io;
use std::os::fd::AsFd;
use std::pin::pin;

use rustix::process::{Signal, getpid, kill_process};
use tokio::net::unix::pipe;
use tracing::warn;

use super::Role;
use crate::product::RunError;
use crate::serve::ServeError;

/// Does `work` to its end, and asks this process to stop when the supervisor has ended.
pub async fn below_supervisor(
    role: Role,
    work: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let mut work = pin!(work);
    tokio::select! {
        ended = work.as_mut() => return ended,
        () = supervisor_ended() => {}
    }
    warn!(role = %role, "the supervisor has gone; the {role} stops");
    // As anybody asks a role to stop: what is open is finished first.
    kill_process(getpid(), Signal::TERM).map_err(|error| RunError::Signal { source: error.into() })?;
    work.await
}

async fn supervisor_ended() {
    let input = io::stdin().as_fd().try_clone_to_owned().and_then(pipe::Receiver::from_owned_fd);
    match input {
        // What can be read is the end.
        Ok(pipe) => drop(pipe.readable().await),
        Err(error) => {
            warn!(%error, "cannot hear whether the supervisor has ended");
            std::future::pending().await
        }
    }
}
