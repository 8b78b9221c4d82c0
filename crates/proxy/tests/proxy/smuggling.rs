//! Request smuggling: whatever bytes a client sends, a site sees the requests that were decided on and no others.
//!
//! The site here is a socket that keeps every byte. What it got is read by rules of its own, which
//! know one framing at a time and nothing of leniency.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use schoolgate_runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::*;

/// What becomes of the bytes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing of it reaches the site.
    Nothing,
    /// One request with this body.
    One(&'static str),
    /// One request, whose body does not end.
    Broken,
}
use Seen::{Broken, Nothing, One};

const POST: &str = "POST http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\n";
const SMUGGLED: &str = "GET http://raw.example/smuggled HTTP/1.1\r\nHost: raw.example\r\n\r\n";

/// Fields after the request line and `Host`, and what follows the empty line.
const FRAMINGS: [(&str, &str, Seen); 44] = [
    // Both, in either order and case: by chunks alone (RFC 9112 §6.1), and nothing after them is read.
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n", One("")),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n", One("")),
    ("transfer-encoding: CHUNKED\r\nCONTENT-LENGTH: 4", "0\r\n\r\n", One("")),
    ("Content-Length: 0\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", One("hello")),
    // Lengths that are no one length.
    ("Content-Length: 5\r\nContent-Length: 6", "hello!", Nothing),
    ("Content-Length: 5\r\nContent-Length: 0", "hello", Nothing),
    ("Content-Length: 5, 6", "hello!", Nothing),
    ("Content-Length: +5", "hello", Nothing),
    ("Content-Length: -5", "hello", Nothing),
    ("Content-Length: 0x5", "hello", Nothing),
    ("Content-Length: 5 5", "hello", Nothing),
    ("Content-Length: 5.0", "hello", Nothing),
    ("Content-Length: five", "hello", Nothing),
    ("Content-Length: ", "hello", Nothing),
    ("Content-Length: 18446744073709551616", "hello", Nothing),
    ("Content-Length: \u{b2}", "hello", Nothing),
    // Codings that are not chunks, or not at the end.
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: chunked, gzip", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: identity", "hello", Nothing),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: chunkedx", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: chunked;q=1", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding: ", "0\r\n\r\n", Nothing),
    ("Transfer_Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n", One("0\r\n\r\n")),
    // Fields whose names some read and some do not.
    ("Transfer-Encoding : chunked", "0\r\n\r\n", Nothing),
    ("Content-Length : 5", "hello", Nothing),
    (" Transfer-Encoding: chunked", "0\r\n\r\n", Nothing),
    ("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n", Nothing),
    ("X: y\r\n\tContent-Length: 5", "hello", Nothing),
    ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n", Nothing),
    ("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n", Nothing),
    ("X: y\0Transfer-Encoding: chunked", "0\r\n\r\n", Nothing),
    ("Transfer-Encoding\u{0}: chunked", "0\r\n\r\n", Nothing),
    (": chunked", "", Nothing),
    ("Transfer-Encoding", "0\r\n\r\n", Nothing),
    // Chunks.
    ("Transfer-Encoding: chunked", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n", One("hello")),
    ("Transfer-Encoding: chunked", "0005\r\nhello\r\n000\r\n\r\n", One("hello")),
    ("Transfer-Encoding: chunked", "ffffffffffffffff0\r\nhello\r\n0\r\n\r\n", Broken),
    ("Transfer-Encoding: chunked", "5\r\nhelloX\r\n0\r\n\r\n", Broken),
    ("Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n", Broken),
    ("Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n", Broken),
];

