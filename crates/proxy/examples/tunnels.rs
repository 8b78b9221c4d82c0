//! What tunnels cost: opens many through the example `alone`, one process that it starts, and says what memory each
//! holds and how long a publish takes to end them all.
//!
//! `tunnels <count>`, ten thousand without a word. Build with `--release` for figures that are to be kept.

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

type Failure = Box<dyn Error>;

const FILES: u64 = 65_536;

fn main() -> Result<(), Failure> {
    let count: usize = env::args().nth(1).unwrap_or_else(|| "10000".into()).parse()?;
    // As many as the system lets this user have: two for each tunnel here, and two in the proxy.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: Some(FILES) })
        .or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(count))
}

async fn run(count: usize) -> Result<(), Failure> {
    let directory = env::temp_dir().join(format!("schoolgate-tunnels-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let site = TcpListener::bind("127.0.0.1:0").await?;
    let (alone, address) = start(&directory, site.local_addr()?).await?;
    let pid = alone.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or("the proxy is gone")?;
    let mut tunnels = vec![tunnel(address, &site).await?];
    let before = memory(pid)?;
    while tunnels.len() < count {
        tunnels.push(tunnel(address, &site).await?);
    }
    let grown = memory(pid)? - before;
    let each = grown / count;
    #[expect(clippy::disallowed_methods, reason = "a measurement")]
    let began = Instant::now();
    kill_process(pid, Signal::USR1)?;
    for (client, _) in &mut tunnels {
        // A reset is an end as well.
        let _ = client.read_to_end(&mut Vec::new()).await;
    }
    let took = began.elapsed().as_millis();
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{count} tunnels: {} MB more, {each} bytes each; ended {took} ms after a publish",
        grown / 1_000_000
    )?;
    drop(alone);
    fs::remove_dir_all(&directory)?;
    Ok(())
}

async fn start(directory: &Path, site: SocketAddr) -> Result<(Child, SocketAddr), Failure> {
    let program = env::current_exe()?.with_file_name("alone");
    let mut command = Command::new(program);
    command.args(["127.0.0.1:0", &site.to_string()]).arg(directory).arg("1");
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line).await?;
    Ok((child, line.trim().parse()?))
}

async fn tunnel(proxy: SocketAddr, site: &TcpListener) -> Result<(TcpStream, TcpStream), Failure> {
    let mut client = TcpStream::connect(proxy).await?;
    client.write_all(b"CONNECT hold.example:443 HTTP/1.1\r\nHost: hold.example:443\r\n\r\n").await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let hello = hello("hold.example")?;
    client.write_all(&hello).await?;
    let (mut site, _) = site.accept().await?;
    site.read_exact(&mut vec![0; hello.len()]).await?;
    Ok((client, site))
}

/// The smallest hello that names `name` (RFC 8446 §4.1.2).
fn hello(name: &str) -> Result<Vec<u8>, Failure> {
    let counted = |bytes: &[u8]| -> Result<Vec<u8>, Failure> {
        Ok([&u16::try_from(bytes.len())?.to_be_bytes()[..], bytes].concat())
    };
    let names = counted(&[&[0][..], &counted(name.as_bytes())?].concat())?;
    let extensions = counted(&[&[0, 0][..], &counted(&names)?].concat())?;
    let body = [&[3, 3][..], &[0; 32], &[0, 0, 2, 19, 1, 1, 0], &extensions].concat();
    let message = [&[1, 0][..], &counted(&body)?].concat();
    Ok([&[22, 3, 1][..], &counted(&message)?].concat())
}

/// Resident bytes of a process.
fn memory(pid: Pid) -> Result<usize, Failure> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse::<usize>()? * 1_024)
}
