//! The whole product as a child process, on free ports and a data directory of its own.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long the product may take to say where it is: it makes keys and seeds its school first.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How long it may take to end when asked to.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// A running demo.
#[derive(Debug)]
pub struct Product {
    child: Child,
    /// Held so that the product never meets a closed output.
    _out: Lines<BufReader<ChildStdout>>,
    binary: PathBuf,
    data: TempDir,
    said: Value,
}

/// Why there is no running product.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    #[error("cannot run `{binary}`")]
    Run { binary: PathBuf, source: io::Error },
    #[error("cannot make a data directory")]
    Data { source: io::Error },
    #[error("the product did not say where it is within {} seconds", START_DEADLINE.as_secs())]
    Silent,
    #[error("the product ended without saying where it is")]
    Ended,
    #[error("cannot understand where the product says it is: `{line}`")]
    Line { line: String, source: serde_json::Error },
    #[error("cannot stop the product")]
    Stop { source: io::Error },
    #[error("the product did not stop within {} seconds", STOP_DEADLINE.as_secs())]
    Unstoppable,
}

impl Product {
    /// Starts the demo of `binary` (in a test of the binary's own package: `env!("CARGO_BIN_EXE_schoolgate")`) on new
    /// data. Its log goes to the test's own standard error.
    pub async fn start(binary: &Path) -> Result<Self, ProductError> {
        let data = tempfile::tempdir().map_err(|source| ProductError::Data { source })?;
        Self::start_on(binary, data).await
    }

    async fn start_on(binary: &Path, data: TempDir) -> Result<Self, ProductError> {
        let run = |source| ProductError::Run { binary: binary.to_owned(), source };
        let mut child = Command::new(binary)
            .args(["demo", "--print-json", "--ports", "free", "--data"])
            .arg(data.path().join("demo"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(run)?;
        let out = child.stdout.take().ok_or_else(|| run(io::ErrorKind::BrokenPipe.into()))?;
        let mut lines = BufReader::new(out).lines();
        let line = timeout(START_DEADLINE, lines.next_line())
            .await
            .map_err(|_| ProductError::Silent)?
            .map_err(run)?
            .ok_or(ProductError::Ended)?;
        let said = serde_json::from_str(&line).map_err(|source| ProductError::Line { line, source })?;
        Ok(Self { child, _out: lines, binary: binary.to_owned(), data, said })
    }

    /// What the product said of itself: `portal`, `proxy`, `portal_name`, `ca_file`, `people` and so on.
    pub fn said(&self) -> &Value {
        &self.said
    }

    /// A text it said under this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.said.get(name).and_then(Value::as_str)
    }

    pub fn proxy(&self) -> Option<SocketAddr> {
        self.text("proxy")?.parse().ok()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.data.path().join("demo")
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub async fn stop(mut self) -> Result<(ExitStatus, Stopped), ProductError> {
        if let Some(id) = self.child.id() {
            // Not `kill` of libc: a test tool needs no unsafe code for what a program does.
            let asked = Command::new("kill").args(["-INT", &id.to_string()]).status().await;
            asked.map_err(|source| ProductError::Stop { source })?;
        }
        let ended = timeout(STOP_DEADLINE, self.child.wait()).await.map_err(|_| ProductError::Unstoppable)?;
        let status = ended.map_err(|source| ProductError::Stop { source })?;
        Ok((status, Stopped { binary: self.binary, data: self.data }))
    }

    /// `kill -9`: no warning, nothing finished.
    pub async fn kill(mut self) -> Result<Stopped, ProductError> {
        self.child.kill().await.map_err(|source| ProductError::Stop { source })?;
        Ok(Stopped { binary: self.binary, data: self.data })
    }
}

/// A product that is not running, with its data.
#[derive(Debug)]
pub struct Stopped {
    binary: PathBuf,
    data: TempDir,
}

impl Stopped {
    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.data.path().join("demo")
    }

    /// Starts it again on the same data.
    pub async fn again(self) -> Result<Product, ProductError> {
        Product::start_on(&self.binary, self.data).await
    }
}
