//! Sends an allowed request to its site and the response back, re-serialised on the way.
//!
//! Nothing is copied as bytes: hyper reads each message under its own rules and writes it anew, so a site never sees
//! another boundary between requests than we did.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::request;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use schoolgate_event::Mode;
use schoolgate_tls::{Agreed, Protocol};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::body::{Download, Reply, Upload};
use crate::channel::Channel;
use crate::exchange::Exchange;
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::hops;
use crate::message;
use crate::pool::{Home, Lease, Made};
use crate::safe_search;
use crate::tunnel;
use crate::websocket;

/// Forwards `request` over a kept connection of `home`, or a new one.
pub(crate) async fn forward(
    exchange: &Arc<Exchange>,
    request: Request<Incoming>,
    home: Home,
) -> Result<Response<Reply>, Failure> {
    let (mut head, body) = request.into_parts();
    let upgrade = hops::wanted_upgrade(&head.headers).map(|protocol| (protocol, head.extensions.remove::<OnUpgrade>()));
    let stream = websocket::expected(&head.extensions);
    let home = if upgrade.is_some() { Home::Nowhere } else { home };
    let home = if hops::binds_connection(&head.headers) { home.bound() } else { home };
    let expectation = if body.is_end_stream() { None } else { Expectation::of(&head) };
    hops::pass_on(&mut head.headers, head.version);
    if let Some((protocol, _)) = &upgrade {
        head.headers.insert(CONNECTION, hops::UPGRADE_ONLY);
        head.headers.insert(UPGRADE, protocol.clone());
    }
    head.uri = match held_to_safe_search(exchange, &mut head) {
        Some(path) => path.parse().map_err(|_| Failure::Malformed("path"))?,
        None => message::origin_form(&head.uri, exchange.path.as_deref().unwrap_or("/"))?,
    };
    let is_repeatable = body.is_end_stream() && matches!(head.method, Method::GET | Method::HEAD);
    let needed = if upgrade.is_some() { Needed::Upgrade } else { Needed::Any };
    let body = Upload::new(body, exchange, expectation.as_ref());
    let sending = Sending { head, body, is_repeatable, needed, expectation: expectation.clone() };
    let (response, lease) = send(exchange, sending, home).await?;
    if let Some(expectation) = &expectation {
        expectation.note_answered();
    }
    match upgrade {
        Some((_, client)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let client = client.ok_or(Failure::BadResponse)?;
            change_protocol(exchange, response, client, stream.as_deref())
        }
        _ if response.status() == StatusCode::SWITCHING_PROTOCOLS => Err(Failure::BadResponse),
        // To a stream any success would say that the WebSocket is open (RFC 8441 §5).
        _ if stream.is_some() && response.status().is_success() => Err(Failure::BadResponse),
        _ => Ok(answer(exchange, response, lease, expectation)),
    }
}

/// What kind of connection a request has to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    Any,
    /// HTTP/1.1, and afterwards something else.
    Upgrade,
}

/// A request on its way.
struct Sending {
    head: request::Parts,
    body: Upload,
    is_repeatable: bool,
    needed: Needed,
    expectation: Option<Expectation>,
}

fn held_to_safe_search(exchange: &Exchange, head: &mut request::Parts) -> Option<String> {
    if !exchange.judged.decision.conditions.safe_search {
        return None;
    }
    safe_search::hold(&exchange.site.host, &exchange.method, exchange.path.as_deref()?, &mut head.headers)
}

async fn send(exchange: &Arc<Exchange>, sending: Sending, home: Home) -> Result<(Response<Incoming>, Lease), Failure> {
    let Sending { head, body, is_repeatable, needed, expectation } = sending;
    let expectation = expectation.as_ref();
    let request;
    if let Some(mut made) = home.take() {
        let again = is_repeatable.then(|| head.clone());
        match (send_over(exchange, &mut made.channel, Request::from_parts(head, body), expectation).await, again) {
            (Ok(response), _) => return Ok((response, Lease::new(made, home))),
            // The site closed a kept connection just now, which it may. What it cannot have seen is sent again.
            (Err((_, Some(unsent))), _) => request = unsent,
            (Err((Failure::BadResponse | Failure::OlderWanted, None)), Some(again)) => {
                request = Request::from_parts(again, Upload::empty());
            }
            (Err((failure, None)), _) => return Err(failure),
        }
    } else {
        request = Request::from_parts(head, body);
    }
    let mut made = connected(exchange, needed, &home).await?;
    let again = is_repeatable.then(|| repeated(&request));
    match (send_over(exchange, &mut made.channel, request, expectation).await, again) {
        (Ok(response), _) => Ok((response, Lease::new(made, home))),
        (Err((Failure::OlderWanted, _)), Some(again)) => {
            let mut made = Box::pin(connect(exchange, needed)).await?;
            let response = send_over(exchange, &mut made.channel, again, None).await.map_err(|(failure, _)| failure)?;
            Ok((response, Lease::new(made, home)))
        }
        (Err((failure, _)), _) => Err(failure),
    }
}

