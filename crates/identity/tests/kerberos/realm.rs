//! A Kerberos realm of MIT's programs, in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

pub(crate) const REALM: &str = "SCHOOL.EXAMPLE";
const PASSWORD: &str = "a password of the test";
/// To start a KDC.
const TRIES: usize = 10;

/// Ends with its KDC when dropped.
pub(crate) struct Realm {
    folder: tempfile::TempDir,
    kdc: Child,
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = self.kdc.kill();
        let _ = self.kdc.wait();
    }
}

impl Realm {
    /// All of whose keys are of one kind, with a user `tess` and the service `HTTP/localhost`.
    pub(crate) fn new(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        configure(&folder, kind);
        run(&folder, "kdb5_util", &["create", "-s", "-r", REALM, "-P", PASSWORD], "");
        let keytab = path("keytab");
        for query in [
            format!("addprinc -pw \"{PASSWORD}\" tess"),
            "addprinc -randkey HTTP/localhost".to_owned(),
            format!("ktadd -k {keytab} HTTP/localhost"),
            format!("ktadd -k {keytab}.other -norandkey tess"),
        ] {
            run(&folder, "kadmin.local", &["-r", REALM, "-q", &query], "");
        }
        // Between finding a free port and listening on it somebody else may take it.
        let kdc = (0..TRIES).find_map(|_| {
            configure(&folder, kind);
            started(&folder)
        });
        let kdc = kdc.unwrap();
        run(&folder, "kinit", &["tess"], PASSWORD);
        Self { folder, kdc }
    }

    pub(crate) fn keytab(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("keytab")).unwrap()
    }

    /// With a key of somebody else.
    #[allow(dead_code, reason = "not every test program that shares this module needs one")]
    pub(crate) fn other_keytab(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("keytab.other")).unwrap()
    }

    /// The `Proxy-Authorization` with which curl answers a challenge.
    pub(crate) fn proxy_authorization(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let mut curl = self
            .command("curl")
            .args([
                "-sS",
                "--max-time",
                "20",
                "--proxy-negotiate",
                "--proxy-user",
                ":",
                "-x",
                &proxy,
                "http://news.example/",
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let header = loop {
            let mut found = None;
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.strip_prefix("Proxy-Authorization: ") {
                    found = Some(value.trim().to_owned());
                }
                line.clear();
            }
            if let Some(found) = found {
                break found;
            }
            let challenge = "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n";
            reader.get_mut().write_all(challenge.as_bytes()).unwrap();
        };
        reader.get_mut().write_all(b"HTTP/1.1 204 Yes\r\n\r\n").unwrap();
        curl.wait().unwrap();
        header
    }

    /// A program that finds the user's ticket.
    pub(crate) fn command(&self, program: &str) -> Command {
        command(&self.folder, program)
    }
}

/// Files for the client's and the KDC's side, with a port that is free.
fn configure(folder: &tempfile::TempDir, kind: &str) {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let client = format!(
        "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n \
         rdns = false\n permitted_enctypes = {kind}\n default_ccache_name = FILE:{}\n\
         [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
         [domain_realm]\n localhost = {REALM}\n[logging]\n kdc = STDERR\n",
        path("ccache")
    );
    let server = format!(
        "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
         [realms]\n {REALM} = {{\n  database_name = {}\n  key_stash_file = {}\n  acl_file = {}\n  \
         master_key_type = {kind}\n  supported_enctypes = {kind}:normal\n  max_life = 1h\n }}\n",
        path("principal"),
        path("stash"),
        path("acl")
    );
    fs::write(folder.path().join("krb5.conf"), client).unwrap();
    fs::write(folder.path().join("kdc.conf"), server).unwrap();
}

fn command(folder: &tempfile::TempDir, program: &str) -> Command {
    let folder = folder.path();
    let mut command = Command::new(program);
    let path = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    command
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("KRB5_CONFIG", folder.join("krb5.conf"))
        .env("KRB5_KDC_PROFILE", folder.join("kdc.conf"))
        .env("KRB5CCNAME", folder.join("ccache"))
        .env("HOME", folder);
    command
}

fn run(folder: &tempfile::TempDir, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = command(folder, program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads nothing may be gone by now.
    let _ = writeln!(child.stdin.take().unwrap(), "{input}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The KDC, once it says that it listens; `None` where it could not.
fn started(folder: &tempfile::TempDir) -> Option<Child> {
    let mut kdc = command(folder, "krb5kdc").arg("-n").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(kdc.stderr.take().unwrap()).lines();
    if !lines.any(|line| line.unwrap().contains("commencing operation")) {
        kdc.wait().unwrap();
        return None;
    }
    // Whatever else it says is read, so that it never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    Some(kdc)
}
