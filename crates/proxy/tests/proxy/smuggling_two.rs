//! Requests of HTTP/2 that are none, or that would be another one in HTTP/1.1: frames written out by hand, since no
//! client sends them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::kit::*;

type Fields<'a> = &'a [(&'a str, &'a str)];

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const GOAWAY: u8 = 7;
/// `:status 200` of the static table (RFC 7541 appendix A).
const STATUS_200: u8 = 0x88;

const GOOD: Fields<'_> = &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example"), (":path", "/a")];

/// Whole requests.
const WHOLE: [Fields<'_>; 14] = [
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example")],
    &[(":method", "GET"), (":authority", "two.example"), (":path", "/a")],
    &[(":scheme", "https"), (":authority", "two.example"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example"), (":path", "")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example"), (":path", "/a HTTP/1.1\r\nx: y")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example"), (":path", "http://bet.example/")],
    &[(":method", "GET / HTTP/1.1\r\nx: y"), (":scheme", "https"), (":authority", "two.example"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "http"), (":authority", "two.example"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "bet.example"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example@bet.example"), (":path", "/a")],
    &[(":method", "GET"), (":scheme", "https"), (":authority", "two.example\r\nx: y"), (":path", "/a")],
    &[(":method", "CONNECT"), (":authority", "two.example:443")],
    &[(":method", "CONNECT"), (":authority", "two.example:443"), (":scheme", "https"), (":path", "/a")],
];

/// Fields after those of [`GOOD`].
const FIELDS: [Fields<'_>; 23] = [
    &[("X-Upper", "1")],
    &[("Transfer-Encoding", "chunked")],
    &[("x y", "1")],
    &[("x:y", "1")],
    &[("x\r\ny", "1")],
    &[("", "1")],
    &[("x", "y\r\nz: 1")],
    &[("x", "y\nz: 1")],
    &[("x", "y\r")],
    &[("x", "y\0")],
    &[("connection", "close")],
    &[("connection", "x-secret"), ("x-secret", "1")],
    &[("keep-alive", "timeout=5")],
    &[("proxy-connection", "close")],
    &[("transfer-encoding", "chunked")],
    &[("upgrade", "h2c")],
    &[("te", "gzip")],
    &[(":path", "/b")],
    &[(":method", "POST")],
    &[(":evil", "1")],
    &[("host", "bet.example")],
    &[("host", "two.example"), ("host", "two.example")],
    &[("x", "1"), (":protocol", "websocket")],
];

fn frame(kind: u8, flags: u8, stream: u8, body: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[high, middle, low, kind, flags, 0, 0, 0, stream], body].concat()
}

/// Literal fields, of a new name and not to be remembered (RFC 7541 §6.2.2).
fn block(fields: Fields<'_>) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

async fn opened(kit: &Kit) -> TlsStream<TcpStream> {
    let (stream, head) = kit.connect(TESS, "two.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut stream = kit.handshake_offering(stream, "two.example", Trust::School, &["h2"]).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    stream
}

/// Whether the site answered to a request of these fields.
async fn is_answered(kit: &Kit, fields: &[(&str, &str)]) -> bool {
    let mut stream = opened(kit).await;
    // END_STREAM and END_HEADERS.
    stream.write_all(&frame(HEADERS, 5, 1, &block(fields))).await.unwrap();
    loop {
        let mut head = [0; 9];
        if soon(stream.read_exact(&mut head)).await.is_err() {
            return false;
        }
        let [high, middle, low, kind, ..] = head;
        let mut body = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        soon(stream.read_exact(&mut body)).await.unwrap();
        match kind {
            HEADERS => return body[0] == STATUS_200,
            RESET | GOAWAY => return false,
            _ => {}
        }
    }
}

#[tokio::test]
async fn requests_that_are_none_in_http_2_are_not_passed_on() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    assert!(is_answered(&kit, GOOD).await);
    for fields in WHOLE {
        assert!(!is_answered(&kit, fields).await, "{fields:?}");
    }
    for fields in FIELDS {
        assert!(!is_answered(&kit, &[GOOD, fields].concat()).await, "{fields:?}");
    }
}
