//! `schoolgate-bench proxy`: plain requests through our proxy, Squid and tinyproxy in turn, on the same origin and load.
//!
//! Ours has the list, identity, decision and the event log's spool on; Squid has the same names as a `dstdomain` list,
//! its access log on, and its cache off, since a filter between a school and TLS sites has nothing to cache. Both have
//! one worker. tinyproxy has a log and no list.

mod publish;
mod wrk;

use std::path::Path;

use schoolgate_base::HostName;

use crate::ours::proxy::OurProxy;
use crate::pairs::load::{Rates, measured};
use crate::pairs::process::Process;
use crate::pairs::{Arguments, Bench, Case, Failure, Line, Stage, names, start_case};
use crate::peers::{Squid, Tinyproxy};
use crate::sites::{self, Kind};
use wrk::Load;

/// The name that the proxies are asked for; on no list.
const HOST: &str = "origin.bench.example";
/// The name that a publish blocks.
const BLOCKED: &str = "blocked.bench.example";

const CONNECTIONS: u32 = 32;
const RATES: Rates = Rates { per_second: "requests/s", per_cpu_second: "requests per CPU-second" };

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let on = "32 connections, one worker each; ours with list, identity, decision and event log; Squid with the same \
              list and its log, without its cache; tinyproxy with its log, without a list";
    if wrk::is_missing() {
        return Err("wrk makes the load; `apt-get install wrk`".into());
    }
    let mut bench = Bench::new("proxy", on, peers(), arguments);
    let origin = sites::start(Kind::Web, None)?;
    let real = names::real(arguments)?;
    let count = real.len();
    stage(&origin, &real, |stage| {
        let mut cases = sizes(stage.dir);
        cases.push(publish::case());
        cases.push(
            start_case(&format!("{count} names"), vec![Line::Own { measure: "memory, MB", most: 100.0 }]).cold(3),
        );
        bench.run(stage, false, &cases)
    })?;
    drop(real);
    if arguments.made > 0 {
        let made = names::made(arguments.made)?;
        let count = made.len();
        stage(&origin, &made, |stage| {
            let start = vec![Line::Own { measure: "start, s", most: 1.0 }];
            let cases = [
                asked(stage.dir, &format!("1 kB, {count} names"), "/1k", false, 4.0),
                start_case(&format!("{count} names"), start).cold(1),
            ];
            bench.run(stage, true, &cases)
        })?;
    }
    bench.print()
}

fn peers() -> Vec<Box<dyn crate::pairs::Peer>> {
    vec![Box::new(OurProxy { inspects: false }), Box::new(Squid::PLAIN), Box::new(Tinyproxy)]
}

fn stage(
    origin: &Process,
    listed: &[HostName],
    run: impl FnOnce(&Stage<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    names::write(folder.path(), listed)?;
    let hosts = [HOST.to_owned(), BLOCKED.to_owned()];
    run(&Stage { dir: folder.path(), origin: origin.address(), hosts: &hosts })
}

fn sizes(dir: &Path) -> Vec<Case<'_>> {
    vec![
        asked(dir, "1 kB", "/1k", false, 4.0),
        asked(dir, "64 kB", "/64k", false, 5.0),
        asked(dir, "1 MB", "/1m", false, 8.0),
        asked(dir, "1 kB, a new connection each", "/1k", true, 3.0),
    ]
}

/// `least` is the line to Squid's requests per CPU-second.
fn asked<'a>(dir: &'a Path, name: &str, path: &'static str, closes: bool, least: f64) -> Case<'a> {
    let line = Line::Ratio { measure: RATES.per_cpu_second, peer: "Squid", least };
    Case::new(name, vec![line], move |tried| {
        let (host, port) = (tried.peer.host(HOST), tried.stage.origin.port());
        let url = format!("http://{host}:{port}{path}");
        let ends = tried.peer.ends_connections();
        let load = Load { dir, url: &url, seconds: tried.seconds, connections: CONNECTIONS, closes, ends };
        measured(tried.process, RATES, || wrk::run(tried.process.address(), &load)).map(Some)
    })
}
