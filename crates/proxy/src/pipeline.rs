//! The life of a request, stage by stage. The order is here and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use schoolgate_base::Host;
use schoolgate_decide::{Inspect, Seen, Verdict};
use schoolgate_event::Mode;

use crate::body::Reply;
use crate::connect;
use crate::door::{Client, Door};
use crate::exchange::{About, Exchange};
use crate::failure::Failure;
use crate::forward::forward;
use crate::hops::is_navigation;
use crate::pac::{in_turn, pac_file};
use crate::pool::{Home, Route};
use crate::reply::{Wanted, fail, moved, turn_away};
use crate::target::{self, Site, Target};

const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");

/// Answers one request that came to the proxy's port.
pub(crate) async fn answer(door: Arc<Door>, client: Client, request: Request<Incoming>) -> Response<Reply> {
    door.meters.requests.increment();
    let client = Client { token: request.headers().get(PROXY_AUTHORIZATION).cloned(), ..client };
    let client = door.take_ticket(client);
    // Read before anything else: everything after it relies on there being one site and one path.
    match target::read(&request) {
        Err(failure) => fail(&door, None, failure),
        // Our own pages before identity: a device that nobody knows yet has to find its settings.
        Ok(Target::Own { path }) => own_page(&door, &client, &request, &path).await,
        Ok(Target::Connect(site)) => connect::connect(door, client, site, request).await,
        Ok(Target::Forward { site, path }) => plain(&door, client, site, path, request).await,
    }
}

/// Answers one request whose client meant to speak to the site at `dialled`.
pub(crate) async fn answer_direct(
    door: Arc<Door>,
    client: Client,
    dialled: SocketAddr,
    request: Request<Incoming>,
) -> Response<Reply> {
    door.meters.requests.increment();
    match target::read_direct(&request, dialled) {
        Ok((site, path)) => plain(&door, client, site, path, request).await,
        Err(failure) => fail(&door, None, failure),
    }
}

async fn plain(
    door: &Arc<Door>,
    client: Client,
    site: Site,
    path: Box<str>,
    request: Request<Incoming>,
) -> Response<Reply> {
    // The portal before any decision: it is where people go to change one.
    if is_portal(door, &site) {
        // Clients that ask for a list through the proxy name the address that their certificate does.
        return match path.strip_prefix("/ca/") {
            Some(name) if matches!(*request.method(), Method::GET | Method::HEAD) => revocation_list(door, name).await,
            Some(_) | None => to_secure_portal(door, &path),
        };
    }
    let home = Home::Pool(Arc::clone(&door.pool), Route { site: site.clone(), is_tls: false });
    let asked = Asked { site, path, mode: Mode::Plain };
    // An address that leads inside is refused whoever asks, so nobody is told more by being somebody.
    let refusal = leads_inside(door, &asked.site);
    match refusal.or_else(|| asked.site.has_bad_port().then_some(Failure::PortRefused)) {
        Some(refusal) => refuse_for_all(door, client, asked, request.method(), refusal),
        None => judged(door, client, asked, request, home).await,
    }
}

/// A request whose site and path have been read.
pub(crate) struct Asked {
    pub(crate) site: Site,
    pub(crate) path: Box<str>,
    pub(crate) mode: Mode,
}

