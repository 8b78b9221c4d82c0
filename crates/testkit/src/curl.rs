//! Real curl, run as a child.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Longest wait for an answer, in seconds; a test that needs it has failed.
const MAX_SECONDS: &str = "30";

/// A request in the making. Follows no redirects and trusts only what it is told to.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Curl {
    arguments: Vec<OsString>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status of the last response; of the proxy's own when it refused a CONNECT, 0 when there was none.
    pub status: u16,
    /// Header lines of all responses, lower-case names, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// curl's own: 0, or 60 for a certificate it does not trust, 56 for a refused CONNECT and so on.
    pub exit_code: i32,
}

/// Why curl was not run.
#[derive(Debug, thiserror::Error)]
pub enum CurlError {
    #[error("cannot run curl; it must be installed")]
    Run { source: io::Error },
}

impl Curl {
    pub fn new() -> Self {
        // Settings of the machine must not change what a test means.
        Self::default().with(["--disable", "--silent", "--show-error", "--max-time", MAX_SECONDS, "--noproxy", ""])
    }

    pub fn proxy(self, address: SocketAddr) -> Self {
        self.with(["--proxy".to_owned(), format!("http://{address}")])
    }

    /// Trusts this CA and no other.
    pub fn trusting(self, ca: &Path) -> Self {
        self.with([OsString::from("--cacert"), ca.into()])
    }

    /// Comes from another loopback address: another device.
    pub fn from(self, address: IpAddr) -> Self {
        self.with(["--interface".to_owned(), address.to_string()])
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(["--header".to_owned(), format!("{name}: {value}")])
    }

    /// Keeps cookies in this file over requests.
    pub fn cookies(self, jar: &Path) -> Self {
        self.with([OsString::from("--cookie"), jar.into(), "--cookie-jar".into(), jar.into()])
    }

    /// Sends a form by POST.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        for (name, value) in fields {
            self = self.with(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        self
    }

    /// Sends the request and waits for its answer.
    ///
    /// # Errors
    /// Only when curl itself cannot be run; what it says of the network is in the answer.
    pub async fn get(self, url: &str) -> Result<Answer, CurlError> {
        let curl = self.with(["--dump-header", "/dev/stderr", "--url", url]);
        let output = Command::new("curl")
            .args(&curl.arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| CurlError::Run { source })?;
        let head = String::from_utf8_lossy(&output.stderr).into_owned();
        let exit_code = output.status.code().unwrap_or(-1);
        Ok(read(&head, output.stdout, exit_code))
    }

    fn with<S: Into<OsString>>(mut self, more: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }
}

impl Answer {
    /// The last value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn read(head: &str, body: Vec<u8>, exit_code: i32) -> Answer {
    let mut answer = Answer { status: 0, headers: Vec::new(), body, exit_code };
    for line in head.lines() {
        if line.starts_with("HTTP/") {
            answer.status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        } else if let Some((name, value)) = line.split_once(": ") {
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_response_counts() {
        let head = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 303 See Other\r\nLocation: /agree\r\n\r\n";
        let answer = read(head, Vec::new(), 0);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/agree")));
    }

    #[test]
    fn without_a_response_there_is_no_status() {
        let answer = read("curl: (7) Failed to connect to 127.0.0.1 port 1\n", Vec::new(), 7);
        assert_eq!((answer.status, answer.exit_code), (0, 7));
    }
}
