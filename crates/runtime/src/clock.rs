//! The time, from the system or from somebody who sets it.
//!
//! A settable clock exists for the demo and for tests; whoever waits on it wakes as soon as it is moved.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The system's clock may be stepped (by NTP, after sleep), which no timer notices: look again at least this often.
const RECHECK: Duration = Duration::from_secs(60);

/// A cheap handle to the time; clones share the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System,
    Settable(Arc<watch::Sender<Setting>>),
}

#[derive(Debug, Clone, Copy)]
enum Setting {
    /// Stands still.
    Frozen(Timestamp),
    /// Runs beside the system's clock.
    Running { ahead: SignedDuration },
}

/// Why a clock was not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    #[error("the system's clock cannot be set from here")]
    NotSettable,
    #[error("that time is out of range")]
    OutOfRange,
}

impl Clock {
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// Stands at `at` until it is moved: for tests.
    pub fn frozen(at: Timestamp) -> Self {
        Self(Kind::Settable(Arc::new(watch::Sender::new(Setting::Frozen(at)))))
    }

    /// Runs like the system's clock and can be moved: for the demo.
    pub fn settable() -> Self {
        Self(Kind::Settable(Arc::new(watch::Sender::new(Setting::Running { ahead: SignedDuration::ZERO }))))
    }

    pub fn is_settable(&self) -> bool {
        matches!(self.0, Kind::Settable(_))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => system_now(),
            Kind::Settable(setting) => setting.borrow().now(),
        }
    }

    /// Moves the clock to `at`; a running one runs on from there.
    pub fn set(&self, at: Timestamp) -> Result<(), ClockError> {
        let Kind::Settable(setting) = &self.0 else { return Err(ClockError::NotSettable) };
        setting.send_modify(|setting| {
            *setting = match setting {
                Setting::Frozen(_) => Setting::Frozen(at),
                Setting::Running { .. } => Setting::Running { ahead: at.duration_since(system_now()) },
            };
        });
        Ok(())
    }

    pub fn advance(&self, by: SignedDuration) -> Result<(), ClockError> {
        let to = self.now().checked_add(by).map_err(|_| ClockError::OutOfRange)?;
        self.set(to)
    }

    /// Returns once it is `at` or later, also when that comes about by moving the clock.
    pub async fn wait_until(&self, at: Timestamp) {
        match &self.0 {
            Kind::System => {
                while let Some(left) = left_until(at, system_now()) {
                    tokio::time::sleep(left.min(RECHECK)).await;
                }
            }
            Kind::Settable(setting) => wait_settable(setting.subscribe(), at).await,
        }
    }

    /// Waits `duration` of this clock's time.
    pub async fn wait_for(&self, duration: SignedDuration) {
        let at = self.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        self.wait_until(at).await;
    }
}

impl Setting {
    fn now(self) -> Timestamp {
        match self {
            Self::Frozen(at) => at,
            Self::Running { ahead } => system_now().checked_add(ahead).unwrap_or(Timestamp::MAX),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is told to use")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// `None` once `at` has come.
fn left_until(at: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(at.duration_since(now)).ok()?;
    // Timers have milliseconds; rounding up never wakes before `at`.
    (!left.is_zero()).then(|| left + Duration::from_millis(1))
}

async fn wait_settable(mut setting: watch::Receiver<Setting>, at: Timestamp) {
    loop {
        let current = *setting.borrow_and_update();
        let Some(left) = left_until(at, current.now()) else { return };
        let moved = match current {
            Setting::Frozen(_) => setting.changed().await,
            Setting::Running { .. } => {
                tokio::time::timeout(left.min(RECHECK), setting.changed()).await.unwrap_or(Ok(()))
            }
        };
        if moved.is_err() {
            // `self` holds the sender for as long as anybody waits, so this is the end of the process.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn moving_the_clock_wakes_who_waits() {
        for clock in [Clock::frozen(at("2026-11-24T10:00Z")), Clock::settable()] {
            let target = clock.now() + SignedDuration::from_hours(2);
            let waiting = clock.wait_until(target);
            let moving = async {
                tokio::task::yield_now().await;
                clock.advance(SignedDuration::from_hours(1)).unwrap();
                tokio::task::yield_now().await;
                clock.set(target).unwrap();
            };
            tokio::join!(waiting, moving);
            assert!(target <= clock.now());
        }
    }

    #[tokio::test]
    async fn the_past_is_not_waited_for() {
        let clock = Clock::frozen(at("2026-11-24T10:00Z"));
        clock.wait_until(at("2026-11-24T10:00Z")).await;
        Clock::system().wait_until(at("2020-01-01T00:00Z")).await;
    }

    #[test]
    fn the_system_clock_is_not_ours_to_set() {
        assert_eq!(Clock::system().set(at("2026-11-24T10:00Z")), Err(ClockError::NotSettable));
    }
}
