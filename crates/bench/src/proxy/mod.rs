//! `schoolgate-bench proxy`: our proxy and Squid in turn, on the same origin, list and load.
//!
//! Ours has the list, identity, decision and the event log's spool on; Squid has the same names as a `dstdomain` list
//! and its access log on, and its cache off, since a filter between a school and TLS sites has nothing to cache. Both
//! have one worker. The origin and each proxy are processes of their own, so that processor time is theirs alone.

mod origin;
mod ours;
mod process;
mod squid;
mod wrk;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use schoolgate_base::HostName;
use schoolgate_lists::{Entry, IndexBuilder};
use serde::Serialize;

use crate::lists::RealLists;
use crate::machine::Machine;
use crate::stats::Quartiles;
use process::Process;

/// The name that both proxies are asked for; on no list.
const HOST: &str = "origin.bench.example";
/// Paths of the origin and what they are called.
const SIZES: [(&str, &str); 2] = [("/1k", "1 kB"), ("/64k", "64 kB")];
/// The category of all listed names.
const LISTED: &str = "listed";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Pairs of runs for each size.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Connections that ask at the same time.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// The shared data; without its `domains` a list of made names is used.
    #[arg(long, env = "SCHOOLGATE_SHARED_DATA")]
    data: Option<PathBuf>,
}

/// Processes of this bench, started by itself.
#[derive(Debug, Args)]
pub(crate) struct ServeOrigin {}

#[derive(Debug, Args)]
pub(crate) struct ServeProxy {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    origin: std::net::SocketAddr,
}

#[derive(Debug, Serialize)]
struct Figures {
    machine: Machine,
    command: String,
    squid: String,
    listed_names: usize,
    connections: u32,
    sizes: Vec<Size>,
}

/// One size of response: medians of the runs and of the ratios of each pair.
#[derive(Debug, Serialize)]
struct Size {
    size: &'static str,
    ours: Side,
    squid: Side,
    requests_ratio: Quartiles,
    per_cpu_second_ratio: Quartiles,
    p50_ratio: Quartiles,
    p99_ratio: Quartiles,
    memory_ratio: Quartiles,
}

#[derive(Debug, Serialize)]
struct Side {
    requests_per_second: Quartiles,
    requests_per_cpu_second: Quartiles,
    p50_ms: Quartiles,
    p99_ms: Quartiles,
    memory_mb: Quartiles,
}

/// One run through one proxy.
#[derive(Debug, Clone, Copy)]
struct Run {
    requests_per_second: f64,
    requests_per_cpu_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    memory_mb: f64,
}

pub(crate) fn serve_origin(_: &ServeOrigin) -> Result<(), Box<dyn Error>> {
    origin::serve()
}

