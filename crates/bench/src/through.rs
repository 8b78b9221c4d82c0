//! The clients' way through a proxy: CONNECT, and what is said behind it.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pairs::load::Fault;

/// Longest head of a response here.
const HEAD_MAX: usize = 16 * 1024;

/// A connection to `host` through `proxy`.
pub(crate) async fn connect(proxy: SocketAddr, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let mut stream = TcpStream::connect(proxy).await?;
    stream.set_nodelay(true)?;
    stream.write_all(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").as_bytes()).await?;
    let (head, rest) = read_head(&mut stream).await?;
    match head.split(' ').nth(1) {
        Some("200") if rest.is_empty() => Ok(stream),
        _ => Err(format!("the answer to CONNECT is `{}`", head.lines().next().unwrap_or_default()).into()),
    }
}

/// Asks for `path` on a connection to `authority` and reads all of the answer.
pub(crate) async fn get(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    authority: &str,
    path: &str,
) -> Result<(), Fault> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let (head, rest) = read_head(stream).await?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!("the answer is `{}`", head.lines().next().unwrap_or_default()).into());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    let left = length.ok_or("the answer has no length")?.checked_sub(rest.len()).ok_or("the answer is too long")?;
    let read = tokio::io::copy(&mut stream.take(left as u64), &mut tokio::io::sink()).await?;
    if read == left as u64 { Ok(()) } else { Err("the answer is too short".into()) }
}

/// Up to the empty line, and what came behind it.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<(String, Vec<u8>), Fault> {
    let mut read = Vec::with_capacity(2_048);
    loop {
        if stream.read_buf(&mut read).await? == 0 || HEAD_MAX < read.len() {
            return Err("the connection ended before an answer".into());
        }
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8(read)?, rest));
        }
    }
}

/// The smallest TLS hello that names `name` (RFC 8446 §4.1.2).
pub(crate) fn hello(name: &str) -> Result<Vec<u8>, Fault> {
    let counted = |bytes: &[u8]| -> Result<Vec<u8>, Fault> {
        Ok([&u16::try_from(bytes.len())?.to_be_bytes()[..], bytes].concat())
    };
    let names = counted(&[&[0][..], &counted(name.as_bytes())?].concat())?;
    let extensions = counted(&[&[0, 0][..], &counted(&names)?].concat())?;
    let body = [&[3, 3][..], &[0; 32], &[0, 0, 2, 19, 1, 1, 0], &extensions].concat();
    let message = [&[1, 0][..], &counted(&body)?].concat();
    Ok([&[22, 3, 1][..], &counted(&message)?].concat())
}
