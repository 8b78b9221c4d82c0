//! The load: wrk, told to ask a proxy.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

pub(super) struct Load<'a> {
    pub(super) dir: &'a Path,
    pub(super) url: &'a str,
    pub(super) seconds: u32,
    pub(super) connections: u32,
}

pub(super) struct Outcome {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    pub(super) errors: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// A request line with the whole address is what makes a request one to a proxy.
fn script(url: &str) -> String {
    let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    format!(
        "wrk.path = \"{url}\"\nwrk.headers[\"Host\"] = \"{authority}\"\n\
         done = function(summary, latency)\n\
         local e = summary.errors\n\
         io.write(string.format(\"RESULT %d %d %d %d %d\\n\", summary.requests, summary.duration, \
         latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))\nend\n"
    )
}

pub(super) fn run(address: &str, load: &Load<'_>) -> Result<Outcome, Box<dyn Error>> {
    let file = load.dir.join("load.lua");
    fs::write(&file, script(load.url))?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{}", load.connections), &format!("-d{}s", load.seconds), "-s"])
        .arg(&file)
        .arg(format!("http://{address}/"))
        .output()
        .map_err(|error| format!("cannot start wrk: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<u64> = line.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, micros, p50, p99, errors] = numbers.as_slice() else {
        return Err(format!("wrk said nothing that can be read:\n{text}").into());
    };
    Ok(Outcome {
        requests: *requests,
        seconds: *micros as f64 / 1e6,
        errors: *errors,
        p50_ms: *p50 as f64 / 1e3,
        p99_ms: *p99 as f64 / 1e3,
    })
}
