//! mitmproxy, which looks into TLS so that people can read along. It has no list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::pairs::process::{Process, free_address, takes_connections, version};
use crate::pairs::{Failure, Peer, Stage};
use crate::sites::certificates::SITES_CA;

const INSTALLED: &str = "/opt/mitmproxy/bin/mitmdump";

pub(crate) struct Mitmproxy;

fn program() -> PathBuf {
    let installed = Path::new(INSTALLED);
    if installed.exists() { installed.to_owned() } else { PathBuf::from("mitmdump") }
}

impl Peer for Mitmproxy {
    fn name(&self) -> &'static str {
        "mitmproxy"
    }

    fn version(&self) -> Option<String> {
        version(program(), "--version", "Mitmproxy")
    }

    fn install(&self) -> &'static str {
        "python3 -m venv /opt/mitmproxy && /opt/mitmproxy/bin/pip install mitmproxy"
    }

    fn takes_list(&self) -> bool {
        false
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let (address, own) = (free_address()?, home.path());
        let script = own.join("leads.py");
        fs::write(
            &script,
            format!("def server_connect(data):\n    data.server.address = (\"127.0.0.1\", {})\n", stage.origin.port()),
        )?;
        let settings = [
            format!("confdir={}", own.display()),
            format!("listen_host={}", address.ip()),
            format!("listen_port={}", address.port()),
            format!("ssl_verify_upstream_trusted_ca={}", stage.dir.join(SITES_CA).display()),
            "flow_detail=0".to_owned(),
        ];
        let mut command = Command::new(program());
        command.arg("-q").arg("-s").arg(&script);
        for setting in &settings {
            command.args(["--set", setting]);
        }
        let process = Process::start(&mut command, address, home, takes_connections)?;
        fs::copy(process.home().join("mitmproxy-ca-cert.pem"), process.home().join("ca.pem"))?;
        Ok(process)
    }
}
