//! The load: wrk, told to ask a proxy.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::pairs::Failure;
use crate::pairs::load::Done;

pub(super) struct Load<'a> {
    pub(super) dir: &'a Path,
    pub(super) url: &'a str,
    pub(super) seconds: u32,
    pub(super) connections: u32,
    /// A new connection for each request.
    pub(super) closes: bool,
    /// The proxy ends connections without a word before, which wrk takes for a failure after each answer.
    pub(super) ends: bool,
}

pub(super) fn is_missing() -> bool {
    Command::new("wrk").arg("-v").output().is_err()
}

/// A request line with the whole address is what makes a request one to a proxy.
fn script(url: &str, closes: bool) -> String {
    let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let close = if closes { "wrk.headers[\"Connection\"] = \"close\"\n" } else { "" };
    format!(
        "wrk.path = \"{url}\"\nwrk.headers[\"Host\"] = \"{authority}\"\n{close}\
         done = function(summary, latency)\n\
         local e = summary.errors\n\
         io.write(string.format(\"RESULT %d %d %d %d %d %d\\n\", summary.requests, summary.duration, \
         latency:percentile(50), latency:percentile(99), e.connect + e.write + e.status + e.timeout, e.read))\nend\n"
    )
}

pub(super) fn run(address: SocketAddr, load: &Load<'_>) -> Result<Done, Failure> {
    let file = load.dir.join("load.lua");
    fs::write(&file, script(load.url, load.closes))?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{}", load.connections), &format!("-d{}s", load.seconds), "-s"])
        .arg(&file)
        .arg(format!("http://{address}/"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<u64> = line.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, micros, p50, p99, errors, ended] = numbers.as_slice() else {
        return Err(format!("wrk said nothing that can be read:\n{text}").into());
    };
    let errors = if load.ends { *errors } else { errors + ended };
    if errors > 0 {
        return Err(format!("{errors} of {requests} requests failed").into());
    }
    Ok(Done { count: *requests, seconds: *micros as f64 / 1e6, p50_ms: *p50 as f64 / 1e3, p99_ms: *p99 as f64 / 1e3 })
}
