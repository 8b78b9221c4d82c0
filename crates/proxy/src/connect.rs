//! CONNECT: decide on the name that was asked for, read the hello, and then tunnel, look inside, or answer in place.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use schoolgate_base::Host;
use schoolgate_decide::{Inspect, Seen, Verdict};
use schoolgate_event::Mode;
use schoolgate_runtime::{Guarded, proxy_protocol};
use schoolgate_tls::{ClientHello, HelloFailure, NamedServer, Protocol, Replay, read_hello};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tracing::debug;

use crate::body::Reply;
use crate::door::{Client, Door, Judged};
use crate::exchange::{About, Exchange};
use crate::failure::Failure;
use crate::inside::{Inside, answer_locally, look_inside};
use crate::link::Link;
use crate::pipeline::{self, is_portal, leads_inside, refuse_for_all};
use crate::pool::{Made, Route};
use crate::reply::{Wanted, fail, turn_away};
use crate::safe_search::is_engine;
use crate::target::Site;
use crate::tunnel;
use crate::wire::Wire;

/// The client's side of a CONNECT, with what was read of it already.
pub(crate) type Opened = Replay<Wire>;

/// How a decided CONNECT is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tunnel,
    /// Decrypt, and decide each request inside.
    Inspect,
    /// Say 303 or 403 in the site's place.
    Answer,
}

/// What was asked for, until the client's bytes can be read.
struct Asked {
    door: Arc<Door>,
    client: Client,
    site: Site,
    judged: Judged,
}

pub(crate) async fn connect(
    door: Arc<Door>,
    client: Client,
    site: Site,
    mut request: Request<Incoming>,
) -> Response<Reply> {
    let upgrade = hyper::upgrade::on(&mut request);
    // Ports before everything: not even the portal is reached on another.
    let is_open = door.settings.connect_ports.contains(&site.port);
    if is_open && is_portal(&door, &site) {
        return to_portal(&door, &client, upgrade).await;
    }
    // Ports and addresses that are refused whoever asks, so nobody is told more by being somebody.
    let refusal = if is_open { leads_inside(&door, &site) } else { Some(Failure::PortRefused) };
    if let Some(refusal) = refusal {
        let asked = pipeline::Asked { site, path: "/".into(), mode: Mode::Tunnel };
        return refuse_for_all(&door, client, asked, request.method(), refusal);
    }
    let judged = match door.judge(&client, &site.host, Seen::Unseen) {
        Ok(judged) => judged,
        Err(failure) => return fail(&door, None, failure),
    };
    let way = way(&judged, &site.host);
    let asked = Asked { door, client, site, judged };
    match way {
        Way::Tunnel => open_tunnel(asked, upgrade).await,
        Way::Inspect => {
            spawn_inspection(asked, upgrade);
            established()
        }
        Way::Answer if asked.judged.may_answer_tls() => {
            spawn_answer(asked, None, upgrade);
            established()
        }
        Way::Answer => refuse(asked),
    }
}

/// How a CONNECT to `host` is carried that was judged so.
pub(crate) fn way(judged: &Judged, host: &Host) -> Way {
    let decision = &judged.decision;
    let is_told = match decision.verdict {
        // Nobody is looked at who has not been told, nor anybody who may be looking for help.
        Verdict::Gate | Verdict::Help => false,
        Verdict::Allow | Verdict::Warn | Verdict::Block => true,
    };
    let is_held = decision.conditions.safe_search && is_engine(host);
    let is_wanted = decision.verdict == Verdict::Allow && (decision.conditions.inspect == Inspect::Wanted || is_held);
    if is_told && judged.may_answer_tls() && (is_wanted || judged.needs_url) {
        return Way::Inspect;
    }
    match decision.verdict {
        Verdict::Allow => Way::Tunnel,
        Verdict::Warn | Verdict::Block | Verdict::Help | Verdict::Gate => Way::Answer,
    }
}

/// `200` to the CONNECT; hyper then hands over the connection.
fn established() -> Response<Reply> {
    Response::new(Reply::empty())
}

