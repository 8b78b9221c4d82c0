//! Supervised tasks: counted, told to stop, waited for, and logged when they panic.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tracing::{error, warn};

/// The signal that the program is stopping. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Stage>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    Draining,
    Ended,
}

impl Shutdown {
    pub fn is_begun(&self) -> bool {
        *self.0.borrow() != Stage::Running
    }

    /// Returns once a drain has begun. A server then takes nothing new and finishes what it has.
    pub async fn begun(&self) {
        reached(self.0.clone(), Stage::Draining).await;
    }
}

async fn reached(mut stage: watch::Receiver<Stage>, wanted: Stage) {
    let changes = stage.clone();
    let mut waiting = pin!(async {
        if stage.wait_for(|stage| wanted <= *stage).await.is_err() {
            // All handles are gone without a drain: nobody is left who could want us to stop.
            std::future::pending::<()>().await;
        }
    });
    // A task is polled far more often for its work than for its end, so what is registered is not registered again.
    let mut registered: Option<Waker> = None;
    poll_fn(|context| {
        let is_registered = registered.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_registered && matches!(changes.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        registered = Some(context.waker().clone());
        waiting.as_mut().poll(context)
    })
    .await;
}

/// The set of a program's tasks. Clones share the set.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stage: watch::Sender<Stage>,
    running: AtomicUsize,
    /// Told whenever the count falls to zero.
    idle: Notify,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Tasks that did not finish in time and were dropped.
    pub dropped: usize,
}

/// Why blocking work has no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    #[error("`{name}` panicked")]
    Panicked { name: &'static str },
    #[error("`{name}` was cancelled")]
    Cancelled { name: &'static str },
}

/// A handle that can end one task early; dropping it leaves the task running.
#[derive(Debug)]
pub struct Task(tokio::task::AbortHandle);

impl Task {
    pub fn abort(&self) {
        self.0.abort();
    }

    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Counts one task for as long as it lives, however it ends.
struct Counted(Arc<Inner>);

impl Counted {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(inner))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Tasks {
    #[expect(clippy::new_without_default, reason = "a second set by accident would never be drained")]
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            stage: watch::Sender::new(Stage::Running),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
        }))
    }

    pub fn shutdown(&self) -> Shutdown {
        Shutdown(self.0.stage.subscribe())
    }

    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Acquire)
    }

    /// Runs `future` until it ends, panics, or a drain's deadline drops it.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> Task
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let counted = Counted::new(&self.0);
        let stage = self.0.stage.subscribe();
        // Moved once, and not with each layer around it: what serves a connection is some kilobytes.
        let future = Box::pin(future);
        #[expect(clippy::disallowed_methods, reason = "this is the place that everything else is told to use")]
        let handle = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = guarded(name, future) => {}
                () = reached(stage, Stage::Ended) => warn!(task.name = name, "`{name}` was dropped"),
            }
            drop(counted);
        });
        Task(handle.abort_handle())
    }

    /// Runs what watches over other tasks and has no end of its own: a drain does not wait for it, and drops it when
    /// nothing else is left.
    pub fn attend<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stage = self.0.stage.subscribe();
        #[expect(clippy::disallowed_methods, reason = "as in `spawn`, but for what is not counted")]
        drop(tokio::spawn(async move {
            tokio::select! {
                biased;
                () = guarded(name, future) => {}
                () = reached(stage, Stage::Ended) => {}
            }
        }));
    }

    /// Runs work that blocks (files, hashing) beside the tasks and waits for its result.
    pub async fn run_blocking<T, F>(&self, name: &'static str, work: F) -> Result<T, TaskFailure>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let counted = Counted::new(&self.0);
        let joined = tokio::task::spawn_blocking(move || {
            let _counted = counted;
            work()
        });
        joined.await.map_err(|failure| {
            if failure.is_panic() {
                log_panic(name, failure.into_panic().as_ref());
                TaskFailure::Panicked { name }
            } else {
                TaskFailure::Cancelled { name }
            }
        })
    }

    /// Tells every task to stop, waits for them up to `deadline`, then drops those that are left.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        self.0.stage.send_replace(Stage::Draining);
        if tokio::time::timeout(deadline, self.all_ended()).await.is_ok() {
            self.0.stage.send_replace(Stage::Ended);
            return Drained { dropped: 0 };
        }
        let dropped = self.running();
        warn!(tasks.dropped = dropped, "not everything stopped in time; what is left is dropped: {dropped}");
        self.0.stage.send_replace(Stage::Ended);
        // Dropping happens at the task's next poll; blocking work cannot be dropped, so this has a deadline too.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.all_ended()).await;
        Drained { dropped }
    }

    /// Returns once no task is left.
    pub async fn all_ended(&self) {
        loop {
            let mut idle = pin!(self.0.idle.notified());
            // Registered before the count is read, so a task that ends in between is not missed.
            idle.as_mut().enable();
            if self.running() == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// Polls `future` and turns its panic into a log line.
async fn guarded<F: Future<Output = ()>>(name: &'static str, future: F) {
    let mut future = pin!(future);
    let outcome = poll_fn(|context| {
        // The future is never polled again after a panic, so broken state inside it is not seen.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    if let Err(panic) = outcome {
        log_panic(name, panic.as_ref());
    }
}

fn log_panic(name: &'static str, panic: &(dyn Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message");
    error!(task.name = name, "task `{name}` panicked: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn drain_waits_for_tasks_that_heed_it() {
        let tasks = Tasks::new();
        let shutdown = tasks.shutdown();
        let (sender, receiver) = oneshot::channel();
        tasks.spawn("heeds", async move {
            shutdown.begun().await;
            let _ = sender.send(());
        });
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Drained { dropped: 0 });
        receiver.await.unwrap();
    }

    #[tokio::test]
    async fn what_attends_lasts_as_long_as_what_it_attends_to() {
        let tasks = Tasks::new();
        let shutdown = tasks.shutdown();
        let (finish, finished) = oneshot::channel::<()>();
        let (watching, mut dropped) = oneshot::channel::<()>();
        tasks.attend("attends", async move {
            let _watching = watching;
            std::future::pending().await
        });
        tasks.spawn("is attended to", async move {
            let _ = finished.await;
        });
        let still_there = async {
            shutdown.begun().await;
            assert_eq!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Empty));
            finish.send(()).unwrap();
        };
        let (drained, ()) = tokio::join!(tasks.drain(Duration::from_secs(5)), still_there);
        assert_eq!(drained, Drained { dropped: 0 });
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn drain_drops_tasks_that_do_not() {
        let tasks = Tasks::new();
        tasks.spawn("never ends", std::future::pending());
        assert_eq!(tasks.drain(Duration::from_millis(10)).await, Drained { dropped: 1 });
        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_task_only() {
        let tasks = Tasks::new();
        tasks.spawn("panics", async { panic!("on purpose") });
        tasks.all_ended().await;
        let failure = tasks.run_blocking("panics too", || panic!("on purpose")).await;
        assert!(matches!(failure, Err::<(), _>(TaskFailure::Panicked { name: "panics too" })));
        assert_eq!(tasks.run_blocking("works", || 7).await.unwrap(), 7);
        tasks.all_ended().await;
    }
}
