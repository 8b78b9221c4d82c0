//! Questions over HTTPS (RFC 8484), by HTTP/2 and HTTP/1.1, at a path for the school and one for each device.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use schoolgate_runtime::Guarded;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::door::{Client, Door};
use crate::pipeline::{Step, begin, finish};
use crate::spawner::Spawner;
use crate::wire::{Bytes as Cursor, HEADER};

pub(crate) const MEDIA_TYPE: &str = "application/dns-message";
/// A query in the largest form that is read elsewhere as well.
const QUERY_MAX: usize = 4_096;
/// What is read of a request that is refused, in bytes: the longest message there is.
const REFUSED_MAX: usize = 64 * 1024;
/// Request line and headers, in bytes: a query in base64 and what a client says of itself.
const HEAD_MAX: usize = 16 * 1024;

/// Why a request has no message in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotHere,
    Method,
    MediaType,
    TooLarge,
    /// No query in it, or nothing that is answered.
    Malformed,
    Slow,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NotHere => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// Speaks HTTP until the client closes, is silent for too long, or the program stops.
pub(crate) async fn serve(door: Arc<Door>, client: Client, stream: TlsStream<TcpStream>) {
    let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let limits = door.settings.limits.clone();
    let stream = TokioIo::new(Guarded::new(stream, limits.idle).ended_by_silence(limits.idle));
    let (tasks, shutdown) = (door.tasks.clone(), door.tasks.shutdown());
    let service = service_fn(move |request: Request<Incoming>| {
        let (door, client) = (Arc::clone(&door), client.clone());
        async move { Ok::<_, Infallible>(answer(door, client, request).await) }
    });
    if is_two {
        let mut builder = http2::Builder::new(Spawner(tasks));
        let streams = u32::try_from(limits.pipelined_max).unwrap_or(u32::MAX);
        builder.timer(TokioTimer::new()).max_header_list_size(16 * 1024).max_concurrent_streams(streams);
        let connection = builder.serve_connection(stream, service);
        until_drained(connection, shutdown, |connection| connection.graceful_shutdown()).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(HEAD_MAX);
        let connection = builder.serve_connection(stream, service);
        until_drained(connection, shutdown, |connection| connection.graceful_shutdown()).await;
    }
}

async fn until_drained<C: Future>(
    connection: C,
    shutdown: schoolgate_runtime::Shutdown,
    end: impl FnOnce(Pin<&mut C>),
) {
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.begun() => {
            end(connection.as_mut());
            connection.await;
        }
    }
}

async fn answer(door: Arc<Door>, client: Client, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    match answered(&door, client, &head, &mut body).await {
        Ok(message) => {
            let max_age = format!("max-age={}", freshness(&message));
            let mut response = Response::new(Full::new(Bytes::from(message)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
            if let Ok(value) = HeaderValue::try_from(max_age) {
                response.headers_mut().insert(CACHE_CONTROL, value);
            }
            response
        }
        Err(refusal) => {
            read_rest(&door, body).await;
            let mut response = Response::new(Full::default());
            *response.status_mut() = refusal.status();
            if refusal == Refusal::Method {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
            }
            response
        }
    }
}

async fn answered(door: &Arc<Door>, client: Client, head: &Parts, body: &mut Incoming) -> Result<Vec<u8>, Refusal> {
    let token = path(door, head.uri.path()).ok_or(Refusal::NotHere)?;
    let client = Client { token, ..client };
    let message = match head.method {
        Method::GET => query_of(&head.uri).ok_or(Refusal::Malformed)?,
        Method::POST => body_of(door, head, body).await?,
        _ => return Err(Refusal::Method),
    };
    let mut out = Vec::new();
    match begin(door, &client, &message, &mut out) {
        Step::Silence => return Err(Refusal::Malformed),
        Step::Answered => {}
        Step::Asked(asked) => finish(door, asked, &mut out).await,
    }
    Ok(out)
}

/// `/dns-query`, that with the school, and that with a device and its secret: the token as `Proxy-Authorization` has
/// it. `None` for any other path.
fn path(door: &Door, path: &str) -> Option<Option<Arc<str>>> {
    let rest = path.strip_prefix("/dns-query")?;
    let mut parts = rest.split('/').skip(1);
    let (school, device, secret) = (parts.next(), parts.next(), parts.next());
    let is_ours = school.is_none_or(|school| school == door.settings.school.as_str());
    match (device, secret) {
        _ if !is_ours || parts.next().is_some() || !(rest.is_empty() || rest.starts_with('/')) => None,
        (None, None) => Some(None),
        (Some(device), Some(secret)) => {
            let credentials = BASE64.encode(format!("{device}:{secret}").as_bytes());
            Some(Some(format!("Basic {credentials}").into()))
        }
        _ => None,
    }
}

/// RFC 8484 §4.1: the parameter `dns`, in base64url without padding.
pub(crate) fn query_of(uri: &Uri) -> Option<Vec<u8>> {
    let encoded = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("dns="))?;
    BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()
}

/// An answer that overtakes the rest of its request ends the stream with a reset, which some clients take for a fault
/// (RFC 9113 §8.1): so what was announced is read first, within
/// bounds.
async fn read_rest(door: &Door, body: Incoming) {
    let rest = Limited::new(body, REFUSED_MAX).collect();
    // What is longer, slower or broken is cut off by the answer.
    drop(timeout(door.settings.limits.idle, rest).await);
}

async fn body_of(door: &Door, head: &Parts, body: &mut Incoming) -> Result<Vec<u8>, Refusal> {
    if head.headers.get(CONTENT_TYPE).is_none_or(|value| value != MEDIA_TYPE) {
        return Err(Refusal::MediaType);
    }
    let reading = Limited::new(body, QUERY_MAX).collect();
    match timeout(door.settings.limits.idle, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(_)) => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::Slow),
    }
}

/// For how long a cache of HTTP may keep a message (RFC 8484 §5.1): its shortest time, in seconds.
pub(crate) fn freshness(message: &[u8]) -> u32 {
    shortest(message).unwrap_or(0)
}

fn shortest(message: &[u8]) -> Option<u32> {
    let (head, body) = message.split_first_chunk::<HEADER>()?;
    let mut head = Cursor::new(head);
    head.take(4)?;
    let questions = head.word()?;
    let records = u32::from(head.word()?) + u32::from(head.word()?);
    let mut bytes = Cursor::new(body);
    for _ in 0..questions {
        bytes.skip_name()?;
        bytes.take(4)?;
    }
    let mut shortest = None;
    for _ in 0..records {
        bytes.skip_name()?;
        bytes.take(4)?;
        let ttl = bytes.take(4)?.first_chunk().map(|four| u32::from_be_bytes(*four))?;
        shortest = Some(shortest.map_or(ttl, |shortest: u32| shortest.min(ttl)));
        let length = bytes.word()?;
        bytes.take(length.into())?;
    }
    shortest
}
