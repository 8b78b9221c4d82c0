//! The proxy as a process: restarts that nobody notices, and what ten thousand tunnels hold, scaled to a thousand.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::kit::*;
use crate::standing::{hello, raise_file_limit};

/// The example of this crate, which is built with its tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/alone")
}

struct Alone {
    child: Child,
    address: SocketAddr,
}

impl Alone {
    async fn start(listen: &str, origin: SocketAddr, directory: &Path, grace: &str) -> Self {
        let mut command = Command::new(program());
        command.args([listen, &origin.to_string()]).arg(directory).arg(grace);
        Self::of(command).await
    }

    async fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut line = String::new();
        soon(BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)).await.unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    /// A tunnel that has carried a hello.
    async fn tunnel(&self, site: &TcpListener) -> (TcpStream, TcpStream) {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        let request = b"CONNECT hold.example:443 HTTP/1.1\r\nHost: hold.example:443\r\n\r\n";
        client.write_all(request).await.unwrap();
        assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
        let hello = hello("hold.example");
        client.write_all(&hello).await.unwrap();
        let (mut site, _) = soon(site.accept()).await.unwrap();
        soon(site.read_exact(&mut vec![0; hello.len()])).await.unwrap();
        (client, site)
    }
}

/// An origin that answers everything.
async fn serve(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "an origin of this test, which ends with it")]
        tokio::spawn(async move {
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontent").await;
                }
            }
        });
    }
}

/// Many requests by curl, one after the other and side by side, and how many failed.
async fn load(address: SocketAddr, count: usize) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--parallel", "--parallel-max", "4", "--noproxy", ""])
        .args(["--write-out", "%{http_code} %{errormsg}\n", "--proxy", &format!("http://{address}")])
        .args(["--header", "Connection: close", &format!("http://news.example/[1-{count}]")])
        .env_clear()
        .output()
        .await
        .expect("curl is needed for this test");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_refuses_nobody_and_keeps_tunnels() {
    const REQUESTS: usize = 1_000;
    let directory = tempfile::tempdir().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = held.local_addr().unwrap();
    let first = Alone::start("127.0.0.1:0", origin, directory.path(), "60").await;
    let address = first.address;
    let (mut client, mut site) = first.tunnel(&held).await;
    #[expect(clippy::disallowed_methods, reason = "an origin of this test, which ends with it")]
    tokio::spawn(serve(held));
    let restarting = async {
        let mut running = first;
        let mut before = Vec::new();
        for _ in 0..3 {
            let next = Alone::start(&address.to_string(), origin, directory.path(), "60").await;
            assert_eq!(next.address, address);
            before.push(std::mem::replace(&mut running, next));
        }
        (running, before)
    };
    let (said, (last, mut before)) = tokio::join!(load(address, REQUESTS), restarting);
    assert_eq!(said.lines().filter(|line| line.trim() == "200").count(), REQUESTS, "{said}");
    // The tunnel is the first process's, which has handed everything else on.
    client.write_all(b"still here").await.unwrap();
    soon(site.read_exact(&mut [0; 10])).await.unwrap();
    assert_eq!(before[0].child.try_wait().unwrap(), None);
    drop((client, site));
    for process in &mut before {
        assert!(soon(process.child.wait()).await.unwrap().success());
    }
    assert!(load(last.address, 1).await.starts_with("200"));
}

#[tokio::test]
async fn tunnels_end_when_their_grace_does() {
    let directory = tempfile::tempdir().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut alone = Alone::start("127.0.0.1:0", held.local_addr().unwrap(), directory.path(), "1").await;
    let (mut client, _site) = alone.tunnel(&held).await;
    alone.signal(Signal::TERM);
    assert_eq!(read_all(&mut client).await, "");
    assert!(soon(alone.child.wait()).await.unwrap().success());
}

/// As a supervisor passes it: the socket is number 3, and connections wait in it before anybody is there to take them.
#[tokio::test]
async fn a_supervisor_may_own_the_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let origin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut early = TcpStream::connect(address).await.unwrap();
    early.write_all(b"GET http://news.example/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$@\" 3<&0 </dev/null", "sh"]).arg(program());
    command.args([address.to_string(), origin.local_addr().unwrap().to_string()]).arg(directory.path()).arg("1");
    command.env("LISTEN_FDS", "1").stdin(Stdio::from(OwnedFd::from(socket)));
    let _alone = Alone::of(command).await;
    let (mut site, _) = soon(origin.accept()).await.unwrap();
    assert!(read_head(&mut site).await.starts_with("GET / HTTP/1.1\r\nhost: news.example\r\n"));
}

/// The lines of the product are for ten thousand and are measured by the example `tunnels`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "about real time: within a second of the click")]
async fn a_thousand_tunnels_hold_little_and_end_at_once() {
    const TUNNELS: usize = 1_000;
    /// 150 MB for ten thousand, and what an unoptimised build takes more.
    const BYTES_MAX: usize = 15_000 * 2;
    raise_file_limit();
    let directory = tempfile::tempdir().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alone = Alone::start("127.0.0.1:0", held.local_addr().unwrap(), directory.path(), "1").await;
    let mut tunnels = vec![alone.tunnel(&held).await];
    let before = alone.memory();
    for _ in 1..TUNNELS {
        tunnels.push(alone.tunnel(&held).await);
    }
    let each = (alone.memory() - before) / TUNNELS;
    assert!(each < BYTES_MAX, "{each} bytes for each tunnel");
    let began = Instant::now();
    alone.signal(Signal::USR1);
    for (client, _) in &mut tunnels {
        read_all(client).await;
    }
    let took = began.elapsed();
    let promised = if cfg!(debug_assertions) { Duration::from_secs(5) } else { Duration::from_secs(1) };
    assert!(took < promised, "{took:?}");
}
