//! The benches' own clients: one thread, any number of connections.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::process::Process;
use super::{Failure, Run};

/// What a client may fail with, in a task.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Without an answer for so long, a client gives up and the bench with it.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was done and how long each took.
pub(crate) struct Done {
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Done {
    /// `times` in milliseconds.
    pub(crate) fn of(seconds: f64, mut times: Vec<f64>) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (part * times.len().saturating_sub(1) as f64).round() as usize;
            times.get(place).copied().unwrap_or(f64::NAN)
        };
        Self { count: times.len() as u64, seconds, p50_ms: at(0.5), p99_ms: at(0.99) }
    }
}

/// How rates of something are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) per_second: &'static str,
    pub(crate) per_cpu_second: &'static str,
}

/// Does `load` and writes down what it took of `process`.
pub(crate) fn measured(
    process: &Process,
    rates: Rates,
    load: impl FnOnce() -> Result<Done, Failure>,
) -> Result<Run, Failure> {
    let before = process.cpu_seconds()?;
    let done = load()?;
    let cpu = process.cpu_seconds()? - before;
    Ok(vec![
        (rates.per_second, done.count as f64 / done.seconds),
        (rates.per_cpu_second, done.count as f64 / cpu.max(0.01)),
        ("p50, ms", done.p50_ms),
        ("p99, ms", done.p99_ms),
        ("memory, MB", process.memory_mb()?),
    ])
}

/// Until when clients go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(Instant);

impl Until {
    pub(crate) fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }
}

/// `count` clients at the same time, each of which gives back what its doings took, in milliseconds.
pub(crate) fn clients<F>(count: usize, seconds: u32, client: impl Fn(usize, Until) -> F) -> Result<Done, Failure>
where
    F: Future<Output = Result<Vec<f64>, Fault>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let began = Instant::now();
        let until = Until(began + Duration::from_secs(seconds.into()));
        let mut all = JoinSet::new();
        for number in 0..count {
            all.spawn(client(number, until));
        }
        let mut times = Vec::new();
        while let Some(ended) = all.join_next().await {
            times.extend(ended?.map_err(|fault| -> Failure { fault })?);
        }
        Ok(Done::of(began.elapsed().as_secs_f64(), times))
    })
}

/// Waits no longer than somebody at a screen would, and says what it took, in milliseconds.
pub(crate) async fn timed<T>(doing: impl Future<Output = Result<T, Fault>>) -> Result<(T, f64), Fault> {
    let began = Instant::now();
    let done = tokio::time::timeout(DEADLINE, doing).await.map_err(|_| "no answer in time")??;
    Ok((done, began.elapsed().as_secs_f64() * 1e3))
}