/// The same request; only for one without a body.
fn repeated(request: &Request<Upload>) -> Request<Upload> {
    let mut again = Request::new(Upload::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    again
}

/// A connection that nothing of this request has gone by.
async fn connected(exchange: &Arc<Exchange>, needed: Needed, home: &Home) -> Result<Made, Failure> {
    let (_turn, made) = home.turn().await;
    if let Some(made) = made {
        return Ok(made);
    }
    // Rarely needed and large: what every request is made of stays small enough for the cache.
    let made = Box::pin(connect(exchange, needed)).await?;
    home.welcome(&made);
    Ok(made)
}

async fn connect(exchange: &Arc<Exchange>, needed: Needed) -> Result<Made, Failure> {
    let (host, port) = (&exchange.site.host, exchange.site.port);
    let door = &exchange.door;
    let upstream = door.upstream_for(&exchange.client);
    let may_upgrade = needed == Needed::Upgrade;
    if exchange.mode == Mode::Plain {
        let connected = upstream.connect_plain(host, port).await?;
        return Ok(Made::new(Channel::one(door, connected.stream, may_upgrade).await?, None));
    }
    if !may_upgrade {
        return Made::proven(door, &upstream, &exchange.site).await;
    }
    let stream = upstream.connect_tls(host, port, Protocol::Http1).await?;
    let agreed = Agreed::of(stream.get_ref().1);
    Ok(Made::new(Channel::one(door, stream, true).await?, Some(agreed)))
}

async fn send_over(
    exchange: &Exchange,
    channel: &mut Channel,
    mut request: Request<Upload>,
    expectation: Option<&Expectation>,
) -> Result<Response<Incoming>, (Failure, Option<Request<Upload>>)> {
    // A connection that was just made may not have run yet.
    if channel.ready().await.is_err() {
        return Err((Failure::BadResponse, Some(request)));
    }
    let default_port = if exchange.mode == Mode::Plain { 80 } else { 443 };
    let authority = exchange.site.authority(default_port);
    message::fit(&mut request, channel.version(), &authority).map_err(|failure| (failure, None))?;
    match (expectation, &*channel) {
        (Some(expectation), Channel::One(_)) => expectation.ask(&mut request),
        (Some(expectation), Channel::Many(_)) => expectation.release(),
        (None, _) => {}
    }
    let began = Instant::now();
    let mut answered = pin!(channel.send(request));
    loop {
        // A site answers when it has read the request, and a large one takes its time: the deadline runs from the last
        // part that was sent. A site that stops reading, and so is sent nothing more, meets it as well; a client that
        // stops sending is given up on by its body.
        let from = exchange.uploaded_at().map_or(began, |at| at.max(began));
        match timeout_at(from + exchange.door.settings.limits.response_deadline, &mut answered).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(mut error)) => {
                debug!("a site did not answer: {}", error.error());
                let failure = if wants_older(error.error()) { Failure::OlderWanted } else { Failure::BadResponse };
                if failure == Failure::OlderWanted {
                    exchange.door.pool.note_older(&exchange.site);
                }
                return Err((failure, error.take_message()));
            }
            Err(_) if exchange.uploaded_at().is_some_and(|at| from < at) => {}
            Err(_) => return Err((Failure::NoResponse, None)),
        }
    }
}

/// Whether a site ended the stream because it speaks of this in HTTP/1.1 only (RFC 9113 §7).
fn wants_older(error: &hyper::Error) -> bool {
    let reason = error.source().and_then(|source| source.downcast_ref::<h2::Error>()).and_then(h2::Error::reason);
    reason == Some(h2::Reason::HTTP_1_1_REQUIRED)
}

fn change_protocol(
    exchange: &Arc<Exchange>,
    mut response: Response<Incoming>,
    client: OnUpgrade,
    stream: Option<&str>,
) -> Result<Response<Reply>, Failure> {
    if stream.is_some_and(|expected| !websocket::is_accepted(&response, expected)) {
        return Err(Failure::BadResponse);
    }
    let protocol = response.headers().get(UPGRADE).cloned().ok_or(Failure::BadResponse)?;
    tunnel::join_upgraded(exchange, client, hyper::upgrade::on(&mut response));
    let (mut head, _) = response.into_parts();
    hops::pass_on(&mut head.headers, head.version);
    if stream.is_some() {
        websocket::accept_stream(&mut head);
    } else {
        head.headers.insert(CONNECTION, hops::UPGRADE_ONLY);
        head.headers.insert(UPGRADE, protocol);
    }
    Ok(Response::from_parts(head, Reply::empty()))
}

fn answer(
    exchange: &Arc<Exchange>,
    response: Response<Incoming>,
    lease: Lease,
    unasked: Option<Expectation>,
) -> Response<Reply> {
    let (mut head, body) = response.into_parts();
    hops::pass_on(&mut head.headers, head.version);
    // RFC 9110 §2.5: the version is of the hop, and this one is ours.
    head.version = Version::HTTP_11;
    head.extensions.clear();
    let download = Download::new(body, Arc::clone(exchange), lease, unasked);
    Response::from_parts(head, Reply::Site(Box::new(download)))
}
