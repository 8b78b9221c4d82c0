//! A server with leaves of ours, sites that `openssl s_server` plays, and what is sent by hand.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use schoolgate_base::HostName;
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Resolver, Resolving, Tasks};
use schoolgate_tls::{Agreed, Authority, LeafFor, Leaves, Protocol, Roots, Signer, Upstream, UpstreamFailure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) const SITE: &str = "news.example";

struct Here(SocketAddr);

impl Resolver for Here {
    fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

pub(crate) fn openssl(folder: &Path, line: &str) {
    let done = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A root and a site's certificate of it, as files: `leaf.key`, `leaf.pem`, and the root in `ca.pem`.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    root: CertificateDer<'static>,
}

impl Site {
    pub(crate) fn new(key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        openssl(at, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=world -days 3000 -out ca.pem");
        openssl(at, &format!("{key} -out leaf.key"));
        openssl(at, &format!("req -new -key leaf.key -subj /CN={SITE} -out leaf.csr"));
        std::fs::write(at.join("form"), format!("subjectAltName=DNS:{SITE}\n")).unwrap();
        openssl(at, "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -extfile form -days 3000 -out leaf.pem");
        let root = CertificateDer::from_pem_slice(&std::fs::read(at.join("ca.pem")).unwrap()).unwrap();
        Self { folder, root }
    }

    /// What comes of a connection of ours to it, when `openssl` serves it with these words.
    pub(crate) async fn visited(&self, how: &str) -> Result<Agreed, UpstreamFailure> {
        let server = Server::start(self.folder.path(), how);
        self.visited_at(server.address).await
    }

    pub(crate) async fn visited_at(&self, address: SocketAddr) -> Result<Agreed, UpstreamFailure> {
        let rule = AddressRule { listed: vec![address], ..AddressRule::default() };
        let settings = DialerSettings { resolver: Arc::new(Here(address)), ..DialerSettings::new(rule) };
        let roots = Roots::of_platform(std::slice::from_ref(&self.root), &[], UnixTime::now());
        let upstream = Upstream::trusting(Dialer::new(settings), roots, Duration::from_secs(10)).unwrap();
        let stream = upstream.connect_tls(&SITE.parse().unwrap(), 443, Protocol::Http2).await?;
        Ok(Agreed::of(stream.get_ref().1))
    }
}

/// A running `openssl s_server`.
struct Server {
    address: SocketAddr,
    child: Child,
}

impl Server {
    fn start(folder: &Path, how: &str) -> Self {
        let words = "s_server -accept 127.0.0.1:0 -key leaf.key -cert leaf.pem -naccept 1";
        let mut child = Command::new("openssl")
            .args(words.split(' '))
            .args(how.split(' ').filter(|word| !word.is_empty()))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
        let address = line.unwrap_or_else(|| panic!("openssl s_server {how} does not listen")).parse().unwrap();
        Self { address, child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of ours that ends TLS for [`SITE`] and answers with one word inside.
pub(crate) struct Ours {
    pub(crate) address: SocketAddr,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) keys: tempfile::TempDir,
    pub(crate) config: Arc<rustls::ServerConfig>,
    _tasks: Tasks,
}

impl Ours {
    pub(crate) async fn start() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(keys.path(), "Riverside", Clock::system()).unwrap();
        let ca = authority.certificate();
        let leaves = Leaves::new(Arc::new(authority), Clock::system(), 16, 2).unwrap();
        let config = leaves.config(&SITE.parse().unwrap(), LeafFor::Verified, Protocol::Http2).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, acceptor) = (Tasks::new(), TlsAcceptor::from(Arc::clone(&config)));
        let connections = tasks.clone();
        tasks.spawn("server", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn("connection", async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut rest = [0; 64];
                    if stream.read(&mut rest).await.is_ok_and(|count| 0 < count) {
                        let _ = stream.write_all(b"content").await;
                    }
                    while stream.read(&mut rest).await.is_ok_and(|count| 0 < count) {}
                });
            }
        });
        Self { address, ca, keys, config, _tasks: tasks }
    }

    /// Whether `openssl s_client` gets in with these words, and all that it says.
    pub(crate) async fn met_by(&self, how: &str, input: &'static str) -> (bool, String) {
        let line = format!("5 openssl s_client -connect {} -servername {SITE} -CAfile ca.pem {how}", self.address);
        let folder = self.keys.path().to_owned();
        let run = move || {
            // One that waits for what never comes is stopped.
            let mut child = Command::new("timeout")
                .args(line.split(' ').filter(|word| !word.is_empty()))
                .current_dir(folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let done = tokio::task::spawn_blocking(run).await.unwrap();
        let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (said.contains("Verify return code: 0 (ok)") && !said.contains("Cipher is (NONE)"), said)
    }

    /// The first bytes that come back to `bytes`.
    pub(crate) async fn answer(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        for piece in bytes.chunks(700) {
            let _ = stream.write_all(piece).await;
        }
        let mut answer = vec![0; 4_096];
        let count = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await.unwrap().unwrap_or(0);
        answer.truncate(count);
        answer
    }
}

/// Listens, answers the first bytes of one connection with `answer`, and returns those bytes.
pub(crate) async fn overhear(answer: Vec<u8>) -> (SocketAddr, tokio::sync::oneshot::Receiver<Vec<u8>>, Tasks) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (said, hears) = tokio::sync::oneshot::channel();
    let tasks = Tasks::new();
    tasks.spawn("listener", async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 5];
        stream.read_exact(&mut head).await.unwrap();
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(&answer).await.unwrap();
        let _ = said.send(body);
        let mut rest = [0; 64];
        while stream.read(&mut rest).await.is_ok_and(|count| 0 < count) {}
    });
    (address, hears, tasks)
}
