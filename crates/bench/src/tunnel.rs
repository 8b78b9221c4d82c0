//! `schoolgate-bench tunnel`: CONNECT through our proxy, Squid and tinyproxy in turn: new tunnels, bytes through open
//! ones, what ten thousand of them hold, and when they are closed after a publish that forbids them.
//!
//! Each tunnel begins with a TLS hello, which ours reads and holds against the CONNECT, and which the others pass on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::ours::proxy::OurProxy;
use crate::pairs::load::{Fault, Rates, clients, measured, timed};
use crate::pairs::process::{Process, open_many_files};
use crate::pairs::{Arguments, Bench, Case, Failure, Line, Run, Stage, Tried, names};
use crate::peers::{Squid, Tinyproxy};
use crate::sites::{self, Kind};
use crate::through::{connect, hello};

const HOST: &str = "tunnel.bench.example";
/// What is asked for at a time.
const MEGABYTE: usize = 1_000_000;
/// Tunnels that are opened at the same time.
const CONNECTIONS: usize = 32;
/// Some programs never close what a publish forbids.
const CLOSED_DEADLINE: Duration = Duration::from_secs(3);
/// What the lines for memory and for the end of what is forbidden are drawn for.
const MANY: usize = 10_000;
const CLOSED_AFTER: &str = "all closed after, s";
/// Files that a program has open beside the two of each tunnel.
const OTHER_FILES: u64 = 200;

const NEW: Rates = Rates { per_second: "tunnels/s", per_cpu_second: "tunnels per CPU-second" };
const BULK: Rates = Rates { per_second: "MB/s", per_cpu_second: "MB per CPU-second" };

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let files = open_many_files();
    let most = usize::try_from(files.saturating_sub(OTHER_FILES) / 2)?;
    let on = format!(
        "one worker each; ours with list, identity, decision, hellos read and event log; Squid with the same list and \
         its log; tinyproxy with its log; {files} files may be open in a program, which is {most} tunnels"
    );
    let peers: Vec<Box<dyn crate::pairs::Peer>> =
        vec![Box::new(OurProxy { inspects: false }), Box::new(Squid::PLAIN), Box::new(Tinyproxy)];
    let mut bench = Bench::new("tunnel", &on, peers, arguments);
    let site = sites::start(Kind::Tunnels, None)?;
    let folder = tempfile::tempdir()?;
    names::write(folder.path(), &names::real(arguments)?)?;
    let hosts = [HOST.to_owned()];
    let stage = Stage { dir: folder.path(), origin: site.address(), hosts: &hosts };
    bench.run(&stage, false, &[new(), bulk(1), bulk(32), held(1_000.min(most)), held(MANY.min(most))])?;
    bench.print()
}

/// What a client needs to open a tunnel.
#[derive(Debug, Clone)]
struct Way {
    proxy: SocketAddr,
    host: String,
    port: u16,
}

impl Way {
    fn of(tried: &Tried<'_>, proxy: SocketAddr) -> Self {
        Self { proxy, host: tried.peer.host(HOST), port: tried.stage.origin.port() }
    }

    /// CONNECT, a hello, and the first byte from the site.
    async fn open(&self) -> Result<TcpStream, Fault> {
        let mut stream = connect(self.proxy, &self.host, self.port).await?;
        stream.write_all(&hello(&self.host)?).await?;
        stream.read_u8().await?;
        Ok(stream)
    }
}

fn new() -> Case<'static> {
    let line = Line::Ratio { measure: NEW.per_cpu_second, peer: "Squid", least: 2.5 };
    Case::new("new tunnels, a byte through each", vec![line], |tried| {
        let way = Way::of(tried, tried.process.address());
        let load = || {
            clients(CONNECTIONS, tried.seconds, |_, until| {
                let way = way.clone();
                async move {
                    let mut times = Vec::new();
                    while !until.is_over() {
                        times.push(timed(way.open()).await?.1);
                    }
                    Ok(times)
                }
            })
        };
        measured(tried.process, NEW, load).map(Some)
    })
}