/// Whole requests that are wrong in their first line or in whom they name.
const LINES: [(&str, Seen); 18] = [
    ("POST http://raw.example/a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Nothing),
    ("GET http://raw.example/a\r\n\r\n", Nothing),
    ("GET http://raw.example/a HTTP/0.9\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example/a HTTP/1.2\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example/a HTTP/2.0\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example/a http/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example/a b HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example/a\u{b}HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET\u{1} http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET  http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Nothing),
    ("GET http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example\\@news.example/ HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    ("GET http://raw.example:80:80/ HTTP/1.1\r\nHost: raw.example\r\n\r\n", Nothing),
    // RFC 9112 §3.2.2: the address in the line is the one that counts, and the only one that goes on.
    ("GET http://raw.example/a HTTP/1.1\r\nHost: news.example\r\n\r\n", One("")),
    ("\r\nGET http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\n\r\n", One("")),
    ("GET http://raw.example/a HTTP/1.1\r\nHost: raw.example\r\nConnection: Host, close\r\n\r\n", One("")),
    ("GET http://raw.example/a HTTP/1.1\nHost: raw.example\n\n", One("")),
];

/// A request as a strict reader finds it.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    target: String,
    body: Vec<u8>,
    is_whole: bool,
}

/// Reads requests by the letter. `None` for bytes that are none.
fn strictly(mut bytes: &[u8]) -> Option<Vec<Request>> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let [_, target, "HTTP/1.1"] = lines.next()?.split(' ').collect::<Vec<_>>()[..] else { return None };
        let fields: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ")).collect::<Option<_>>()?;
        if fields.iter().any(|(name, value)| name.contains([' ', '\t']) || value.contains(['\r', '\n', '\0'])) {
            return None;
        }
        let of = |name: &str| fields.iter().filter(|field| field.0 == name).map(|field| field.1).collect::<Vec<_>>();
        let (body, is_whole, rest) = match (&of("transfer-encoding")[..], &of("content-length")[..]) {
            ([], []) => (Vec::new(), true, bytes),
            (["chunked"], []) => chunks(bytes)?,
            ([], [length]) => {
                let length: usize = length.parse().ok()?;
                let taken = &bytes[..length.min(bytes.len())];
                (taken.to_vec(), taken.len() == length, &bytes[taken.len()..])
            }
            _ => return None,
        };
        bytes = rest;
        requests.push(Request { target: target.to_owned(), body, is_whole });
    }
    Some(requests)
}

/// The body, whether it ends, and what follows.
fn chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, bool, &[u8])> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Some((body, false, b"")) };
        let digits = std::str::from_utf8(&bytes[..end]).ok()?;
        let length = usize::from_str_radix(digits, 16).ok()?;
        bytes = &bytes[end + 2..];
        if length == 0 {
            return bytes.strip_prefix(b"\r\n").map(|rest| (body, true, rest));
        }
        let Some((chunk, rest)) = bytes.split_at_checked(length) else { return Some((body, false, b"")) };
        body.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n")?;
    }
}

/// How long anybody is waited for who sends nothing more, which is what ends most cases.
const PATIENCE: Duration = Duration::from_millis(500);
/// Proxies side by side, each with a site of its own.
const KITS: usize = 12;

async fn impatient() -> Kit {
    Kit::start_with(|limits| {
        limits.head_deadline = PATIENCE;
        limits.body_idle = PATIENCE;
        limits.response_deadline = PATIENCE;
    })
    .await
}

/// Everything that the site gets when a client sends `bytes` and then nothing more. The client stays, so that whatever
/// could be read as a second request is.
async fn sent_on(kit: &Kit, bytes: &[u8]) -> Vec<u8> {
    let mut client = kit.dial(TESS).await;
    let (mut came, mut got) = (Vec::new(), Vec::new());
    // The proxy closes when it refuses, and in its time when nothing more comes.
    let sending = async {
        let _ = client.write_all(bytes).await;
        let _ = soon(client.read_to_end(&mut came)).await;
    };
    let mut sending = std::pin::pin!(sending);
    let mut is_over = false;
    loop {
        let accepting = tokio::time::timeout(if is_over { Duration::ZERO } else { Duration::MAX }, kit.raw.accept());
        let accepted = tokio::select! {
            biased;
            accepted = accepting => accepted,
            () = &mut sending, if !is_over => {
                is_over = true;
                continue;
            }
        };
        let Ok(accepted) = accepted else { return got };
        let (mut site, _) = accepted.unwrap();
        let hearing = hear(&mut site, &mut got);
        if is_over {
            hearing.await;
        } else {
            tokio::select! {
                () = hearing => {}
                () = &mut sending => is_over = true,
            }
            let _ = soon(site.read_to_end(&mut got)).await;
        }
    }
}

/// The site answers what is whole by the letter, and hears the proxy out.
async fn hear(site: &mut TcpStream, got: &mut Vec<u8>) {
    let mut answered = 0;
    while site.read_buf(got).await.is_ok_and(|count| count > 0) {
        let whole = strictly(got).unwrap_or_default().iter().filter(|request| request.is_whole).count();
        for _ in answered..whole {
            let _ = site.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        }
        answered = whole.max(answered);
    }
}

fn check(bytes: &[u8], got: &[u8], expected: Seen) {
    let shown = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(got));
    let requests = strictly(got).unwrap_or_else(|| panic!("no requests: {shown:?}"));
    assert!(requests.iter().all(|request| request.target == "/a"), "{shown:?}");
    match (expected, &requests[..]) {
        (Nothing, []) => {}
        (One(body), [one]) => assert!(one.is_whole && one.body == body.as_bytes(), "{shown:?}"),
        // Nothing at all, or a body of which it is plain that it does not end.
        (Broken, []) => {}
        (Broken, [one]) => assert!(!one.is_whole, "{shown:?}"),
        _ => panic!("{expected:?}: {shown:?}"),
    }
}

