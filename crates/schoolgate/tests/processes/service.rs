//! A school's service as it is started on its machine, and clients of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_schoolgate");
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

/// Where everybody is sent who has not signed in.
pub(crate) const TO_PORTAL: &str = "location: https://schoolgate.internal/agree?t=";

/// For a line of the log; a test that needs so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Service {
    supervisor: Child,
    is_stopped: bool,
    folder: TempDir,
    log: Receiver<String>,
    pub(crate) proxy: SocketAddr,
    pub(crate) portal: SocketAddr,
    pub(crate) dns: SocketAddr,
}

/// A port that nobody listens on now.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], "")
    }

    /// Run by the command `within`, with `proxy` among the settings of `[proxy]`; `OWN` in it is the proxy's address.
    pub(crate) fn start_with(within: &[&str], proxy: &str) -> Self {
        Self::start_at([free(), free(), free()], within, Stdio::null(), proxy)
    }

    /// As the system starts it that has opened the proxy's socket (sd_listen_fds(3)).
    pub(crate) fn start_on(socket: TcpListener) -> Self {
        let address = socket.local_addr().unwrap();
        let within = ["sh", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 </dev/null", "sh"];
        Self::start_at([address, free(), free()], &within, OwnedFd::from(socket).into(), "")
    }

    fn start_at(addresses: [SocketAddr; 3], within: &[&str], input: Stdio, proxy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = Command::new(PROGRAM)
            .args(["init", "--school", "riverside", "--name", "Riverside Primary", "--policy", PACK, "--data"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let file = folder.path().join("schoolgate.toml");
        let [address, portal, dns] = addresses;
        fs::write(&file, settings(addresses, proxy)).unwrap();
        let words: Vec<&str> = within.iter().copied().chain([PROGRAM, "serve", "--data"]).collect();
        let mut supervisor = Command::new(words[0])
            .args(&words[1..])
            .arg(&data)
            .arg("--settings")
            .arg(file)
            .env("SCHOOLGATE_LOG", "info")
            .stdin(input)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, log) = channel();
        let errors = supervisor.stderr.take().unwrap();
        std::thread::spawn(move || read_log(errors, &lines));
        Self { supervisor, is_stopped: false, folder, log, proxy: address, portal, dns }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Waits for a line with `words` in the log; what came before is passed over.
    pub(crate) fn logged(&self, words: &str) -> String {
        self.logged_until(words).pop().unwrap_or_default()
    }

    /// The lines up to one with `words`.
    pub(crate) fn logged_until(&self, words: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains(words)) {
            let line = self.log.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|_| panic!("the log never says: {words}")));
        }
        lines
    }

    pub(crate) fn pid(&self) -> u32 {
        self.supervisor.id()
    }

    /// Writes the settings anew and has them read.
    pub(crate) fn reload_with(&self, proxy: &str) {
        let text = settings([self.proxy, self.portal, self.dns], proxy);
        fs::write(self.folder.path().join("schoolgate.toml"), text).unwrap();
        self.signal("-HUP");
    }

    /// Asks through the proxy, again for half a minute while nobody listens there.
    pub(crate) fn curl(&self, url: &str) -> String {
        let proxy = format!("http://{}", self.proxy);
        let waiting = ["--retry", "60", "--retry-delay", "1", "--retry-all-errors", "--retry-max-time", "50"];
        self.curl_with(&[&waiting[..], &["--proxy", &proxy, url]].concat())
    }

    /// Asks once.
    pub(crate) fn curl_with(&self, words: &[&str]) -> String {
        let output = self.curling(&["curl"]).args(words).output();
        said(&output.expect("curl is needed for this test"))
    }

    /// curl, in the making, run by the last of the words `within`.
    pub(crate) fn curling(&self, within: &[&str]) -> Command {
        let mut command = Command::new(within[0]);
        command
            .args(&within[1..])
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--header", "Accept: text/html", "--cacert"])
            .arg(self.data().join("keys/ca.pem"));
        command
    }

    pub(crate) fn dig(&self, name: &str) -> String {
        let port = self.dns.port().to_string();
        let output = Command::new("dig").args(["+short", "@127.0.0.1", "-p", &port, name]).output();
        said(&output.expect("dig is needed for this test"))
    }

    /// Process ids and restarts by role.
    pub(crate) fn standings(&self) -> BTreeMap<String, (u64, u64)> {
        let text = fs::read(self.data().join("run/processes.json")).unwrap();
        let all: Value = serde_json::from_slice(&text).unwrap();
        let number = |one: &Value, name: &str| one[name].as_u64().unwrap_or(0);
        let all = all.as_array().unwrap().iter();
        all.map(|one| (one["role"].as_str().unwrap().to_owned(), (number(one, "pid"), number(one, "restarts"))))
            .collect()
    }

    pub(crate) fn kill(&self, role: &str) -> u64 {
        let (pid, _) = self.standings()[role];
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        pid
    }

    /// As [`Service::kill`]; waits for it while it is being started.
    pub(crate) fn kill_once_it_runs(&self, role: &str) {
        self.wait_until(|standings| standings[role].0 != 0);
        self.kill(role);
    }

    /// After so many deaths.
    pub(crate) fn wait_until_all_run_again(&self, deaths: u64) {
        self.wait_until(|standings| {
            let restarts: u64 = standings.values().map(|(_, restarts)| restarts).sum();
            deaths <= restarts && standings.values().all(|(pid, _)| *pid != 0)
        });
    }

    /// The log says each change.
    fn wait_until(&self, is_so: impl Fn(&BTreeMap<String, (u64, u64)>) -> bool) {
        while !is_so(&self.standings()) {
            // Also while nothing is said: the file may be a moment behind the log.
            if let Err(RecvTimeoutError::Disconnected) = self.log.recv_timeout(Duration::from_millis(100)) {
                panic!("the supervisor has ended");
            }
        }
    }

    /// Kills the supervisor, and waits until all its processes have ended: as long as one lives, the log goes on.
    pub(crate) fn kill_supervisor(mut self) {
        self.supervisor.kill().unwrap();
        self.supervisor.wait().unwrap();
        self.is_stopped = true;
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("a role lives on without its supervisor"),
            }
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.supervisor.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn stop(mut self) -> TempDir {
        self.signal("-TERM");
        assert!(self.supervisor.wait().unwrap().success());
        self.is_stopped = true;
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_stopped {
            return;
        }
        // A test that failed half-way leaves nobody behind.
        let _ = Command::new("kill").args(["-TERM", &self.supervisor.id().to_string()]).status();
        let _ = self.supervisor.wait();
    }
}

