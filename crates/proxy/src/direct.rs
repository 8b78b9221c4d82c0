//! Connections that clients meant for a site and that the network brought here (REDIRECT, TPROXY).
//!
//! Where the client wanted to go is an address; which site that is, only the client's own words say. The words are
//! decided on, and the words are dialled: the address is taken only where the name leads to it, since a client may say
//! one thing and dial another (CVE-2009-0801).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use schoolgate_base::Host;
use schoolgate_decide::Seen;
use schoolgate_event::Mode;
use schoolgate_tls::{ClientHello, HelloFailure, NamedServer, Protocol, Replay, read_hello};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::door::{Client, Door};
use crate::exchange::offered;
use crate::failure::Failure;
use crate::inside::answer_locally;
use crate::pipeline::{self, answer_direct, is_portal, leads_inside, refuse_for_all};
use crate::server::speak;
use crate::target::Site;
use crate::ways::{Asked, Opened, Way, carry, inspect, join_portal, open_portal, way};
use crate::wire::Wire;

/// A fatal `access_denied` before any handshake (RFC 8446 §6.2): browsers say at once that they were refused, where a
/// closed connection is tried again.
const ACCESS_DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

/// How an intercepted connection says where it was meant to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interception {
    /// The firewall has rewritten the address and remembers it (`REDIRECT`, `SO_ORIGINAL_DST`).
    Redirect,
    /// The firewall has left the address alone (`TPROXY`), which is the connection's own end.
    Tproxy,
}

/// Where the client meant to go. `None` for a connection that was not redirected but made to our own port.
pub(crate) fn dialled(stream: &TcpStream, interception: Interception) -> Option<SocketAddr> {
    let local = canonical(stream.local_addr().ok()?);
    let dialled = match (interception, local.is_ipv4()) {
        (Interception::Tproxy, _) => return Some(local),
        (Interception::Redirect, true) => rustix::net::sockopt::ip_original_dst(stream).ok()?.into(),
        (Interception::Redirect, false) => rustix::net::sockopt::ipv6_original_dst(stream).ok()?.into(),
    };
    Some(canonical(dialled)).filter(|dialled| *dialled != local)
}

/// An IPv4 address as such, also where a socket of IPv6 took the connection.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Serves a client that dialled `dialled`: TLS on the ports on which it is expected, HTTP on all others.
pub(crate) async fn serve(door: &Arc<Door>, client: Client, stream: TcpStream, dialled: SocketAddr) {
    if door.settings.connect_ports.contains(&dialled.port()) {
        serve_tls(door, client, stream, dialled).await;
        return;
    }
    let service = service_fn({
        let door = Arc::clone(door);
        move |request: Request<Incoming>| {
            let (door, client) = (Arc::clone(&door), client.clone());
            async move { Ok::<_, Infallible>(answer_direct(door, client, dialled, request).await) }
        }
    });
    speak(door, Wire::Plain(stream), Protocol::Http1, service).await;
}

async fn serve_tls(door: &Arc<Door>, client: Client, stream: TcpStream, dialled: SocketAddr) {
    let opened = Replay::new(Vec::new(), Wire::Plain(stream));
    let (opened, hello) = read_hello(opened, door.settings.limits.hello_deadline).await;
    let Some(host) = named(door, &hello, dialled) else { return };
    let site = Site { host, port: dialled.port() };
    if is_portal(door, &site) {
        match open_portal(door, &client).await {
            Some(portal) => join_portal(door, opened, portal).await,
            None => door.meters.refused(&Failure::PortalDown),
        }
        return;
    }
    if let Some(refusal) = leads_inside(door, &site) {
        let asked = pipeline::Asked { site, path: "/".into(), mode: Mode::Tunnel };
        drop(refuse_for_all(door, client, asked, &Method::CONNECT, refusal));
        return refuse(opened).await;
    }
    match door.judge(&client, &site.host, Seen::Unseen) {
        Ok(judged) => {
            let asked = Asked { door: Arc::clone(door), client, site, judged };
            carry_on(asked.with_offered(hello.ok().as_ref().map(offered)), opened).await;
        }
        Err(failure) => door.meters.refused(&failure),
    }
}

/// The site that a hello names, or the address where it names none.
fn named(door: &Door, hello: &Result<ClientHello, HelloFailure>, dialled: SocketAddr) -> Option<Host> {
    let named = match hello {
        Ok(ClientHello { server_name: NamedServer::Name(name), .. }) => Some(Host::Name(name.clone())),
        Ok(ClientHello { server_name: NamedServer::Absent, .. }) => Some(Host::Address(dialled.ip())),
        Ok(ClientHello { server_name: NamedServer::Invalid, .. })
        | Err(HelloFailure::Hello { .. } | HelloFailure::Timeout) => None,
        // The client went away.
        Err(HelloFailure::Closed | HelloFailure::Read { .. }) => return None,
    };
    if named.is_none() {
        door.meters.hellos_refused.increment();
    }
    named
}

async fn carry_on(asked: Asked, opened: Opened) {
    match way(&asked.judged, &asked.site.host) {
        Way::Tunnel => tunnel(asked, opened).await,
        Way::Inspect => inspect(asked, opened).await,
        Way::Answer if asked.judged.may_answer_tls() => {
            answer_locally(asked.exchange(Mode::LocalAnswer), None, opened).await;
        }
        Way::Answer => {
            asked.door.meters.turned_away.increment();
            asked.exchange(Mode::Tunnel).note_visit();
            refuse(opened).await;
        }
    }
}

async fn tunnel(asked: Asked, opened: Opened) {
    match asked.door.upstream_for(&asked.client).connect_plain(&asked.site.host, asked.site.port).await {
        Ok(connected) => {
            let exchange = asked.exchange(Mode::Tunnel);
            exchange.note_visit();
            carry(&exchange, opened, connected.stream).await;
        }
        Err(failure) => {
            let failure = Failure::from(failure);
            asked.door.meters.refused(&failure);
            let may_answer = asked.judged.may_answer_tls() && failure.is_the_sites();
            let exchange = asked.exchange(if may_answer { Mode::LocalAnswer } else { Mode::Tunnel });
            exchange.set_failed(failure);
            if may_answer {
                answer_locally(exchange, Some(failure), opened).await;
            }
        }
    }
}

/// A device that does not trust our CA is told in the one word that TLS has for it.
async fn refuse(mut opened: Opened) {
    // Whoever does not hear it finds the connection closed.
    let _ = opened.write_all(&ACCESS_DENIED).await;
    let _ = opened.shutdown().await;
}
