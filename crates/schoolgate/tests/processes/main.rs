//! The service as it runs in a school: a supervisor, and each role in a process of its own.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_eventlog::{EventLog, Evidence, Filter, Range, Settings};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_schoolgate");
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

const TO_PORTAL: &str = "location: https://schoolgate.internal/agree?t=";

struct Service {
    supervisor: Child,
    is_stopped: bool,
    folder: TempDir,
    proxy: SocketAddr,
    dns: SocketAddr,
}

/// A port that nobody listens on now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = Command::new(PROGRAM)
            .args(["init", "--school", "riverside", "--name", "Riverside Primary", "--policy", PACK, "--data"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (proxy, portal, dns) = (free(), free(), free());
        // Nobody answers at the server above; what is asked here is answered by rule.
        let settings = format!(
            "[portal]\nlisten = \"{portal}\"\n[proxy]\nlisten = \"{proxy}\"\n\
             [dns]\nlisten = \"{dns}\"\nupstreams = [\"{}\"]\nanswers = [\"192.0.2.7\"]\n",
            free()
        );
        fs::write(folder.path().join("schoolgate.toml"), settings).unwrap();
        let supervisor = Command::new(PROGRAM)
            .args(["serve", "--data"])
            .arg(&data)
            .arg("--settings")
            .arg(folder.path().join("schoolgate.toml"))
            .env("SCHOOLGATE_LOG", "info")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { supervisor, is_stopped: false, folder, proxy, dns }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks through the proxy, again for half a minute while nobody listens there.
    fn curl(&self, url: &str) -> String {
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--retry", "60", "--retry-delay", "1", "--retry-all-errors", "--retry-max-time", "50"])
            .args(["--header", "Accept: text/html", "--proxy", &format!("http://{}", self.proxy), "--cacert"])
            .arg(self.data().join("keys/ca.pem"))
            .arg(url)
            .output()
            .expect("curl is needed for this test");
        said(&output)
    }

    fn dig(&self, name: &str) -> String {
        let port = self.dns.port().to_string();
        let output = Command::new("dig").args(["+short", "@127.0.0.1", "-p", &port, name]).output();
        said(&output.expect("dig is needed for this test"))
    }

    /// Process ids and restarts by role.
    fn standings(&self) -> BTreeMap<String, (u64, u64)> {
        let text = fs::read(self.data().join("run/processes.json")).unwrap();
        let all: Value = serde_json::from_slice(&text).unwrap();
        let number = |one: &Value, name: &str| one[name].as_u64().unwrap_or(0);
        let all = all.as_array().unwrap().iter();
        all.map(|one| (one["role"].as_str().unwrap().to_owned(), (number(one, "pid"), number(one, "restarts"))))
            .collect()
    }

    fn kill(&self, role: &str) -> u64 {
        let (pid, _) = self.standings()[role];
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        pid
    }

    fn stop(mut self) -> TempDir {
        let pid = self.supervisor.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn open_files(pid: u64) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    links.filter_map(|link| Some(fs::read_link(link.unwrap().path()).ok()?.display().to_string())).collect()
}

/// Every host that the events name.
async fn hosts(data: &Path) -> Vec<String> {
    let (log, ..) = EventLog::open(&data.join("events"), Settings::new(TimeZone::UTC)).unwrap();
    let (school, from, to) = ("riverside".parse().unwrap(), Timestamp::MIN, Timestamp::MAX);
    let found = Evidence::new(log).unwrap().rows(&Range { school, from, to }, &Filter::default(), None, 100).await;
    found.unwrap().rows.into_iter().filter_map(|row| row.host).collect()
}

#[tokio::test]
async fn each_role_is_a_process_and_what_is_killed_comes_back() {
    let service = Service::start();
    // Nobody has signed in here, so the gateway sends everybody to the portal.
    let gate = service.curl("http://first.example/");
    assert!(gate.contains(TO_PORTAL), "{gate}");
    assert_eq!(service.dig("sixth.example").trim(), "192.0.2.7", "the gate's name leads to the portal");
    // The portal's leaf is signed for control, and control tells the gateway that this device trusts it.
    let portal = service.curl("https://schoolgate.internal/");
    assert!(portal.contains("HTTP/1.1 200") || portal.contains("HTTP/1.1 303"), "{portal}");
    let local = service.curl("https://second.example/");
    assert!(local.contains(TO_PORTAL), "a leaf for the gateway's own answer: {local}");

    let files = open_files(service.standings()["gateway"].0);
    assert!(!files.is_empty());
    for kept in ["sqlite", "/keys", "/events"] {
        assert!(!files.iter().any(|file| file.contains(kept)), "the gateway has {kept} open: {files:?}");
    }
    let files = open_files(service.standings()["signer"].0);
    assert!(!files.iter().any(|file| file.contains("sqlite")), "{files:?}");

    service.kill("signer");
    let unsigned = service.curl("https://third.example/");
    assert!(unsigned.contains(TO_PORTAL), "{unsigned}");
    let gateway = service.kill("gateway");
    let again = service.curl("http://fourth.example/");
    assert!(again.contains(TO_PORTAL), "{again}");
    service.kill("control");
    // Decisions go on by the last snapshot while control is away, and events wait for it.
    let meanwhile = service.curl("http://fifth.example/");
    assert!(meanwhile.contains(TO_PORTAL), "{meanwhile}");
    let portal = service.curl("https://schoolgate.internal/");
    assert!(portal.contains("HTTP/1.1 200") || portal.contains("HTTP/1.1 303"), "{portal}");

    let standings = service.standings();
    assert_ne!(standings["gateway"].0, gateway);
    for role in ["signer", "control", "gateway"] {
        assert_eq!(standings[role].1, 1, "{role}: {standings:?}");
    }
    let folder = service.stop();
    for (pid, _) in standings.values() {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "a process was left behind");
    }
    let mut hosts = hosts(&folder.path().join("data")).await;
    hosts.sort_unstable();
    hosts.dedup();
    assert_eq!(hosts, ["fifth", "first", "fourth", "second", "sixth", "third"].map(|name| format!("{name}.example")));
}
