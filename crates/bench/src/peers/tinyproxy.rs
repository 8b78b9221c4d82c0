//! tinyproxy, which forwards and logs. It has no list: its filter tries pattern by pattern.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::pairs::process::{Process, free_address, takes_connections, version};
use crate::pairs::{Failure, Peer, Stage};

pub(crate) struct Tinyproxy;

impl Peer for Tinyproxy {
    fn name(&self) -> &'static str {
        "tinyproxy"
    }

    fn version(&self) -> Option<String> {
        version("tinyproxy", "-v", "tinyproxy")
    }

    fn install(&self) -> &'static str {
        "apt-get install tinyproxy-bin"
    }

    fn takes_list(&self) -> bool {
        false
    }

    /// After each answer, whose head says otherwise where it came from a site that keeps connections.
    fn ends_connections(&self) -> bool {
        true
    }

    /// It asks the system, which knows no names of a bench.
    fn host(&self, _: &str) -> String {
        "localhost".to_owned()
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let address = free_address()?;
        let (ip, port, site, own) = (address.ip(), address.port(), stage.origin.port(), home.path().display());
        let settings = format!(
            "Listen {ip}\nPort {port}\nTimeout 600\nMaxClients 20000\nAllow 127.0.0.1\nConnectPort {site}\n\
             LogFile \"{own}/log\"\nLogLevel Connect\n"
        );
        let file = home.path().join("tinyproxy.conf");
        fs::write(&file, settings)?;
        Process::start(Command::new("tinyproxy").arg("-d").arg("-c").arg(&file), address, home, takes_connections)
    }
}
