//! Squid as Debian has it, with the same list, its log on, its cache off and one worker; and the one that looks into TLS.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::pairs::names::{PUBLISHED, write_as};
use crate::pairs::process::{Process, free_address, takes_connections, version};
use crate::pairs::{Failure, Peer, Stage};
use crate::sites::certificates::{SITES_CA, write_ca};

/// Squid's package with OpenSSL cannot be installed beside the one without, so it is unpacked here.
const UNPACKED: &str = "/opt/squid-openssl";
/// Certificates that the one with OpenSSL keeps, on disk and in memory.
const KEPT: &str = "64MB";

pub(crate) struct Squid {
    is_bumping: bool,
}

impl Squid {
    pub(crate) const PLAIN: Self = Self { is_bumping: false };
    /// Ends TLS and looks inside (`ssl_bump`).
    pub(crate) const BUMPING: Self = Self { is_bumping: true };

    fn program(&self) -> PathBuf {
        if self.is_bumping { Path::new(UNPACKED).join("usr/sbin/squid") } else { PathBuf::from("squid") }
    }
}

impl Peer for Squid {
    fn name(&self) -> &'static str {
        if self.is_bumping { "Squid ssl-bump" } else { "Squid" }
    }

    fn version(&self) -> Option<String> {
        version(self.program(), "-v", "Version")
    }

    fn install(&self) -> &'static str {
        if self.is_bumping {
            "apt-get install squid-common && apt-get download squid-openssl && dpkg -x squid-openssl_*.deb /opt/squid-openssl"
        } else {
            "apt-get install squid"
        }
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let (address, own) = (free_address()?, home.path());
        // Squid writes as a user of its own where it is started by root.
        fs::set_permissions(stage.dir, Permissions::from_mode(0o755))?;
        fs::set_permissions(own, Permissions::from_mode(0o777))?;
        let hosts: String = stage.hosts.iter().map(|host| format!("127.0.0.1 {host}\n")).collect();
        fs::write(own.join("hosts"), hosts)?;
        write_as(stage.dir, &own.join("listed"), |name| format!(".{name}\n"))?;
        let mut settings = settings(stage, own);
        if self.is_bumping {
            prepare_to_bump(own)?;
            settings.push_str(&bumping(stage, own, address));
        } else {
            settings.push_str(&format!("http_port {address}\n"));
        }
        let file = own.join("squid.conf");
        fs::write(&file, settings)?;
        Process::start(Command::new(self.program()).arg("-N").arg("-f").arg(&file), address, home, takes_connections)
    }
}

fn settings(stage: &Stage<'_>, own: &Path) -> String {
    let (own, dir, port) = (own.display(), stage.dir.display(), stage.origin.port());
    format!(
        "visible_hostname bench\nworkers 1\ncache deny all\ncache_mem 0 MB\nmax_filedescriptors 65535\n\
         pid_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\ncoredump_dir {own}\n\
         access_log stdio:{own}/access.log squid\nbuffered_logs on\ncache_log {own}/log\ncache_store_log none\n\
         hosts_file {own}/hosts\nacl listed dstdomain \"{own}/listed\"\nacl published dstdomain \"{dir}/{PUBLISHED}\"\n\
         acl here src 127.0.0.1\nacl tunnels port {port}\nacl CONNECT method CONNECT\n\
         http_access deny listed\nhttp_access deny published\nhttp_access deny CONNECT !tunnels\n\
         http_access allow here\nhttp_access deny all\n"
    )
}

fn bumping(stage: &Stage<'_>, own: &Path, address: SocketAddr) -> String {
    let (own, dir) = (own.display(), stage.dir.display());
    format!(
        "http_port {address} ssl-bump tls-cert={own}/ca.pem tls-key={own}/ca.key generate-host-certificates=on \
         dynamic_cert_mem_cache_size={KEPT}\n\
         sslcrtd_program {UNPACKED}/usr/lib/squid/security_file_certgen -s {own}/certificates -M {KEPT}\n\
         sslcrtd_children 2 startup=2 idle=1\ntls_outgoing_options cafile={dir}/{SITES_CA}\n\
         acl greeted at_step SslBump1\nssl_bump peek greeted\nssl_bump bump all\n"
    )
}

/// Squid signs with the key of its CA's kind, and gives leaves that same key.
fn prepare_to_bump(own: &Path) -> Result<(), Failure> {
    write_ca("Bench Squid", &own.join("ca.pem"), &own.join("ca.key"))?;
    let maker = Path::new(UNPACKED).join("usr/lib/squid/security_file_certgen");
    let store = own.join("certificates");
    let made = Command::new(maker).arg("-c").arg("-s").arg(&store).args(["-M", KEPT]).output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into());
    }
    Command::new("chmod").args(["-R", "a+rwX"]).arg(own).status()?;
    Ok(())
}