/// A device that does not trust our CA gets no certificate of ours, only a word; the portal's home says more.
fn refuse(asked: Asked) -> Response<Reply> {
    let Asked { door, client, site, judged } = asked;
    let exchange = exchange(&door, client, site, judged, Mode::Tunnel);
    exchange.note_visit();
    turn_away(&door, &wanted(&exchange, false), &exchange.judged)
}

fn exchange(door: &Arc<Door>, client: Client, site: Site, judged: Judged, mode: Mode) -> Arc<Exchange> {
    Exchange::new(door, About { client, site, path: None, method: Method::CONNECT, mode }, judged)
}

pub(crate) fn wanted(exchange: &Exchange, is_navigation: bool) -> Wanted<'_> {
    let Judged { identified, decision, .. } = &exchange.judged;
    let (trusts_ca, trace) = (identified.trusts_ca, decision.trace);
    Wanted { scheme: "https", site: &exchange.site, path: "/", is_navigation, trusts_ca, trace }
}

/// The site is connected before the client is told that it is, so that a dead site can be said.
async fn open_tunnel(asked: Asked, upgrade: OnUpgrade) -> Response<Reply> {
    let Asked { door, client, site, judged } = asked;
    match door.upstream.connect_plain(&site.host, site.port).await {
        Ok(connected) => {
            let exchange = exchange(&door, client, site, judged, Mode::Tunnel);
            // What goes on inside is not seen, and browsers mostly have one connection to a site.
            exchange.note_visit();
            let tasks = door.tasks.clone();
            tasks.spawn("tunnel", async move {
                let Some(opened) = opened(upgrade).await else { return };
                let (opened, hello) = read_hello(opened, door.settings.limits.hello_deadline).await;
                match greeting(&door, &exchange.site, &hello) {
                    Greeting::Right => carry(&exchange, opened, connected.stream).await,
                    Greeting::Wrong => exchange.set_failed(Failure::Hello),
                    Greeting::None => {}
                }
            });
            established()
        }
        Err(failure) => {
            let failure = Failure::from(failure);
            if judged.may_answer_tls() && failure.is_the_sites() {
                spawn_answer(Asked { door, client, site, judged }, Some(failure), upgrade);
                return established();
            }
            let exchange = exchange(&door, client, site, judged, Mode::Tunnel);
            exchange.set_failed(failure);
            fail(&door, None, failure)
        }
    }
}

async fn carry(exchange: &Arc<Exchange>, opened: Opened, mut site: TcpStream) {
    let (held, wire) = opened.into_parts();
    exchange.count_up(held.len());
    if site.write_all(&held).await.is_err() {
        return;
    }
    drop(held);
    match wire {
        Wire::Plain(client) => tunnel::join_sockets(exchange, client, site).await,
        Wire::Tls(client) => tunnel::join_streams(exchange, client, site).await,
    }
}

fn spawn_inspection(asked: Asked, upgrade: OnUpgrade) {
    let tasks = asked.door.tasks.clone();
    tasks.spawn("decrypted connection", async move {
        let Asked { door, client, site, judged } = asked;
        let Some(opened) = opened(upgrade).await else { return };
        let (opened, hello) = read_hello(opened, door.settings.limits.hello_deadline).await;
        match greeting(&door, &site, &hello) {
            Greeting::Right => {}
            Greeting::Wrong => {
                return exchange(&door, client, site, judged, Mode::Inspected).set_failed(Failure::Hello);
            }
            Greeting::None => return,
        }
        // The site proves who it is before the client sees a certificate of ours for it.
        match proven(&door, &site).await {
            Ok(made) => look_inside(Inside { door, client, site, judged }, opened, made).await,
            Err(failure) => {
                let exchange = exchange(&door, client, site, judged, Mode::LocalAnswer);
                exchange.set_failed(failure);
                answer_locally(exchange, Some(failure), opened).await;
            }
        }
    });
}

