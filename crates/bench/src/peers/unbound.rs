//! Unbound with the same list as `local-zone` lines, one thread, no validation and no log of questions.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::dns::answers;
use crate::pairs::names::write_as;
use crate::pairs::process::{Process, free_address, version};
use crate::pairs::{Failure, Peer, Stage};

pub(crate) struct Unbound;

impl Peer for Unbound {
    fn name(&self) -> &'static str {
        "Unbound"
    }

    fn version(&self) -> Option<String> {
        version("unbound", "-V", "Version").map(|version| version.replace("Version", "Unbound"))
    }

    fn install(&self) -> &'static str {
        "apt-get install unbound"
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let (address, own) = (free_address()?, home.path().display());
        let zones = home.path().join("zones");
        write_as(stage.dir, &zones, |name| format!("local-zone: \"{name}\" always_nxdomain\n"))?;
        let settings = format!(
            "server:\n interface: {}\n port: {}\n do-daemonize: no\n use-syslog: no\n logfile: \"{own}/log\"\n \
             chroot: \"\"\n username: \"\"\n directory: \"{own}\"\n pidfile: \"\"\n num-threads: 1\n \
             module-config: \"iterator\"\n do-not-query-localhost: no\n access-control: 127.0.0.0/8 allow\n \
             do-ip6: no\n msg-cache-size: 64m\n rrset-cache-size: 128m\n so-rcvbuf: 4m\n \
             include: \"{own}/zones\"\nforward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{}\n\
             remote-control:\n control-enable: no\n",
            address.ip(),
            address.port(),
            stage.origin.port()
        );
        let file = home.path().join("unbound.conf");
        fs::write(&file, settings)?;
        Process::start(Command::new("unbound").arg("-d").arg("-c").arg(&file), address, home, answers)
    }
}
