//! Squid as Debian has it, with the same list, its log on and its cache off.

use std::error::Error;
use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::process::Process;

/// Reading a long list takes Squid a while.
const START_DEADLINE: Duration = Duration::from_secs(120);

pub(super) fn version() -> Result<String, Box<dyn Error>> {
    let output = Command::new("squid").arg("-v").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("Squid").to_owned())
}

pub(super) fn start(dir: &Path, host: &str) -> Result<Process, Box<dyn Error>> {
    // A port that was free a moment ago: Squid cannot be asked for any.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let own = dir.join("squid");
    fs::create_dir_all(&own)?;
    // Squid writes as a user of its own where it is started by root.
    fs::set_permissions(dir, Permissions::from_mode(0o755))?;
    fs::set_permissions(&own, Permissions::from_mode(0o777))?;
    fs::write(own.join("hosts"), format!("127.0.0.1 {host}\n"))?;
    let (own, listed) = (own.display(), dir.join("listed.squid"));
    let settings = format!(
        "http_port {address}\nvisible_hostname bench\nworkers 1\ncache deny all\ncache_mem 0 MB\n\
         pid_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\ncoredump_dir {own}\n\
         access_log stdio:{own}/access.log squid\nbuffered_logs on\ncache_log {own}/cache.log\ncache_store_log none\n\
         hosts_file {own}/hosts\nacl listed dstdomain \"{}\"\nacl here src 127.0.0.1\n\
         http_access deny listed\nhttp_access allow here\nhttp_access deny all\n",
        listed.display()
    );
    let file = dir.join("squid.conf");
    fs::write(&file, settings)?;
    let child = Command::new("squid")
        .arg("-N")
        .arg("-f")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start squid: {error}"))?;
    let process = Process::of(child, address);
    let began = Instant::now();
    while TcpStream::connect(process.address()).is_err() {
        if began.elapsed() > START_DEADLINE {
            let log = fs::read_to_string(dir.join("squid/cache.log")).unwrap_or_default();
            return Err(format!("squid does not listen:\n{log}").into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(process)
}
