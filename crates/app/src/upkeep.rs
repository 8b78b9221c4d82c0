//! What the clock does: grants that are over end their cases, people begin and leave on their day, old events go.

use jiff::{SignedDuration, Timestamp};
use schoolgate_control::Control;
use schoolgate_eventlog::EventLog;
use schoolgate_runtime::{Clock, Shutdown};
use tracing::{error, info};

/// How late the records may say that something is over. The doors do not wait for this.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How late a starter's or leaver's day and the end of what is kept may be noticed.
const PEOPLE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Runs until `shutdown` begins. A round that fails is logged, and the next one tries again.
pub(crate) async fn run(control: Control, events: EventLog, clock: Clock, shutdown: Shutdown) {
    let mut people_due = clock.now();
    loop {
        round(&control).await;
        told("reports under way could not be sealed to today's offices", control.reports_reseal_after_change().await);
        if people_due <= clock.now() {
            people_due = clock.now().checked_add(PEOPLE_EVERY).unwrap_or(Timestamp::MAX);
            long_round(&control, &events, clock.now()).await;
        }
        tokio::select! {
            () = clock.wait_for(EVERY) => {}
            () = shutdown.begun() => return,
        }
    }
}

async fn round(control: &Control) {
    match control.requests_end_over().await {
        Ok(0) => {}
        Ok(ended) => info!(ended, "ended requests whose time is over"),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            error!(error, "requests whose time is over could not be ended in the records");
        }
    }
}

/// How long an ended session is remembered, for the page on which people see where they are signed in.
const SESSIONS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

async fn long_round(control: &Control, events: &EventLog, now: Timestamp) {
    told("the people of today could not be published", control.people_publish().await);
    // Also without a change: a report may have been on its way while one was made.
    told("reports under way could not be sealed to today's offices", control.reports_reseal().await);
    let forgotten = control.presence_forget(now - SESSIONS_KEPT).await;
    told("old sessions and addresses could not be removed", forgotten);
    told("old events could not be removed", events.retention_apply(now).await);
}

fn told<T, E: std::error::Error + 'static>(what: &str, done: Result<T, E>) {
    if let Err(error) = done {
        let error: &dyn std::error::Error = &error;
        error!(error, "{what}");
    }
}
