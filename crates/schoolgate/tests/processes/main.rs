//! The service as it runs in a school: a supervisor, and each role in a process of its own.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ca;
mod disk;
mod school;
mod sealed;
mod service;
mod soak;
mod who;
mod wire;

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_eventlog::{EventLog, Evidence, Filter, Range, Settings};

use crate::service::{Service, TO_PORTAL};

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

#[test]
fn roles_end_with_a_supervisor_that_was_killed() {
    let service = Service::start();
    let gate = service.curl("http://first.example/");
    assert!(gate.contains(TO_PORTAL), "{gate}");
    service.kill_supervisor();
}
