//! `schoolgate-bench dns`: questions to our DNS door, Unbound and dnsdist in turn, all three in front of the same name
//! server, with the same list and everything cached. The load is dnsperf's: of ten names one is listed.
//!
//! Ours has identity, decision and the event log's spool on; the others keep no log of questions.

use std::fmt::Write;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use schoolgate_base::HostName;

use crate::lists::Numbers;
use crate::ours::dns::OurDns;
use crate::pairs::load::Rates;
use crate::pairs::process::Process;
use crate::pairs::{Arguments, Bench, Case, Failure, Line, Run, Stage, names, start_case};
use crate::peers::{Dnsdist, Unbound};
use crate::sites::{self, Kind};

/// Names in the load's file, of which [`LISTED_ONE_IN`] says how many are listed.
const ASKED: usize = 10_000;
const LISTED_ONE_IN: usize = 10;
const QUESTIONS: &str = "questions";

const RATES: Rates = Rates { per_second: "questions/s", per_cpu_second: "questions per CPU-second" };

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let on = "64 questions under way, one thread each, 90 % clean and 10 % listed names, all cached; ours with list, \
              identity, decision and event log; Unbound and dnsdist with the same list and no log";
    if Command::new("dnsperf").arg("-h").output().is_err() {
        return Err("dnsperf makes the load; `apt-get install dnsperf`".into());
    }
    let peers: Vec<Box<dyn crate::pairs::Peer>> = vec![Box::new(OurDns), Box::new(Unbound), Box::new(Dnsdist)];
    let mut bench = Bench::new("dns", on, peers, arguments);
    let site = sites::start(Kind::Names, None)?;
    let start = |most| vec![Line::Own { measure: "start, s", most }];
    let real = names::real(arguments)?;
    stage(&site, &real, |stage| {
        let count = real.len();
        let started = start_case(&format!("{count} names"), start(1.0)).cold(3);
        bench.run(stage, true, &[asked(stage.dir, count), started])
    })?;
    drop(real);
    if arguments.made > 0 {
        let made = names::made(arguments.made)?;
        stage(&site, &made, |stage| {
            let count = made.len();
            let started = start_case(&format!("{count} names"), start(1.0)).cold(1);
            bench.run(stage, true, &[asked(stage.dir, count), started])
        })?;
    }
    bench.print()
}

fn stage(
    site: &Process,
    listed: &[HostName],
    run: impl FnOnce(&Stage<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    names::write(folder.path(), listed)?;
    fs::write(folder.path().join(QUESTIONS), questions(listed)?)?;
    run(&Stage { dir: folder.path(), origin: site.address(), hosts: &[] })
}

/// Clean names and listed ones in no order, as dnsperf reads them.
fn questions(listed: &[HostName]) -> Result<String, Failure> {
    let (mut text, mut numbers) = (String::new(), Numbers::new(5));
    for number in 0..ASKED {
        if number % LISTED_ONE_IN == 0 {
            let name = listed.get(numbers.below(listed.len())).ok_or("no listed names")?;
            writeln!(text, "{name} A")?;
        } else {
            writeln!(text, "www.site{}.clean.example A", numbers.below(ASKED * ASKED))?;
        }
    }
    Ok(text)
}

fn asked(dir: &Path, count: usize) -> Case<'_> {
    let line = |peer, least| Line::Ratio { measure: RATES.per_cpu_second, peer, least };
    Case::new(format!("{count} names"), vec![line("Unbound", 1.2), line("dnsdist", 1.0)], |tried| {
        let address = tried.process.address();
        if tried.pair == 0 {
            // Everything once, so that all of it is cached.
            dnsperf(address, dir, &["-n", "1"])?;
        }
        let before = tried.process.cpu_seconds()?;
        let asked = dnsperf(address, dir, &["-l", &tried.seconds.to_string()])?;
        let cpu = tried.process.cpu_seconds()? - before;
        let run: Run = vec![
            (RATES.per_second, asked.answered / asked.seconds),
            (RATES.per_cpu_second, asked.answered / cpu.max(0.01)),
            ("mean latency, ms", asked.latency_ms),
            ("memory, MB", tried.process.memory_mb()?),
        ];
        Ok(Some(run))
    })
}

#[derive(Debug, PartialEq)]
struct Asked {
    answered: f64,
    seconds: f64,
    latency_ms: f64,
}

fn dnsperf(address: SocketAddr, dir: &Path, words: &[&str]) -> Result<Asked, Failure> {
    let mut command = Command::new("dnsperf");
    command.args(["-s", &address.ip().to_string(), "-p", &address.port().to_string(), "-d"]).arg(dir.join(QUESTIONS));
    let output = command.args(["-c", "8", "-T", "1", "-q", "64"]).args(words).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).map_err(|error| format!("{error}:\n{text}").into())
}

/// What dnsperf says at its end. An answer that is lost or of another kind would make what is measured something else.
fn read(text: &str) -> Result<Asked, Failure> {
    let field = |name: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let codes = text.lines().find_map(|line| line.trim().strip_prefix("Response codes:")).ok_or("no answers")?;
    let count = |code: &str| -> f64 {
        let part = codes.split(',').find_map(|part| part.trim().strip_prefix(code));
        part.and_then(|part| part.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
    };
    let answered = field("Queries completed:").ok_or("no count")?;
    let (found, blocked) = (count("NOERROR"), count("NXDOMAIN"));
    let is_filtered = (blocked * LISTED_ONE_IN as f64 - answered).abs() < answered * 0.1;
    if found + blocked < answered || !is_filtered {
        return Err("the answers are not those that the list asks for".into());
    }
    let seconds = field("Run time (s):").ok_or("no time")?;
    let latency = field("Average Latency (s):").ok_or("no latency")?;
    Ok(Asked { answered, seconds, latency_ms: latency * 1e3 })
}

/// Whether a name server at `address` has found the other one behind it.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let question = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, b'r', b'e', b'a', b'd', b'y', 0, 0, 1, 0, 1];
    let ask = || -> std::io::Result<bool> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        socket.send_to(&question, address)?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer)?;
        let code = answer.get(3).map(|flags| flags & 0xf);
        Ok(length > question.len() && code == Some(0))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(codes: &str) -> String {
        format!(
            "Statistics:\n\n  Queries sent:         1000\n  Queries completed:    1000 (100.00%)\n  Queries lost:         0 \
             (0.00%)\n\n  Response codes:       {codes}\n  Run time (s):         0.5\n  Queries per second:   2000\n\n  \
             Average Latency (s):  0.000250 (min 0.000011, max 0.002)\n"
        )
    }

    #[test]
    fn what_dnsperf_says_is_read() {
        let asked = read(&said("NOERROR 901 (90.10%), NXDOMAIN 99 (9.90%)")).unwrap();
        assert_eq!(asked, Asked { answered: 1_000.0, seconds: 0.5, latency_ms: 0.25 });
    }

    #[test]
    fn answers_of_other_kinds_end_the_bench() {
        for codes in ["NOERROR 1000 (100.00%)", "NOERROR 880 (88.0%), SERVFAIL 20 (2.00%), NXDOMAIN 100 (10.00%)"] {
            assert!(read(&said(codes)).is_err(), "{codes}");
        }
    }

    #[test]
    fn one_name_in_ten_is_listed() {
        let listed = [HostName::parse("bet.example").unwrap()];
        let text = questions(&listed).unwrap();
        assert_eq!(text.lines().count(), ASKED);
        assert_eq!(text.lines().filter(|line| *line == "bet.example A").count(), ASKED / LISTED_ONE_IN);
    }
}