fn bulk(tunnels: usize) -> Case<'static> {
    let line = Line::Ratio { measure: BULK.per_cpu_second, peer: "Squid", least: 1.5 };
    Case::new(format!("1 MB at a time, open tunnels: {tunnels}"), vec![line], move |tried| {
        let way = Way::of(tried, tried.process.address());
        let load = || {
            clients(tunnels, tried.seconds, |_, until| {
                let way = way.clone();
                async move {
                    let (mut stream, mut times) = (way.open().await?, Vec::new());
                    let mut buffer = vec![0; 256 * 1024];
                    while !until.is_over() {
                        times.push(timed(fetch(&mut stream, &mut buffer)).await?.1);
                    }
                    Ok(times)
                }
            })
        };
        measured(tried.process, BULK, load).map(Some)
    })
}

async fn fetch(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Fault> {
    stream.write_u64(MEGABYTE as u64).await?;
    let mut left = MEGABYTE;
    while left > 0 {
        match stream.read(buffer).await? {
            0 => return Err("a tunnel ended".into()),
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// In a process of its own each time, since what one run has used the next would find.
fn held(tunnels: usize) -> Case<'static> {
    let mut lines = vec![Line::Own { measure: CLOSED_AFTER, most: 1.0 }];
    if tunnels > MANY / 2 {
        lines.push(Line::Own { measure: "memory more, MB", most: 150.0 });
    }
    let case = Case::new(format!("open tunnels: {tunnels}"), lines, move |tried| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(hold(tried, tunnels)).map(Some)
    });
    case.cold(3)
}

async fn hold(tried: &Tried<'_>, tunnels: usize) -> Result<Run, Failure> {
    let process = tried.stage.start(tried.peer)?;
    let way = Way::of(tried, process.address());
    // What the first of all needs is not a tunnel's.
    drop(timed(way.open()).await.map_err(|fault| -> Failure { fault })?);
    let before = process.memory_mb()?;
    let open = open_all(&way, tunnels).await?;
    let more = process.memory_mb()? - before;
    let mut run = vec![("memory more, MB", more), ("kB a tunnel", more * 1e3 / tunnels as f64)];
    if tried.peer.takes_list() {
        run.extend(closed_by_publish(tried, &process, open).await?);
    }
    Ok(run)
}

/// Forbids what `open` leads to, and waits for its end.
async fn closed_by_publish(tried: &Tried<'_>, process: &Process, open: Vec<TcpStream>) -> Result<Run, Failure> {
    let (tunnels, mut closed) = (open.len(), 0_usize);
    let mut readers = JoinSet::new();
    for mut stream in open {
        readers.spawn(async move {
            // A reset is an end as well.
            let _ = stream.read(&mut [0]).await;
        });
    }
    names::publish(tried.stage.dir, Some(HOST))?;
    let began = Instant::now();
    process.reload()?;
    while let Ok(Some(_)) = timeout(CLOSED_DEADLINE.saturating_sub(began.elapsed()), readers.join_next()).await {
        closed += 1;
    }
    let after = began.elapsed().as_secs_f64();
    names::publish(tried.stage.dir, None)?;
    let in_time = (closed == tunnels).then_some((CLOSED_AFTER, after));
    Ok([("closed by a publish", closed as f64)].into_iter().chain(in_time).collect())
}

async fn open_all(way: &Way, tunnels: usize) -> Result<Vec<TcpStream>, Failure> {
    let (mut opening, mut open, mut begun) = (JoinSet::new(), Vec::with_capacity(tunnels), 0);
    while open.len() < tunnels {
        while begun < tunnels && opening.len() < CONNECTIONS {
            let way = way.clone();
            opening.spawn(async move { timed(way.open()).await });
            begun += 1;
        }
        let opened = opening.join_next().await.ok_or("no tunnel is opened")??;
        open.push(opened.map_err(|fault| format!("after {} tunnels: {fault}", open.len()))?.0);
    }
    Ok(open)
}