/// A connection by which the site has proved who it is: one that is open already, or a new one.
async fn proven(door: &Arc<Door>, site: &Site) -> Result<Made, Failure> {
    let route = Route { site: site.clone(), is_tls: true };
    if let Some(made) = door.pool.take(&route) {
        return Ok(made);
    }
    let stream = door.upstream.connect_tls(&site.host, site.port, Protocol::Http2).await?;
    Ok(Made::new(Link::open(door, stream).await?))
}

fn spawn_answer(asked: Asked, failure: Option<Failure>, upgrade: OnUpgrade) {
    let tasks = asked.door.tasks.clone();
    tasks.spawn("local answer", async move {
        let Asked { door, client, site, judged } = asked;
        let exchange = exchange(&door, client, site, judged, Mode::LocalAnswer);
        if let Some(failure) = failure {
            exchange.set_failed(failure);
        }
        let Some(opened) = opened(upgrade).await else { return };
        let (opened, hello) = read_hello(opened, door.settings.limits.hello_deadline).await;
        match greeting(&door, &exchange.site, &hello) {
            Greeting::Right => answer_locally(exchange, failure, opened).await,
            // What was decided on is recorded; there was nobody to tell.
            Greeting::Wrong | Greeting::None => {}
        }
    });
}

/// The client's connection after the answer to CONNECT, with what it sent early.
async fn opened(upgrade: OnUpgrade) -> Option<Opened> {
    let upgraded: Upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            debug!("a client went away after CONNECT: {error}");
            return None;
        }
    };
    let parts: Parts<TokioIo<Guarded<Wire>>> = upgraded.downcast().ok()?;
    let held: Bytes = parts.read_buf;
    Some(Replay::new(held.to_vec(), parts.io.into_inner().into_inner()))
}

/// What the first bytes through a CONNECT are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greeting {
    /// A hello for the site that was decided on.
    Right,
    /// Something else. One name for the filter and another for the site is how filters are fooled.
    Wrong,
    /// The client went away: browsers open connections that they then do not need.
    None,
}

fn greeting(door: &Door, site: &Site, hello: &Result<ClientHello, HelloFailure>) -> Greeting {
    let greeting = match hello {
        Ok(hello) => match (&hello.server_name, &site.host) {
            (NamedServer::Absent, _) => Greeting::Right,
            (NamedServer::Name(named), Host::Name(asked)) if named == asked => Greeting::Right,
            (NamedServer::Name(_) | NamedServer::Invalid, _) => Greeting::Wrong,
        },
        Err(HelloFailure::Hello { .. } | HelloFailure::Timeout) => Greeting::Wrong,
        Err(HelloFailure::Closed | HelloFailure::Read { .. }) => Greeting::None,
    };
    if greeting == Greeting::Wrong {
        door.meters.hellos_refused.increment();
    }
    greeting
}

/// Our own parts talk over a socket in the data directory; the header says for which device.
async fn to_portal(door: &Arc<Door>, client: &Client, upgrade: OnUpgrade) -> Response<Reply> {
    let opening = timeout(door.settings.limits.handshake_deadline, UnixStream::connect(&door.settings.portal.socket));
    let mut portal = match opening.await {
        Ok(Ok(portal)) => portal,
        Ok(Err(_)) | Err(_) => return fail(door, None, Failure::PortalDown),
    };
    let header = proxy_protocol::encode(client.peer, client.local);
    if portal.write_all(&header).await.is_err() {
        return fail(door, None, Failure::PortalDown);
    }
    let idle = door.settings.limits.tunnel_idle;
    let shutdown = door.tasks.shutdown();
    let grace = door.settings.limits.drain_grace;
    door.tasks.spawn("portal connection", async move {
        let Some(mut opened) = opened(upgrade).await else { return };
        let draining = async {
            shutdown.begun().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            // A browser closes what it does not use well before; this only ends what nobody ends.
            _ = timeout(idle * 6, copy_bidirectional(&mut opened, &mut portal)) => {}
            () = draining => {}
        }
    });
    established()
}
