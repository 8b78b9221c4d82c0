//! WebSockets that come as a stream of HTTP/2 (RFC 8441).
//!
//! The request is read as the one of HTTP/1.1 that it stands for, so that one way leads from here to the site: every
//! stage judges it alike, and the site is spoken to in HTTP/1.1, which all that have WebSockets know.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use data_encoding::BASE64;
use http::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{Extensions, Method, Request, Response, StatusCode, Version, response};
use hyper::ext::Protocol;

use crate::failure::Failure;
use crate::hops;

const WEBSOCKET: &str = "websocket";
/// RFC 6455 §1.3.
const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Marks the request of HTTP/1.1 that stands for a stream.
#[derive(Debug, Clone)]
struct Stream {
    /// What the site has to answer to our key.
    accept: String,
}

/// Whether a `CONNECT` asks for a WebSocket and not for a tunnel.
pub(crate) fn is_wanted<B>(request: &Request<B>) -> bool {
    let protocol = request.extensions().get::<Protocol>();
    request.version() == Version::HTTP_2 && protocol.is_some_and(|protocol| protocol.as_str() == WEBSOCKET)
}

/// Turns the `CONNECT` of RFC 8441 §5 into the `GET` of RFC 6455 §4.1.
pub(crate) fn as_get<B>(mut request: Request<B>) -> Result<Request<B>, Failure> {
    let mut key = [0_u8; 16];
    // Without random bytes there are no secure connections either.
    aws_lc_rs::rand::fill(&mut key).map_err(|_| Failure::NoLeaf)?;
    let key = BASE64.encode(&key);
    *request.method_mut() = Method::GET;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, hops::UPGRADE_ONLY);
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).map_err(|_| Failure::NoLeaf)?);
    let accept = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, [&key, ACCEPT_SUFFIX].concat().as_bytes()).as_ref());
    request.extensions_mut().remove::<Protocol>();
    request.extensions_mut().insert(Stream { accept });
    Ok(request)
}

/// What the site has to answer, where the request stands for a stream.
pub(crate) fn expected(extensions: &Extensions) -> Option<String> {
    extensions.get::<Stream>().map(|stream| stream.accept.clone())
}

/// Whether a response of 101 is the answer to our key.
pub(crate) fn is_accepted<B>(response: &Response<B>, expected: &str) -> bool {
    response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept.as_bytes() == expected.as_bytes())
}

/// Turns 101 into the answer to a stream (RFC 8441 §5).
pub(crate) fn accept_stream(head: &mut response::Parts) {
    head.status = StatusCode::OK;
    head.headers.remove(SEC_WEBSOCKET_ACCEPT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_as_a_request_with_a_key_of_ours() {
        let stream = Request::builder().method("CONNECT").uri("https://news.example/chat").version(Version::HTTP_2);
        let mut stream = stream.header("sec-websocket-version", "13").body(()).unwrap();
        assert!(!is_wanted(&stream));
        stream.extensions_mut().insert(Protocol::from_static(WEBSOCKET));
        assert!(is_wanted(&stream));
        let request = as_get(stream).unwrap();
        assert_eq!((request.method(), request.headers()[UPGRADE].as_bytes()), (&Method::GET, &b"websocket"[..]));
        let expected = expected(request.extensions()).unwrap();
        let key = request.headers()[SEC_WEBSOCKET_KEY].to_str().unwrap();
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{ACCEPT_SUFFIX}").as_bytes());
        assert_eq!(expected, BASE64.encode(hash.as_ref()));
        let answer = |accept: &str| Response::builder().header(SEC_WEBSOCKET_ACCEPT, accept).body(()).unwrap();
        assert!(is_accepted(&answer(&expected), &expected));
        assert!(!is_accepted(&answer("else"), &expected));
    }
}
