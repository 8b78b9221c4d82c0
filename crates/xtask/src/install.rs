//! What the tests need from outside, and how it comes onto this machine.

use std::process::Stdio;

use crate::shell::{self, Trouble};

/// A program the tests start.
struct Need {
    /// Names it goes by; one is enough.
    programs: &'static [&'static str],
    /// The Debian package that brings it.
    package: &'static str,
    why: &'static str,
}

const NEEDS: [Need; 20] = [
    Need { programs: &["cc"], package: "gcc", why: "cryptography and SQLite are compiled from C" },
    Need { programs: &["make", "gmake"], package: "make", why: "so is part of the cryptography" },
    Need { programs: &["npm"], package: "npm", why: "styles and scripts of the pages" },
    Need { programs: &["chromium", "chromium-browser"], package: "chromium", why: "the walk through the demo" },
    Need { programs: &["curl"], package: "curl", why: "a foreign client for the proxy" },
    Need { programs: &["dig"], package: "bind9-dnsutils", why: "a foreign client for the DNS door" },
    Need { programs: &["kdig"], package: "knot-dnsutils", why: "one that asks over TLS and HTTPS as well" },
    Need { programs: &["unbound"], package: "unbound", why: "a real name server behind the DNS door" },
    Need { programs: &["ip"], package: "iproute2", why: "network namespaces, for clients that know of no proxy" },
    Need { programs: &["nft"], package: "nftables", why: "the firewall that brings them to ours" },
    Need {
        programs: &["update-ca-certificates"],
        package: "ca-certificates",
        why: "the roots that sites are believed by",
    },
    Need { programs: &["openssl"], package: "openssl", why: "certificates, servers and clients of the old kind" },
    Need { programs: &["python3"], package: "python3", why: "its library reads profiles for Apple's devices" },
    Need { programs: &["shellcheck"], package: "shellcheck", why: "the scripts of the Debian package" },
    Need { programs: &["systemd-analyze"], package: "systemd", why: "its units" },
    Need { programs: &["zstd"], package: "zstd", why: "unpacking real lists" },
    Need { programs: &["radclient"], package: "freeradius-utils", why: "a foreign access point for RADIUS accounting" },
    Need { programs: &["krb5kdc"], package: "krb5-kdc", why: "a real Kerberos realm" },
    Need { programs: &["kadmin.local"], package: "krb5-admin-server", why: "its principals and keytabs" },
    Need { programs: &["kinit"], package: "krb5-user", why: "its users" },
];

/// Installs what is missing, when it may; otherwise says the one line that would.
pub(crate) fn install_missing() -> Result<(), Trouble> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !shell::is_there(need.programs)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {} — {}", need.package, need.why);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let line = format!("apt-get update && apt-get install -y --no-install-recommends {}", packages.join(" "));
    if !shell::is_there(&["apt-get"]) {
        return Err(Trouble::new(format!(
            "this machine has no apt-get; install {} and run this again",
            packages.join(", ")
        )));
    }
    let may_sudo = match is_root() {
        true => false,
        false if sudo_needs_no_password() => true,
        false => {
            return Err(Trouble::new(format!(
                "install what is missing and run this again:\n\n    sudo sh -c '{line}'\n"
            )));
        }
    };
    println!("installing with apt-get: {}", packages.join(" "));
    let apt = |args: &[&str]| {
        let (program, first) = if may_sudo { ("sudo", &["-n", "apt-get"][..]) } else { ("apt-get", &[][..]) };
        let mut command = shell::command(program, first);
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command)
    };
    apt(&["-qq", "update"])?;
    let mut words = vec!["-qq", "install", "-y", "--no-install-recommends"];
    words.extend(packages);
    apt(&words)
}

fn is_root() -> bool {
    shell::output(&mut shell::command("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

fn sudo_needs_no_password() -> bool {
    let mut command = shell::command("sudo", &["-n", "true"]);
    shell::is_there(&["sudo"]) && command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
