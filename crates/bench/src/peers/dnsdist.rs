//! dnsdist with the same list as a tree of suffixes, a cache of packets and one thread.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::dns::answers;
use crate::pairs::names::LINES;
use crate::pairs::process::{Process, free_address, version};
use crate::pairs::{Failure, Peer, Stage};

pub(crate) struct Dnsdist;

impl Peer for Dnsdist {
    fn name(&self) -> &'static str {
        "dnsdist"
    }

    fn version(&self) -> Option<String> {
        version("dnsdist", "--version", "dnsdist")
    }

    fn install(&self) -> &'static str {
        "apt-get install dnsdist"
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let address = free_address()?;
        let settings = format!(
            "setLocal('{address}')\nsetACL('127.0.0.0/8')\nsetSecurityPollSuffix('')\n\
             newServer('{}')\ngetPool(''):setCache(newPacketCache(100000))\n\
             local listed = newSuffixMatchNode()\n\
             for name in io.lines('{}') do listed:add(newDNSName(name)) end\n\
             addAction(SuffixMatchNodeRule(listed), RCodeAction(DNSRCode.NXDOMAIN))\n",
            stage.origin,
            stage.dir.join(LINES).display()
        );
        let file = home.path().join("dnsdist.conf");
        fs::write(&file, settings)?;
        let mut command = Command::new("dnsdist");
        command.args(["--supervised", "--disable-syslog", "-C"]).arg(&file);
        Process::start(&mut command, address, home, answers)
    }
}
