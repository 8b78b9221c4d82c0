//! Requests that are wrong, huge, slow or ambiguous.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::*;

#[track_caller]
fn check(response: &str, status: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "wanted {status}: {response:?}");
}

#[tokio::test]
async fn garbage_is_refused_and_counted() {
    let kit = Kit::start().await;
    check(&kit.raw(TESS, b"\x00\x01\x02 garbage\r\n\r\n").await, "400");
    check(&kit.raw(TESS, b"GET http://news.example/ HTTP/9.9\r\n\r\n").await, "400");
    check(&kit.raw(TESS, b"GET http://news.example/ HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n").await, "400");
    assert_eq!(kit.count("schoolgate_proxy_heads_refused_total"), 3);
    let close = "Connection: close\r\n\r\n";
    for (request, status) in [
        ("GET http://127.1/ HTTP/1.1\r\nHost: x\r\n", "400"),
        ("GET http://user:word@news.example/ HTTP/1.1\r\nHost: x\r\n", "400"),
        ("GET https://news.example/ HTTP/1.1\r\nHost: x\r\n", "400"),
        ("GET http://news.example/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n", "400"),
        ("CONNECT news.example HTTP/1.1\r\nHost: x\r\n", "400"),
    ] {
        check(&kit.raw(TESS, format!("{request}{close}").as_bytes()).await, status);
    }
    assert_eq!(kit.origin_connections(), 0);
}

#[tokio::test]
async fn a_megabyte_of_headers_is_refused() {
    let kit = Kit::start().await;
    let mut request = b"GET http://news.example/ HTTP/1.1\r\nHost: news.example\r\n".to_vec();
    for number in 0..1_000 {
        request.extend(format!("X-{number}: {}\r\n", "a".repeat(1_000)).bytes());
    }
    let mut stream = kit.dial(TESS).await;
    let (mut reader, mut writer) = stream.split();
    // The proxy answers and closes while most of it is still on its way.
    let (_, response) = tokio::join!(writer.write_all(&request), read_all(&mut reader));
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 431"), "{response}");
    assert_eq!(kit.count("schoolgate_proxy_heads_refused_total"), 1);
    assert_eq!(kit.origin_connections(), 0);
    // One that fits the sockets' buffers sees its status.
    let long = format!("GET http://news.example/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(70_000));
    check(&kit.raw(TESS, long.as_bytes()).await, "431");
}

#[tokio::test]
async fn ambiguous_lengths_never_make_two_requests_of_one() {
    let kit = Kit::start().await;
    let head = "POST http://news.example/ HTTP/1.1\r\nHost: news.example\r\n";
    check(
        &kit.raw(TESS, format!("{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!").as_bytes()).await,
        "400",
    );
    check(&kit.raw(TESS, format!("{head}Content-Length: +5\r\n\r\nhello").as_bytes()).await, "400");
    check(&kit.raw(TESS, format!("{head}Transfer-Encoding: chunked, gzip\r\n\r\n").as_bytes()).await, "400");
    let old = "POST http://news.example/ HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let refused = kit.raw(TESS, old.as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.") && refused.contains(" 400 "), "{refused}");
    assert_eq!(kit.origin_connections(), 0);
}

/// RFC 9112 §6.3 lets a server go by `Transfer-Encoding` where both are there, if it closes the connection afterwards.
#[tokio::test]
async fn chunked_with_a_length_is_passed_on_by_chunks_alone() {
    let kit = Kit::start().await;
    let smuggled = "GET http://news.example/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for both in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"]
    {
        let request = format!("POST http://news.example/a HTTP/1.1\r\nHost: x\r\n{both}\r\n0\r\n\r\n{smuggled}");
        kit.raw(TESS, request.as_bytes()).await;
        let seen = std::mem::take(&mut *kit.origin.requests.lock().unwrap());
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(seen[0].contains("transfer-encoding: chunked") && !seen[0].contains("content-length"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_body_of_any_request_is_passed_on() {
    let kit = Kit::start().await;
    let request = "GET http://news.example/silent HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\n0\r\n\r\n";
    let mut stream = kit.dial(TESS).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    soon(kit.origin.arrived.notified()).await;
    let seen = kit.origin.requests.lock().unwrap().clone();
    assert!(seen[0].contains("transfer-encoding: chunked"), "{seen:?}");
}

#[tokio::test]
async fn a_response_is_framed_anew() {
    let kit = Kit::start().await;
    let both = kit.get(TESS, "http://news.example/both").await;
    assert!(both.contains("content") && both.contains("transfer-encoding: chunked"), "{both}");
    assert!(!both.contains("content-length"), "{both}");
    let old = kit.get(TESS, "http://news.example/old").await;
    assert!(old.starts_with("HTTP/1.1 200") && old.ends_with("content"), "{old}");
}

#[tokio::test]
async fn a_broken_chunk_ends_the_request() {
    let kit = Kit::start().await;
    let request =
        "POST http://news.example/silent HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(!response.starts_with("HTTP/1.1 200"), "{response}");
}

#[tokio::test]
async fn a_client_that_sends_a_byte_now_and_then_is_dropped() {
    let kit = Kit::start_with(|limits| limits.head_deadline = Duration::from_millis(60)).await;
    let mut stream = kit.dial(TESS).await;
    stream.write_all(b"GET http://news.").await.unwrap();
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    assert_eq!(kit.count("schoolgate_proxy_heads_refused_total"), 1);
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let kit = Kit::start_with(|limits| limits.body_idle = Duration::from_millis(60)).await;
    let mut stream = kit.dial(TESS).await;
    let head = "POST http://news.example/form HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegin";
    stream.write_all(head.as_bytes()).await.unwrap();
    let response = read_all(&mut stream).await;
    assert!(!response.starts_with("HTTP/1.1 200"), "{response}");
    assert_eq!(kit.decision().await.traffic.bytes_up, 5);
}

#[tokio::test]
async fn a_site_that_stops_reading_is_given_up() {
    let kit = Kit::start_with(|limits| limits.body_idle = Duration::from_millis(60)).await;
    let mut stream = kit.dial(TESS).await;
    let (mut reader, mut writer) = stream.split();
    let head = "POST http://news.example/deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 32000000\r\n\r\n";
    writer.write_all(head.as_bytes()).await.unwrap();
    let body = vec![b'x'; 32_000_000];
    // More than all buffers on the way hold, so that it is never taken whole.
    let (_, head) = tokio::join!(writer.write_all(&body), read_head(&mut reader));
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    // Recorded when nothing holds the exchange any more, the connection to the site last.
    assert_eq!(kit.decision().await.verdict, schoolgate_event::Verdict::Allow);
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let kit = Kit::start_with(|limits| limits.connections_per_address_max = 2).await;
    let mut first = kit.dial(TESS).await;
    first.write_all(b"GET http://news.example/stream HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_head(&mut first).await;
    let (_second, head) = kit.connect(TESS, "news.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"));
    let mut third = kit.dial(TESS).await;
    assert_eq!(read_all(&mut third).await, "");
    assert!(kit.get(PIA, "http://news.example/").await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.count("schoolgate_proxy_connections_turned_away_total"), 1);
}
