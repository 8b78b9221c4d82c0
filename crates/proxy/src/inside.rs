//! Connections whose TLS we end: to look inside, or to answer in the site's place.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use rustls::AlertDescription;
use schoolgate_event::{self as event, Mode};
use schoolgate_tls::{Agreed, LeafFor, Protocol};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::body::Reply;
use crate::door::{Client, Door, Judged};
use crate::exchange::{About, Exchange, agreed};
use crate::failure::Failure;
use crate::hops::is_navigation;
use crate::pipeline::{Asked, judged};
use crate::pool::{Home, Made, Own, Route};
use crate::reply::{fail, turn_away};
use crate::safe_search::is_engine;
use crate::server::{speak, speak_once};
use crate::target::{Site, read_inner};
use crate::ways::{Opened, wanted};
use crate::websocket;

/// Whose connection it is, and for which site.
pub(crate) struct Inside {
    pub(crate) door: Arc<Door>,
    pub(crate) client: Client,
    pub(crate) site: Site,
    pub(crate) judged: Judged,
}

/// Serves the client with the site's content, whose proof `made` has. The client is offered no newer version of HTTP
/// than the site speaks.
pub(crate) async fn look_inside(inside: Inside, opened: Opened, made: Made) {
    let Inside { door, client, site, judged } = inside;
    let about = About {
        client: client.clone(),
        site: site.clone(),
        path: None,
        method: http::Method::CONNECT,
        mode: Mode::Inspected,
    };
    let newest = made.channel.protocol();
    let Some(tls) = accept(&door, &client, &site, LeafFor::Verified, newest, opened).await else {
        // Most likely an app that trusts its own roots only.
        let exchange = Exchange::new(&door, about, judged);
        exchange.set_failed(Failure::NoLeaf);
        return;
    };
    door.meters.inspected.increment();
    let route = Route { site: site.clone(), is_tls: true };
    let shown = event::Tls {
        offered: client.tls.as_ref().and_then(|tls| tls.offered.clone()),
        client: Some(agreed(&Agreed::of(tls.get_ref().1))),
        site: made.agreed.as_ref().map(agreed),
    };
    let client = Client { tls: Some(Arc::new(shown)), ..client };
    let home = Home::Own(Own::new(Arc::clone(&door.pool), route, made));
    let protocol = Protocol::agreed(tls.get_ref().1.alpn_protocol());
    let service = service_fn({
        let door = Arc::clone(&door);
        move |request: Request<Incoming>| {
            let (door, client, site, home) = (Arc::clone(&door), client.clone(), site.clone(), home.clone());
            async move { Ok::<_, Infallible>(inner(&door, client, site, request, home).await) }
        }
    });
    speak(&door, tls, protocol, service).await;
}

async fn inner(
    door: &Arc<Door>,
    client: Client,
    site: Site,
    request: Request<Incoming>,
    home: Home,
) -> Response<Reply> {
    door.meters.requests.increment();
    let request = if websocket::is_wanted(&request) { websocket::as_get(request) } else { Ok(request) };
    let request = match request {
        Ok(request) => request,
        Err(failure) => return fail(door, None, failure),
    };
    // Inside a connection the name in `Host` must be the one that was decided on and verified.
    match read_inner(&request, &site) {
        Ok(path) => judged(door, client, Asked { site, path, mode: Mode::Inspected }, request, home).await,
        Err(failure) => fail(door, None, failure),
    }
}

/// Says 303 or 403 in the site's place, without talking to it.
///
/// Of the request only the method, `Sec-Fetch-*` and `Accept` are looked at; path and body are neither used nor logged.
pub(crate) async fn answer_locally(exchange: Arc<Exchange>, failure: Option<Failure>, opened: Opened) {
    let door = Arc::clone(&exchange.door);
    let Some(tls) =
        accept(&door, &exchange.client, &exchange.site, LeafFor::LocalAnswer, Protocol::Http1, opened).await
    else {
        return;
    };
    door.meters.local_answers.increment();
    let service = service_fn({
        let door = Arc::clone(&door);
        move |request: Request<Incoming>| {
            let wanted = wanted(&exchange, is_navigation(request.method(), request.headers()));
            let response = match failure {
                Some(failure) => fail(&door, Some(&wanted), failure),
                None => turn_away(&door, &wanted, &exchange.judged),
            };
            std::future::ready(Ok::<_, Infallible>(response))
        }
    });
    // One answer: the next request must be decided anew, since by then she may have agreed.
    speak_once(&door, tls, service).await;
}

/// Ends the client's TLS with a leaf of ours.
async fn accept(
    door: &Arc<Door>,
    client: &Client,
    site: &Site,
    purpose: LeafFor,
    newest: Protocol,
    opened: Opened,
) -> Option<TlsStream<Opened>> {
    let config = match door.leaves.config(&site.host, purpose, newest).await {
        Ok(config) => config,
        Err(error) => {
            debug!(kind = error.as_str(), "no leaf for a connection");
            door.meters.refused(&Failure::NoLeaf);
            return None;
        }
    };
    match timeout(door.settings.limits.handshake_deadline, TlsAcceptor::from(config).accept(opened)).await {
        Ok(Ok(stream)) => {
            door.identities.trust.learn_on(client.address(), &site.host, door.clock.now());
            if purpose == LeafFor::Verified {
                door.upstream.learned().note_acceptance(&site.host);
            }
            Some(stream)
        }
        Ok(Err(error)) => {
            door.meters.handshakes_failed.increment();
            if says_unknown_ca(&error) {
                door.identities.trust.doubt(client.address(), &site.host);
                // Engines are held to safe search, which a list that devices can fill must not lift.
                if purpose == LeafFor::Verified && !is_engine(&site.host) {
                    door.upstream.learned().note_refusal(&site.host, client.address(), door.clock.now());
                }
            }
            None
        }
        Err(_) => {
            door.meters.handshakes_failed.increment();
            None
        }
    }
}

/// Whether the client said that it does not trust our CA. Whatever else ends a handshake (a closed tab, a lost packet,
/// an app with other ciphers) says nothing of the device.
fn says_unknown_ca(error: &io::Error) -> bool {
    let said = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(
        said,
        Some(rustls::Error::AlertReceived(
            // RFC 8446 §6.2: what clients send for a certificate of an issuer they do not know differs.
            AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::CertificateUnknown
        ))
    )
}
