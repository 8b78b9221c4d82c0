//! The whole service under load while its processes are killed in turn and its settings are read anew.
//!
//! `cargo xtask soak` runs it for ten minutes; among the other tests it takes some seconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_eventlog::{By, EventLog, Evidence, Filter, Range, Settings};

use crate::service::{Service, TO_PORTAL};

const SECONDS: &str = "SCHOOLGATE_SOAK_SECONDS";
const ASKERS: usize = 4;
/// Between two deaths: a role is there again within a second or two.
const BETWEEN: Duration = Duration::from_secs(3);

/// Events that one death may cost: what was on its way to the link.
const LOST_MAX: u64 = 100;

/// What the clients of this service saw.
#[derive(Default)]
struct Seen {
    is_over: AtomicBool,
    answered: AtomicUsize,
    /// Connections that ended before their answer: of a gateway that was killed with them in its hands.
    cut_off: AtomicUsize,
    names: AtomicUsize,
    unanswered: AtomicUsize,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }

    /// Nobody has signed in, so every site leads to the portal, whatever has just died.
    fn ask(&self, proxy: SocketAddr, asker: usize) {
        let mut number = 0;
        while self.goes_on() {
            let host = format!("site-{asker}-{number}.example");
            number += 1;
            // The listening socket outlives its process: somebody who comes meanwhile waits.
            let mut stream = TcpStream::connect(proxy).expect("nobody is refused");
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let request = format!(
                "GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            );
            let mut answer = String::new();
            let is_whole = stream.write_all(request.as_bytes()).is_ok() && stream.read_to_string(&mut answer).is_ok();
            if is_whole && !answer.is_empty() {
                assert!(answer.to_ascii_lowercase().contains(&TO_PORTAL.to_ascii_lowercase()), "{host}: {answer}");
                self.answered.fetch_add(1, Ordering::SeqCst);
            } else {
                self.cut_off.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Datagrams are lost while nobody is there; an answer is never another than the portal's.
    fn look_up(&self, dns: SocketAddr) {
        let mut number = 0;
        while self.goes_on() {
            number += 1;
            let (port, name) = (dns.port().to_string(), format!("name-{number}.example"));
            let dig = ["+short", "+tries=1", "+timeout=1", "@127.0.0.1", "-p", &port, &name];
            let output = Command::new("dig").args(dig).output().unwrap();
            match String::from_utf8_lossy(&output.stdout).trim() {
                "192.0.2.7" => self.names.fetch_add(1, Ordering::SeqCst),
                silence if silence.is_empty() || silence.starts_with(";;") => {
                    self.unanswered.fetch_add(1, Ordering::SeqCst)
                }
                other => panic!("{name}: {other}"),
            };
        }
    }
}

/// Resident memory of a process, in pages.
fn resident(pid: u64) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long is said from outside")]
async fn whatever_dies_nobody_is_refused_or_let_through() {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let service = Service::start();
    assert!(service.curl("http://first.example/").contains(TO_PORTAL));
    let (seen, proxy, dns) = (Seen::default(), service.proxy, service.dns);
    let deaths = u64::div_ceil(seconds, BETWEEN.as_secs());
    let early = resident(service.standings()["gateway"].0);
    let (_never, quiet) = channel::<()>();
    thread::scope(|scope| {
        for asker in 0..ASKERS {
            let seen = &seen;
            scope.spawn(move || seen.ask(proxy, asker));
        }
        scope.spawn(|| seen.look_up(dns));
        for role in ["gateway", "signer", "control"].iter().cycle().take(usize::try_from(deaths).unwrap()) {
            // Nothing is ever sent here: the load goes on for a while.
            assert!(quiet.recv_timeout(BETWEEN).is_err());
            service.reload_with("");
            service.kill_once_it_runs(role);
            if *role == "control" {
                // What waits for control dies with its gateway, which is no finding.
                service.logged("control is back");
            }
        }
        seen.is_over.store(true, Ordering::SeqCst);
    });
    service.wait_until_all_run_again(deaths);
    let late = resident(service.standings()["gateway"].0);
    assert!(late < early * 2 + 10_000, "the gateway had {early} pages and has {late}");
    let Seen { answered, cut_off, names, .. } = &seen;
    let count = |number: &AtomicUsize| number.load(Ordering::SeqCst) as u64;
    let (answered, cut_off, names) = (count(answered), count(cut_off), count(names));
    println!("{answered} answers, {cut_off} cut off, {names} names, {deaths} deaths");
    assert!(0 < names && ASKERS as u64 * 10 < answered);
    assert!(cut_off <= ASKERS as u64 * deaths, "{cut_off} of {answered} were cut off by {deaths} deaths");
    let folder = service.stop();
    let kept = decisions(&folder.path().join("data")).await;
    // A gateway that is killed takes with it what it had not handed on.
    let lost = (answered + names).saturating_sub(kept);
    println!("{kept} decisions kept, {lost} lost");
    assert!(lost <= deaths * LOST_MAX, "{kept} decisions of {answered} answers and {names} names");
}

/// Everything that was decided in this school.
async fn decisions(data: &Path) -> u64 {
    let (log, ..) = EventLog::open(&data.join("events"), Settings::new(TimeZone::UTC)).unwrap();
    let (school, from, to) = ("riverside".parse().unwrap(), Timestamp::MIN, Timestamp::MAX);
    let range = Range { school, from, to };
    let numbers = Evidence::new(log).unwrap().numbers(&range, &Filter::default(), By::Verdict).await.unwrap();
    numbers.iter().map(|number| number.decisions).sum()
}