/// The stages that plain and decrypted requests share.
pub(crate) async fn judged(
    door: &Arc<Door>,
    client: Client,
    asked: Asked,
    request: Request<Incoming>,
    home: Home,
) -> Response<Reply> {
    let Asked { site, path, mode } = asked;
    let scheme = if mode == Mode::Plain { "http" } else { "https" };
    let is_navigation = is_navigation(request.method(), request.headers());
    // Identify and decide by one root, before anything is sent: a name that is only resolved already tells.
    let judged = match door.judge(&client, &site.host, Seen::Seen(&path)) {
        Ok(judged) => judged,
        Err(failure) => return fail(door, None, failure),
    };
    // Inside a decrypted connection there is no proxy to answer to: it was asked at the CONNECT.
    if mode == Mode::Plain
        && let Err(failure) = door.ask_for_ticket(&client, &judged)
    {
        return fail(door, None, failure);
    }
    if mode == Mode::Inspected
        && judged.decision.conditions.inspect == Inspect::Never
        && door.is_private(&door.snapshot(), &client, &site.host)
    {
        // What became private while its connection was open: the browser is told to come again, and gets a tunnel.
        return fail(door, None, Failure::Misdirected);
    }
    let method = request.method().clone();
    let exchange = Exchange::new(door, About { client, site, path: Some(path), method, mode }, judged);
    let wanted = Wanted {
        scheme,
        site: &exchange.site,
        path: exchange.path.as_deref().unwrap_or("/"),
        is_navigation,
        trusts_ca: exchange.judged.identified.trusts_ca,
        trace: exchange.judged.decision.trace,
    };
    let is_allowed = exchange.judged.decision.verdict == Verdict::Allow;
    if is_navigation && (is_allowed || !wanted.leads_to_portal()) {
        exchange.note_visit();
    }
    if !is_allowed {
        return turn_away(door, &wanted, &exchange.judged);
    }
    // Forward last: whatever goes wrong from here on is the site's or the way's to answer for, not a decision.
    match forward(&exchange, request, home).await {
        Ok(response) => response,
        Err(failure) => {
            exchange.set_failed(failure);
            fail(door, Some(&wanted), failure)
        }
    }
}

/// The reason against an address that a request writes out. What a name leads to is seen when it is dialled.
pub(crate) fn leads_inside(door: &Door, site: &Site) -> Option<Failure> {
    let Host::Address(address) = &site.host else { return None };
    door.upstream.dialer().refusal((*address, site.port).into()).map(Failure::Inner)
}

/// What no policy opens. Who asked is recorded where it is known, and changes nothing.
pub(crate) fn refuse_for_all(
    door: &Arc<Door>,
    client: Client,
    asked: Asked,
    method: &Method,
    failure: Failure,
) -> Response<Reply> {
    if let Ok(judged) = door.judge(&client, &asked.site.host, Seen::Unseen) {
        let about = About { client, site: asked.site, path: None, method: method.clone(), mode: asked.mode };
        Exchange::new(door, about, judged).set_failed(failure);
    }
    fail(door, None, failure)
}

pub(crate) fn is_portal(door: &Door, site: &Site) -> bool {
    site.host.name() == Some(&door.settings.portal.name)
}

/// The portal has no plain pages: a session is not sent in the clear.
fn to_secure_portal(door: &Door, path: &str) -> Response<Reply> {
    moved(StatusCode::PERMANENT_REDIRECT, &format!("https://{}{path}", door.settings.portal.name))
}

async fn own_page(door: &Door, client: &Client, request: &Request<Incoming>, path: &str) -> Response<Reply> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    match (request.method(), path, host) {
        (&Method::GET | &Method::HEAD, "/proxy.pac", Some(host)) => {
            let gateways = &door.settings.gateways;
            let named = if client.is_tls { &gateways.tls } else { &gateways.plain };
            let text = match named.as_slice() {
                [] => pac_file(&[host.to_owned()], client.is_tls, &[]),
                named => pac_file(&in_turn(named, client.address()), client.is_tls, &[]),
            };
            let mut response = Response::new(Reply::own(text));
            let kind = HeaderValue::from_static("application/x-ns-proxy-autoconfig");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        // Clients that ask for a list of revoked certificates ask without a name, and mostly without the proxy.
        (&Method::GET | &Method::HEAD, path, _) => match path.strip_prefix("/ca/") {
            Some(name) => revocation_list(door, name).await,
            None => fail(door, None, Failure::NotHere),
        },
        _ => fail(door, None, Failure::NotHere),
    }
}

/// RFC 2585 §4.2.
async fn revocation_list(door: &Door, name: &str) -> Response<Reply> {
    match door.leaves.revocation_list(name).await {
        Some(list) => {
            let mut response = Response::new(Reply::own(list));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/pkix-crl"));
            response
        }
        None => fail(door, None, Failure::NotHere),
    }
}