/// Characters are bytes.
fn as_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// What each of `cases` makes the site hear, and how many requests the proxy read in it.
async fn heard(cases: Vec<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>, u64)> {
    let tasks = Tasks::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let waiting = Arc::new(Mutex::new(cases));
    for _ in 0..KITS {
        let (waiting, heard) = (Arc::clone(&waiting), Arc::clone(&heard));
        tasks.spawn("cases", async move {
            let kit = impatient().await;
            loop {
                let Some(case) = waiting.lock().unwrap().pop() else { break };
                let before = kit.count("schoolgate_proxy_requests_total");
                let got = sent_on(&kit, &case).await;
                let read = kit.count("schoolgate_proxy_requests_total") - before;
                heard.lock().unwrap().push((case, got, read));
            }
        });
    }
    tasks.all_ended().await;
    assert!(waiting.lock().unwrap().is_empty());
    std::mem::take(&mut *heard.lock().unwrap())
}

/// Runs all cases side by side.
async fn check_all(cases: Vec<(String, Seen)>) {
    let cases: Vec<(Vec<u8>, Seen)> = cases.into_iter().map(|(text, seen)| (as_bytes(&text), seen)).collect();
    let heard = heard(cases.iter().map(|(bytes, _)| bytes.clone()).collect()).await;
    assert_eq!(heard.len(), cases.len());
    for (bytes, got, _) in heard {
        let expected = cases.iter().find(|case| case.0 == bytes).unwrap().1;
        check(&bytes, &got, expected);
    }
}

#[tokio::test]
async fn ambiguous_framings_are_one_request_or_none() {
    let cases = FRAMINGS.map(|(fields, body, expected)| (format!("{POST}{fields}\r\n\r\n{body}"), expected));
    check_all(cases.to_vec()).await;
}

/// What is smuggled is a request as soon as somebody takes the framing for another.
#[tokio::test]
async fn what_follows_an_ambiguous_framing_is_never_read() {
    // By its length alone, and so what follows is a request of its own.
    let is_clear = |fields: &str| fields.starts_with("Transfer_") || fields == "Transfer-Encoding: chunked";
    let unclear = FRAMINGS.into_iter().filter(|(fields, _, seen)| !(is_clear(fields) && matches!(seen, One(_))));
    let cases = unclear.map(|(fields, body, expected)| (format!("{POST}{fields}\r\n\r\n{body}{SMUGGLED}"), expected));
    check_all(cases.collect()).await;
}

#[tokio::test]
async fn ambiguous_request_lines_are_one_request_or_none() {
    check_all(LINES.map(|(bytes, expected)| (bytes.to_owned(), expected)).to_vec()).await;
}

/// Pieces that mean something to some reader.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"GET http://raw.example/a HTTP/1.1\r\n",
        b"POST http://raw.example/a HTTP/1.1\r\n",
        b"POST http://raw.example/a HTTP/1.0\r\n",
        b"Host: raw.example\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: 99\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"Trailer: x\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b":",
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"5;x\r\nhello\r\n",
        b"fffffffffffffff\r\n",
        b"hello",
        b"0\r\nX: y\r\n\r\n",
        b"GET http://raw.example/smuggled HTTP/1.1\r\nHost: raw.example\r\n\r\n",
    ];
    prop_oneof![
        9 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 1..6),
    ]
}

/// The client's own reader: bytes are as many requests as there are request lines that begin where a line can.
fn most(bytes: &[u8]) -> usize {
    let starts: [&[u8]; 2] = [b"GET http://raw.example/", b"POST http://raw.example/"];
    let is_start = |at: usize| starts.iter().any(|start| bytes[at..].starts_with(start));
    (0..bytes.len()).filter(|at| is_start(*at)).count()
}

/// Whatever is sent, what arrives are whole requests by the letter, at most the last of them broken, and each of them
/// was read and decided on.
#[tokio::test]
async fn whatever_is_sent_a_site_gets_requests_that_were_decided_on() {
    let mut runner = TestRunner::new(Config::default());
    let bytes = proptest::collection::vec(piece(), 1..14);
    let cases = (0..256).map(|_| bytes.new_tree(&mut runner).unwrap().current().concat()).collect();
    for (bytes, got, read) in heard(cases).await {
        let shown = (String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&got));
        let requests = strictly(&got).unwrap_or_else(|| panic!("no requests: {shown:?}"));
        let read = usize::try_from(read).unwrap();
        assert!(requests.len() <= read && requests.len() <= most(&bytes), "{shown:?}");
        assert!(requests.iter().rev().skip(1).all(|request| request.is_whole), "{shown:?}");
    }
}
