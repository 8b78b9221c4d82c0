//! Questions and answers between our own processes, one after the other on each connection.

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tracing::debug;

use crate::frames::{FRAME_MAX, read_frame, write_frame};
use crate::{Crowd, Gauge, Tasks, accepted};

/// For a process to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Processes that may ask at a time: control, the gateway, and either of them once more while it is replaced.
const ASKERS_MAX: usize = 16;

/// Answers whoever connects to `listener`, until the tasks are drained. Who may connect is said by the socket's file. An
/// error of `answer` ends its connection.
pub fn answer_all<A, F>(tasks: &Tasks, name: &'static str, listener: UnixListener, answer: A)
where
    A: Fn(Vec<u8>) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<Vec<u8>>> + Send,
{
    let crowd = Crowd::new(ASKERS_MAX, ASKERS_MAX, Gauge::default());
    let (connections, answer) = (tasks.clone(), Arc::new(answer));
    let shutdown = tasks.shutdown();
    tasks.spawn(name, async move {
        while let Some((stream, _)) = accepted(&shutdown, name, || listener.accept()).await {
            // All are of this machine, and so of one address.
            let Some(place) = crowd.enter([127, 0, 0, 1].into()) else { continue };
            let (answer, shutdown) = (Arc::clone(&answer), connections.shutdown());
            connections.spawn(name, async move {
                tokio::select! {
                    ended = answer_one(stream, answer.as_ref()) => {
                        if let Err(error) = ended {
                            debug!(%error, "a connection of `{name}` ended");
                        }
                    }
                    () = shutdown.begun() => {}
                }
                drop(place);
            });
        }
    });
}

async fn answer_one<A, F>(mut stream: UnixStream, answer: &A) -> io::Result<()>
where
    A: Fn(Vec<u8>) -> F,
    F: Future<Output = io::Result<Vec<u8>>>,
{
    while let Some(message) = read_frame(&mut stream).await? {
        let answer = answer(message).await?;
        timeout(PATIENCE, write_frame(&mut stream, &answer)).await??;
    }
    Ok(())
}

/// Asks over a connection that blocks, whose time limits the caller has set.
pub fn ask_blocking(stream: &mut BlockingStream, question: &[u8]) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "the message is too long");
    let length = u32::try_from(question.len()).map_err(|_| too_long())?;
    stream.write_all(&[&length.to_le_bytes(), question].concat())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= FRAME_MAX);
    let mut answer = vec![0; length.ok_or_else(too_long)?];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
