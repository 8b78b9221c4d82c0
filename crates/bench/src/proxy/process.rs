//! Processes that are measured: started, asked for their address, read about in `/proc`, and ended.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A child of this process; ends with it.
pub(super) struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// This program with other words; the first line it prints is its address.
    pub(super) fn start_self(words: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?).args(words).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().to_owned() })
    }

    /// A foreign program that was told its address.
    pub(super) fn of(child: Child, address: String) -> Self {
        Self { child, address }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// User and system time so far.
    pub(super) fn cpu_seconds(&self) -> Result<f64, Box<dyn Error>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, behind_name) = stat.rsplit_once(')').ok_or("stat")?;
        let ticks = behind_name.split_whitespace().skip(11).take(2).filter_map(|tick| tick.parse::<u64>().ok());
        Ok(ticks.sum::<u64>() as f64 / 100.0)
    }

    /// Memory that is its own or shared, in RAM.
    pub(super) fn memory_mb(&self) -> Result<f64, Box<dyn Error>> {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: f64 = statm.split(' ').nth(1).ok_or("statm")?.parse()?;
        Ok(pages * 4096.0 / 1e6)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