pub(crate) fn serve_proxy(arguments: &ServeProxy) -> Result<(), Box<dyn Error>> {
    ours::serve(&arguments.dir, arguments.origin)
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let machine = Machine::this();
    let folder = tempfile::tempdir()?;
    let dir = folder.path();
    let names = listed_names(arguments.data.as_deref())?;
    write_lists(dir, &names)?;
    let origin = Process::start_self(&["serve-origin"])?;
    let ours = Process::start_self(&["serve-proxy", "--dir", &dir.to_string_lossy(), "--origin", origin.address()])?;
    let squid = squid::start(dir, HOST)?;
    let port = origin.address().rsplit(':').next().unwrap_or_default();
    let mut sizes = Vec::new();
    for (path, size) in SIZES {
        let url = format!("http://{HOST}:{port}{path}");
        let mut pairs = Vec::new();
        // The first pair warms up and is not counted.
        for pair in 0..=arguments.pairs {
            let seconds = if pair == 0 { 1 } else { arguments.seconds };
            let load = wrk::Load { dir, url: &url, seconds, connections: arguments.connections };
            let both = (measure(&ours, &load)?, measure(&squid, &load)?);
            if pair > 0 {
                pairs.push(both);
            }
        }
        sizes.push(summary(size, &pairs));
    }
    let figures = Figures {
        machine,
        command: "cargo xtask bench proxy".to_owned(),
        squid: squid::version()?,
        listed_names: names.len(),
        connections: arguments.connections,
        sizes,
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn measure(proxy: &Process, load: &wrk::Load<'_>) -> Result<Run, Box<dyn Error>> {
    let address = proxy.address();
    let before = proxy.cpu_seconds()?;
    let result = wrk::run(address, load)?;
    let cpu = proxy.cpu_seconds()? - before;
    if result.errors > 0 {
        return Err(format!("{} of {} requests through {address} failed", result.errors, result.requests).into());
    }
    Ok(Run {
        requests_per_second: result.requests as f64 / result.seconds,
        requests_per_cpu_second: result.requests as f64 / cpu.max(0.01),
        p50_ms: result.p50_ms,
        p99_ms: result.p99_ms,
        memory_mb: proxy.memory_mb()?,
    })
}

/// The real lists' names without those that are within another: Squid refuses such pairs.
fn listed_names(data: Option<&Path>) -> Result<Vec<HostName>, Box<dyn Error>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = data.unwrap_or(&beside);
    let mut all = std::collections::HashSet::new();
    if data.join("domains").is_dir() {
        RealLists::read(data)?.for_each_host(&mut |name| {
            all.insert(name);
        });
    } else {
        for number in 0..300_000_u32 {
            all.insert(HostName::parse(&format!("site{number}.made{}.example", number % 997))?);
        }
    }
    let is_covered = |name: &HostName| {
        name.suffixes().skip(1).filter_map(|suffix| HostName::parse(suffix).ok()).any(|suffix| all.contains(&suffix))
    };
    let mut names: Vec<HostName> = all.iter().filter(|name| !is_covered(name)).cloned().collect();
    names.sort_unstable();
    Ok(names)
}

fn write_lists(dir: &Path, names: &[HostName]) -> Result<(), Box<dyn Error>> {
    let mut builder = IndexBuilder::new();
    let (category, list) = (builder.category(LISTED)?, builder.list("bench")?);
    for name in names {
        builder.add(Entry::Host(name.clone()), category, list)?;
    }
    fs::write(dir.join("lists.index"), builder.build()?)?;
    let lines: String = names.iter().map(|name| format!(".{name}\n")).collect();
    fs::write(dir.join("listed.squid"), lines)?;
    Ok(())
}

fn summary(size: &'static str, pairs: &[(Run, Run)]) -> Size {
    let side = |pick: fn(&(Run, Run)) -> Run| {
        let of = |value: fn(&Run) -> f64| Quartiles::of(pairs.iter().map(|pair| value(&pick(pair))));
        Side {
            requests_per_second: of(|run| run.requests_per_second),
            requests_per_cpu_second: of(|run| run.requests_per_cpu_second),
            p50_ms: of(|run| run.p50_ms),
            p99_ms: of(|run| run.p99_ms),
            memory_mb: of(|run| run.memory_mb),
        }
    };
    let ratio = |value: fn(&Run) -> f64| Quartiles::of(pairs.iter().map(|(ours, squid)| value(ours) / value(squid)));
    Size {
        size,
        ours: side(|pair| pair.0),
        squid: side(|pair| pair.1),
        requests_ratio: ratio(|run| run.requests_per_second),
        per_cpu_second_ratio: ratio(|run| run.requests_per_cpu_second),
        p50_ratio: ratio(|run| run.p50_ms),
        p99_ratio: ratio(|run| run.p99_ms),
        memory_ratio: ratio(|run| run.memory_mb),
    }
}

fn print(figures: &Figures) {
    let machine = &figures.machine;
    println!("`{}`", figures.command);
    println!(
        "{}, {} cores, {} MB, load {}; beside {}; {} listed names, {} connections, one worker each; medians (quartiles)\n",
        machine.processor,
        machine.cores,
        machine.memory_mb,
        machine.load,
        figures.squid,
        figures.listed_names,
        figures.connections
    );
    for size in &figures.sizes {
        println!("| {} | ours | Squid | ours / Squid, by pair |\n|---|---|---|---|", size.size);
        let rows = [
            ("requests/s", &size.ours.requests_per_second, &size.squid.requests_per_second, &size.requests_ratio, 0),
            (
                "requests per CPU-second",
                &size.ours.requests_per_cpu_second,
                &size.squid.requests_per_cpu_second,
                &size.per_cpu_second_ratio,
                0,
            ),
            ("p50, ms", &size.ours.p50_ms, &size.squid.p50_ms, &size.p50_ratio, 2),
            ("p99, ms", &size.ours.p99_ms, &size.squid.p99_ms, &size.p99_ratio, 2),
            ("memory, MB", &size.ours.memory_mb, &size.squid.memory_mb, &size.memory_ratio, 0),
        ];
        for (name, ours, squid, ratio, places) in rows {
            println!(
                "| {name} | {:.places$} | {:.places$} | {:.2} ({:.2}–{:.2}) |",
                ours.median, squid.median, ratio.median, ratio.lower, ratio.upper
            );
        }
        println!();
    }
}
