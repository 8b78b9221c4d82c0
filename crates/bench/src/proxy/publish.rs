//! From a publish to its being in force, and what fails meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{BLOCKED, HOST};
use crate::pairs::{Case, Failure, Line, Tried, names};

/// A client waits no longer for an answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);
/// Squid reads its list again.
const IN_FORCE_DEADLINE: Duration = Duration::from_secs(300);

pub(super) fn case() -> Case<'static> {
    let lines = vec![
        Line::Own { measure: "in force after, ms", most: 1_000.0 },
        Line::Own { measure: "requests that failed meanwhile", most: 0.0 },
    ];
    Case::new("publish: lists and one name read again", lines, |tried| {
        if !tried.peer.takes_list() {
            return Ok(None);
        }
        names::publish(tried.stage.dir, Some(BLOCKED))?;
        let (after, failed) = until(tried, |status| status.is_some_and(|status| status != 200))?;
        names::publish(tried.stage.dir, None)?;
        until(tried, |status| status == Some(200))?;
        Ok(Some(vec![("in force after, ms", after * 1e3), ("requests that failed meanwhile", failed)]))
    })
    .cold(3)
}

/// Tells the program to read its settings and asks for both names, each time on a new connection, until the published
/// one gets what is `awaited`. Seconds, and how many requests for the other one failed.
fn until(tried: &Tried<'_>, awaited: impl Fn(Option<u16>) -> bool) -> Result<(f64, f64), Failure> {
    let (address, port) = (tried.process.address(), tried.stage.origin.port());
    let began = Instant::now();
    tried.process.reload()?;
    let mut failed = 0.0;
    loop {
        if status(address, HOST, port) != Some(200) {
            failed += 1.0;
        }
        if awaited(status(address, BLOCKED, port)) {
            return Ok((began.elapsed().as_secs_f64(), failed));
        }
        if IN_FORCE_DEADLINE < began.elapsed() {
            return Err("a publish did not come into force".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Of the answer to a request; `None` where there is none.
fn status(proxy: SocketAddr, host: &str, port: u16) -> Option<u16> {
    let mut stream = TcpStream::connect(proxy).ok()?;
    stream.set_read_timeout(Some(ANSWER_DEADLINE)).ok()?;
    write!(stream, "GET http://{host}:{port}/1k HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}
