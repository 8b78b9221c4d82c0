//! The folder of lists of withdrawn certificates, looked at while the doors are open.
//!
//! What cannot be read leaves the lists before it in force, is said once, and counted.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use schoolgate_runtime::{Clock, Counter, Metrics, Tasks};
use schoolgate_tls::{RevocationError, RevocationFolder, Revocations, Upstream};
use tracing::{info, warn};

use crate::status::RevocationsStatus;

/// How long a new list may wait to be noticed.
const EVERY: SignedDuration = SignedDuration::from_secs(30);

/// The lists of one edition of the doors.
pub(crate) struct Lists {
    upstream: Upstream,
    clock: Clock,
    failed: Counter,
    status: Arc<Mutex<RevocationsStatus>>,
}

impl Lists {
    /// Reads the folder now, before the first site is asked, and again whenever it changes, until `tasks` are drained.
    pub(crate) fn keep(
        folder: &Path,
        upstream: Upstream,
        clock: Clock,
        metrics: &Metrics,
        tasks: &Tasks,
    ) -> Arc<Mutex<RevocationsStatus>> {
        let failed = metrics.counter(
            "schoolgate_tls_revocation_reads_failed_total",
            "Times that the folder of lists of withdrawn certificates could not be read.",
        );
        let status = Arc::new(Mutex::new(RevocationsStatus { is_set: true, ..RevocationsStatus::default() }));
        let lists = Self { upstream, clock, failed, status: Arc::clone(&status) };
        let mut folder = RevocationFolder::new(folder);
        let first = folder.look();
        lists.take(first);
        let (blocking, shutdown) = (tasks.clone(), tasks.shutdown());
        tasks.spawn("lists of withdrawn certificates", async move {
            loop {
                tokio::select! {
                    () = lists.clock.wait_for(EVERY) => {}
                    () = shutdown.begun() => return,
                }
                let look = move || {
                    let looked = folder.look();
                    (folder, looked)
                };
                // It only fails where it panicked, which is in the log.
                let Ok((back, looked)) = blocking.run_blocking("read of revocation lists", look).await else { return };
                folder = back;
                lists.take(looked);
            }
        });
        status
    }

    fn take(&self, looked: Result<Option<Revocations>, RevocationError>) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match looked {
            Ok(None) => {}
            Ok(Some(lists)) => {
                info!(lists = lists.len(), "read the lists of withdrawn certificates");
                (status.lists, status.read_at, status.problem) = (lists.len(), Some(self.clock.now()), None);
                self.upstream.set_revocations(lists);
            }
            Err(error) => {
                self.failed.increment();
                let problem = Some(error.to_string());
                if status.problem != problem {
                    warn!("lists of withdrawn certificates stay as they were: {error}");
                    status.problem = problem;
                }
            }
        }
    }
}