/// Nobody answers at the name server above; what is asked here is answered by rule. Lines on a certificate are the portal's.
fn settings([address, portal, dns]: [SocketAddr; 3], proxy: &str) -> String {
    let listen = if proxy.contains("listen = ") { String::new() } else { format!("listen = \"{address}\"\n") };
    let proxy = proxy.replace("OWN", &address.to_string());
    let is_portals = |line: &&str| line.starts_with("certificate = ") || line.starts_with("key = ");
    let (portals, proxys): (Vec<&str>, Vec<&str>) = proxy.lines().partition(is_portals);
    let (portals, proxy) = (portals.join("\n"), proxys.join("\n"));
    format!(
        "[portal]\nlisten = \"{portal}\"\n{portals}\n[dns]\nlisten = \"{dns}\"\nupstreams = [\"192.0.2.53\"]\n\
         answers = [\"192.0.2.7\"]\n[proxy]\n{listen}{proxy}\n"
    )
}

/// The log of all processes, which is the test's own too.
fn read_log(errors: ChildStderr, lines: &Sender<String>) {
    for line in BufReader::new(errors).lines() {
        let Ok(line) = line else { return };
        eprintln!("{line}");
        // The test has ended: read on, so that nobody waits for us.
        let _ = lines.send(line);
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
