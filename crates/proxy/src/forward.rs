//! Sends an allowed request to its site and the response back, re-serialised on the way.
//!
//! Nothing is copied as bytes: hyper reads each message under its own rules and writes it anew, so a site never sees
//! another boundary between requests than we did.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use schoolgate_event::Mode;
use schoolgate_runtime::Guarded;
use schoolgate_tls::UpstreamStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::body::{Download, Reply, Upload};
use crate::door::Door;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::hops;
use crate::pool::{Home, Lease, Sender};
use crate::safe_search;
use crate::tunnel;

/// Largest response head of a site, in bytes.
const RESPONSE_HEAD_MAX: usize = 256 * 1024;

/// Speaks HTTP over `stream`; its task ends with the connection.
pub(crate) async fn start_http<S>(door: &Door, stream: S, may_upgrade: bool) -> Result<Sender, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    // Most requests are a head and nothing else, and one buffer is handed to the kernel faster than a list of one.
    builder.max_buf_size(RESPONSE_HEAD_MAX).writev(false);
    // A site may answer early and then neither read the rest of the body nor close.
    let stream = TokioIo::new(Guarded::new(stream, door.settings.limits.body_idle));
    let (sender, connection) = builder.handshake(stream).await.map_err(|_| Failure::BadResponse)?;
    door.tasks.spawn("connection to a site", async move {
        // How it ended is told to whoever waits for a response on it.
        let _ = if may_upgrade { connection.with_upgrades().await } else { connection.await };
    });
    Ok(sender)
}

/// Forwards `request` over a kept connection of `home`, or a new one.
pub(crate) async fn forward(
    exchange: &Arc<Exchange>,
    request: Request<Incoming>,
    home: Home,
) -> Result<Response<Reply>, Failure> {
    let (mut head, body) = request.into_parts();
    let upgrade = hops::wanted_upgrade(&head.headers).map(|protocol| (protocol, head.extensions.remove::<OnUpgrade>()));
    let home = if upgrade.is_some() || hops::binds_connection(&head.headers) { Home::Nowhere } else { home };
    rewrite(exchange, &mut head.headers, upgrade.as_ref().map(|(protocol, _)| protocol))?;
    // hyper writes a body without a length as chunks by itself, except for methods that rarely have one.
    if !body.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let uri = match held_to_safe_search(exchange, &mut head.headers) {
        Some(path) => path.parse().map_err(|_| Failure::Malformed("path"))?,
        None => origin_form(exchange, &head.uri)?,
    };
    let is_repeatable = body.is_end_stream() && matches!(head.method, Method::GET | Method::HEAD);
    let outgoing = Outgoing { method: head.method, uri, headers: head.headers };
    let (response, lease) =
        send(exchange, outgoing, Upload::new(body, exchange), home, is_repeatable, upgrade.is_some()).await?;
    answer(exchange, response, lease, upgrade.and_then(|(_, client)| client))
}

/// A request head as the site gets it.
#[derive(Clone)]
struct Outgoing {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Outgoing {
    fn with(self, body: Upload) -> Request<Upload> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = self.headers;
        request
    }
}

fn held_to_safe_search(exchange: &Exchange, headers: &mut HeaderMap) -> Option<String> {
    if !exchange.judged.decision.conditions.safe_search {
        return None;
    }
    safe_search::hold(&exchange.site.host, &exchange.method, exchange.path.as_deref()?, headers)
}

/// The path that was judged, and nothing else, as the site gets it.
fn origin_form(exchange: &Exchange, uri: &Uri) -> Result<Uri, Failure> {
    let judged = exchange.path.as_deref().unwrap_or("/");
    match uri.path_and_query() {
        // Shares the bytes that were read.
        Some(path) if path.as_str() == judged => Ok(Uri::from(path.clone())),
        _ => judged.parse().map_err(|_| Failure::Malformed("path")),
    }
}

fn rewrite(exchange: &Exchange, headers: &mut HeaderMap, upgrade: Option<&HeaderValue>) -> Result<(), Failure> {
    hops::pass_on(headers);
    let default_port = if exchange.mode == Mode::Plain { 80 } else { 443 };
    // RFC 9112 §3.2.2: what the client wrote into `Host` is replaced by the target that was judged.
    let authority = exchange.site.authority(default_port);
    headers.insert(HOST, HeaderValue::from_str(&authority).map_err(|_| Failure::Malformed("host"))?);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    }
    Ok(())
}

