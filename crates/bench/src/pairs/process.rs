//! Processes that are measured: started, read about in `/proc`, told to read their settings again, and ended.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tempfile::TempDir;

use super::Failure;
use crate::ours::DROPPED;

/// Reading five million names takes some programs a minute, and more on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(600);
/// Ten thousand tunnels have two sockets each in the program between.
const FILES: u64 = 65_536;

/// A child of this process; ends with it.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    home: Option<TempDir>,
}

impl Process {
    /// This program with other words; the first line it prints is its address.
    pub(crate) fn start_self(words: &[&str], home: Option<TempDir>) -> Result<Self, Failure> {
        let mut child = Command::new(env::current_exe()?).args(words).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("`{}` ended before it served", words.join(" ")))?;
        Ok(Self { child, address, home })
    }

    /// A foreign program that was told to serve at `address`; comes back when it does, as `answers` finds out.
    pub(crate) fn start(
        command: &mut Command,
        address: SocketAddr,
        home: TempDir,
        answers: impl Fn(SocketAddr) -> bool,
    ) -> Result<Self, Failure> {
        let said = fs::File::create(home.path().join("said"))?;
        let child = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
        let mut process = Self { child, address, home: Some(home) };
        let began = Instant::now();
        while !answers(address) {
            let has_ended = process.child.try_wait()?.is_some();
            if has_ended || began.elapsed() > START_DEADLINE {
                let said = fs::read_to_string(process.home().join("said")).unwrap_or_default();
                let kept = fs::read_to_string(process.home().join("log")).unwrap_or_default();
                return Err(format!("it does not serve: {said}\n{kept}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it writes. A program that makes certificates has its CA there, in `ca.pem`.
    pub(crate) fn home(&self) -> &Path {
        self.home.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Events of ours that its log had no room for so far.
    pub(crate) fn events_dropped(&self) -> Option<u64> {
        fs::read_to_string(self.home().join(DROPPED)).ok()?.parse().ok()
    }

    /// Tells it to read its settings again.
    pub(crate) fn reload(&self) -> Result<(), Failure> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::HUP)?)
    }

    /// User and system time so far, with its children.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let mut ticks = 0;
        for pid in self.family() {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let (_, behind_name) = stat.rsplit_once(')').ok_or("stat")?;
            let own = behind_name.split_whitespace().skip(11).take(2).filter_map(|tick| tick.parse::<u64>().ok());
            ticks += own.sum::<u64>();
        }
        Ok(ticks as f64 / 100.0)
    }

    /// Memory that is its own or shared, in RAM, with its children.
    pub(crate) fn memory_mb(&self) -> Result<f64, Failure> {
        let mut pages = 0.0;
        for pid in self.family() {
            let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
            pages += statm.split(' ').nth(1).ok_or("statm")?.parse::<f64>()?;
        }
        Ok(pages * 4096.0 / 1e6)
    }

    /// Squid makes certificates in processes of their own.
    fn family(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut place = 0;
        while let Some(&pid) = all.get(place) {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            for task in tasks {
                let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            }
            place += 1;
        }
        all
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One that was free a moment ago: most programs cannot be asked for any.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(crate) fn takes_connections(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// The line with `word` of what a program says of itself; `None` where there is no such program.
pub(crate) fn version(program: impl AsRef<Path>, argument: &str, word: &str) -> Option<String> {
    let Output { stdout, stderr, .. } = Command::new(program.as_ref()).arg(argument).output().ok()?;
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Some(said.lines().find(|line| line.contains(word)).unwrap_or(word).trim().to_owned())
}

/// Lets this process and its children open as many files as the system allows, and says how many.
pub(crate) fn open_many_files() -> u64 {
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: Some(FILES) })
        .or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }));
    getrlimit(Resource::Nofile).current.unwrap_or(FILES)
}
