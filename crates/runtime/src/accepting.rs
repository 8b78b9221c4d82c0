//! The loop that every listener runs.

use std::future::Future;
use std::io;
use std::time::Duration;

use tracing::warn;

use crate::Shutdown;

/// After a failed accept, which is most often a lack of file descriptors that only others can end.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection that `accept` gives; `None` when the program stops. `what` is for the log: "a connection to the
/// portal".
pub async fn accepted<T, F>(shutdown: &Shutdown, what: &'static str, accept: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        let outcome = tokio::select! {
            outcome = accept() => outcome,
            () = shutdown.begun() => return None,
        };
        match outcome {
            Ok(taken) => return Some(taken),
            Err(error) => {
                warn!(%error, "cannot take {what}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::Tasks;

    #[tokio::test]
    async fn a_failure_is_not_the_listeners_end_and_a_stop_is() {
        let tasks = Tasks::new();
        let count = Cell::new(0);
        let accept = async || {
            count.set(count.get() + 1);
            if count.get() == 1 { Err(io::ErrorKind::Other.into()) } else { Ok(count.get()) }
        };
        assert_eq!(accepted(&tasks.shutdown(), "a connection", &accept).await, Some(2));
        tasks.drain(PAUSE).await;
        let never = || std::future::pending::<io::Result<()>>();
        assert_eq!(accepted(&tasks.shutdown(), "a connection", never).await, None);
    }
}