async fn send(
    exchange: &Arc<Exchange>,
    outgoing: Outgoing,
    body: Upload,
    home: Home,
    is_repeatable: bool,
    may_upgrade: bool,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let request;
    if let Some(mut sender) = kept(&home) {
        let again = is_repeatable.then(|| outgoing.clone());
        match (send_over(exchange, &mut sender, outgoing.with(body)).await, again) {
            (Ok(response), _) => return Ok((response, Lease::new(sender, home))),
            // The site closed a kept connection just now, which it may. What it cannot have seen is sent again.
            (Err((_, Some(unsent))), _) => request = unsent,
            (Err((Failure::BadResponse, None)), Some(again)) => request = again.with(Upload::empty()),
            (Err((failure, None)), _) => return Err(failure),
        }
    } else {
        request = outgoing.with(body);
    }
    let mut sender = connect(exchange, may_upgrade).await?;
    match send_over(exchange, &mut sender, request).await {
        Ok(response) => Ok((response, Lease::new(sender, home))),
        Err((failure, _)) => Err(failure),
    }
}

fn kept(home: &Home) -> Option<Sender> {
    match home {
        Home::Pool(pool, site) => pool.take(site),
        Home::Own(place) => {
            place.lock().unwrap_or_else(PoisonError::into_inner).take().filter(|sender| !sender.is_closed())
        }
        Home::Nowhere => None,
    }
}

async fn connect(exchange: &Arc<Exchange>, may_upgrade: bool) -> Result<Sender, Failure> {
    let (host, port) = (&exchange.site.host, exchange.site.port);
    let upstream = &exchange.door.upstream;
    if exchange.mode == Mode::Plain {
        let connected = upstream.connect_plain(host, port).await?;
        start_http(&exchange.door, connected.stream, may_upgrade).await
    } else {
        let stream: UpstreamStream = upstream.connect_tls(host, port).await?;
        start_http(&exchange.door, stream, may_upgrade).await
    }
}

async fn send_over(
    exchange: &Exchange,
    sender: &mut Sender,
    request: Request<Upload>,
) -> Result<Response<Incoming>, (Failure, Option<Request<Upload>>)> {
    // A connection that was just made may not have run yet.
    if sender.ready().await.is_err() {
        return Err((Failure::BadResponse, Some(request)));
    }
    let began = Instant::now();
    let mut answered = pin!(sender.try_send_request(request));
    loop {
        // A site answers when it has read the request, and a large one takes its time: the deadline runs from the last
        // part that was sent. A site that stops reading, and so is sent nothing more, meets it as well; a client that
        // stops sending is given up on by its body.
        let from = exchange.uploaded_at().map_or(began, |at| at.max(began));
        match timeout_at(from + exchange.door.settings.limits.response_deadline, &mut answered).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(mut error)) => {
                debug!("a site did not answer: {}", error.error());
                return Err((Failure::BadResponse, error.take_message()));
            }
            Err(_) if exchange.uploaded_at().is_some_and(|at| from < at) => {}
            Err(_) => return Err((Failure::NoResponse, None)),
        }
    }
}

fn answer(
    exchange: &Arc<Exchange>,
    mut response: Response<Incoming>,
    lease: Lease,
    client: Option<OnUpgrade>,
) -> Result<Response<Reply>, Failure> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let client = client.ok_or(Failure::BadResponse)?;
        let protocol = response.headers().get(UPGRADE).cloned().ok_or(Failure::BadResponse)?;
        tunnel::join_upgraded(exchange, client, hyper::upgrade::on(&mut response));
        let (mut head, _) = response.into_parts();
        hops::pass_on(&mut head.headers);
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(UPGRADE, protocol);
        return Ok(Response::from_parts(head, Reply::empty()));
    }
    let (mut head, body) = response.into_parts();
    hops::pass_on(&mut head.headers);
    // RFC 9110 §2.5: the version is of the hop, and this one is ours.
    head.version = Version::HTTP_11;
    head.extensions.clear();
    let download = Download::new(body, Arc::clone(exchange), lease);
    Ok(Response::from_parts(head, Reply::Site(Box::new(download))))
}

/// A place for the one connection that a decrypted client connection has to its site.
pub(crate) fn own_home(sender: Sender) -> Home {
    Home::Own(Arc::new(Mutex::new(Some(sender))))
}
