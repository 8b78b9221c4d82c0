//! What goes through unchanged: both directions of a tunnel, bodies of any size, parts, events, and IPv6.

use std::fs;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::*;
use crate::standing::hello;

/// A tunnel to the test's own site, with a hello that has gone through.
async fn tunnel(kit: &Kit) -> (TcpStream, TcpStream) {
    let (mut client, head) = kit.connect(TESS, "raw.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let hello = hello("raw.example");
    client.write_all(&hello).await.unwrap();
    let mut site = kit.site().await;
    soon(site.read_exact(&mut vec![0; hello.len()])).await.unwrap();
    (client, site)
}

#[tokio::test]
async fn either_end_of_a_tunnel_may_finish_first() {
    let kit = Kit::start().await;
    let (mut client, mut site) = tunnel(&kit).await;
    client.write_all(b"last words").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut site).await, "last words");
    site.write_all(b"an answer all the same").await.unwrap();
    drop(site);
    assert_eq!(read_all(&mut client).await, "an answer all the same");

    let (mut client, mut site) = tunnel(&kit).await;
    site.shutdown().await.unwrap();
    assert_eq!(read_all(&mut client).await, "");
    client.write_all(b"still talking").await.unwrap();
    drop(client);
    assert_eq!(read_all(&mut site).await, "still talking");
}

/// The same where the client's connection to the proxy is TLS of its own.
#[tokio::test]
async fn a_tunnel_inside_tls_ends_one_way_too() {
    let kit = Kit::start().await;
    let stream = kit.dial_to(TESS, kit.tls_address).await;
    let mut client = kit.handshake(stream, "proxy.school.test", Trust::School).await.unwrap();
    client.write_all(b"CONNECT raw.example:443 HTTP/1.1\r\nHost: raw.example:443\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
    let hello = hello("raw.example");
    client.write_all(&hello).await.unwrap();
    let mut site = kit.site().await;
    soon(site.read_exact(&mut vec![0; hello.len()])).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut site).await, "");
    site.write_all(b"an answer all the same").await.unwrap();
    drop(site);
    assert_eq!(read_all(&mut client).await, "an answer all the same");
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let kit = Kit::start().await;
    let mut client = kit.dial(TESS).await;
    for _ in 0..3 {
        client.write_all(b"GET http://news.example/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
        soon(client.read_exact(&mut [0; 7])).await.unwrap();
    }
    assert_eq!((kit.origin_connections(), kit.count("schoolgate_proxy_connections")), (1, 1));
}

#[tokio::test]
async fn a_part_of_a_file_is_a_part_of_a_file() {
    let kit = Kit::start().await;
    let mut client = kit.dial(TESS).await;
    let request = "GET http://raw.example/film HTTP/1.1\r\nHost: x\r\nRange: bytes=2-4\r\nIf-Range: \"v1\"\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut site = kit.site().await;
    let head = read_head(&mut site).await;
    assert!(head.contains("range: bytes=2-4\r\n") && head.contains("if-range: \"v1\"\r\n"), "{head}");
    let part = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde";
    site.write_all(part.as_bytes()).await.unwrap();
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 206") && head.contains("content-range: bytes 2-4/9\r\n"), "{head}");
}

/// Each event is sent only after the one before has arrived, so that nothing waits for more.
#[tokio::test]
async fn events_come_one_by_one() {
    let kit = Kit::start().await;
    let mut client = kit.dial(TESS).await;
    client.write_all(b"GET http://raw.example/events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut site = kit.site().await;
    read_head(&mut site).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    site.write_all(head.as_bytes()).await.unwrap();
    read_head(&mut client).await;
    for number in 0..9 {
        let event = format!("9\r\ndata: {number}\n\n\r\n");
        site.write_all(event.as_bytes()).await.unwrap();
        let mut came = vec![0; event.len()];
        soon(client.read_exact(&mut came)).await.unwrap();
        assert_eq!(String::from_utf8(came).unwrap(), event);
    }
}

const MEGABYTE: usize = 1024 * 1024;
const BODY: usize = 128 * MEGABYTE;

/// Bytes of memory that this process has at once had at most since it was last asked to forget.
fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// A body from `from` to `to`, in pieces that the test keeps none of, and what memory it took.
async fn pour(from: &mut TcpStream, to: &mut TcpStream) -> usize {
    let piece = vec![b'x'; MEGABYTE];
    let mut taken = vec![0; MEGABYTE];
    // Linux forgets the peak at this word (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_memory();
    let giving = async {
        for _ in 0..BODY / MEGABYTE {
            soon(from.write_all(&piece)).await.unwrap();
        }
    };
    let taking = async {
        // The reader begins when the writer is as far ahead as it gets: whatever is held is held by then.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        for _ in 0..BODY / MEGABYTE {
            soon(to.read_exact(&mut taken)).await.unwrap();
        }
    };
    tokio::join!(giving, taking);
    peak_memory() - before
}

#[tokio::test]
async fn bodies_of_any_size_pass_without_being_held() {
    let kit = Kit::start().await;
    let mut client = kit.dial(TESS).await;
    let head = format!("POST http://raw.example/up HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let mut site = kit.site().await;
    read_head(&mut site).await;
    let up = pour(&mut client, &mut site).await;
    site.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n").as_bytes()).await.unwrap();
    read_head(&mut client).await;
    let down = pour(&mut site, &mut client).await;
    assert!(up < 4 * MEGABYTE && down < 4 * MEGABYTE, "{up} bytes of memory for what went up, {down} for what came");
}

/// The proxy by IPv6, a site by IPv6, and both for a tunnel.
#[tokio::test]
async fn everything_is_reached_by_ipv6() {
    let kit = Kit::start().await;
    let address = kit.listen_on("[::1]:0").await;
    let mut client = kit.dial_to(TESS_SIX, address).await;
    client.write_all(b"GET http://six.example/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (mut site, _) = soon(kit.raw_six.accept()).await.unwrap();
    assert!(read_head(&mut site).await.starts_with("GET / HTTP/1.1\r\nhost: six.example\r\n"));
    site.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.decision().await.who.person.unwrap().as_str(), "tess000000000000");

    let site = kit.raw_six.local_addr().unwrap();
    check_six(&kit, address, &format!("GET http://{site}/a HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let mut client = kit.dial_to(TESS_SIX, address).await;
    client.write_all(b"CONNECT six.example:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
    client.write_all(&hello("six.example")).await.unwrap();
    soon(kit.raw_six.accept()).await.unwrap().0.read_u8().await.unwrap();

    let mut client = kit.dial_to(TESS_SIX, address).await;
    client
        .write_all(format!("GET /proxy.pac HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let pac = read_all(&mut client).await;
    assert!(pac.contains(&format!("return \"PROXY {address}\";")), "{pac}");
}

/// A site that is named by its address, which is the test's.
async fn check_six(kit: &Kit, address: SocketAddr, request: &str) {
    let mut client = kit.dial_to(TESS_SIX, address).await;
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut site, _) = soon(kit.raw_six.accept()).await.unwrap();
    let named = format!("GET /a HTTP/1.1\r\nhost: {}\r\n", kit.raw_six.local_addr().unwrap());
    assert!(read_head(&mut site).await.starts_with(&named));
}
