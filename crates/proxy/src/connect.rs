//! CONNECT: decide on the name that was asked for, say whether there is a way, and hold the client to its word: the
//! hello that follows must name the same site.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use schoolgate_base::Host;
use schoolgate_decide::Seen;
use schoolgate_event::{Mode, Offered};
use schoolgate_runtime::Guarded;
use schoolgate_tls::{ClientHello, HelloFailure, NamedServer, Replay, read_hello};
use tracing::debug;

use crate::body::Reply;
use crate::door::{Client, Door};
use crate::exchange::offered;
use crate::failure::Failure;
use crate::inside::answer_locally;
use crate::pipeline::{self, is_portal, leads_inside, refuse_for_all};
use crate::reply::{fail, turn_away};
use crate::target::Site;
use crate::ways::{Asked, Opened, Way, carry, inspect, join_portal, open_portal, wanted, way};
use crate::wire::Wire;

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
    if let Err(failure) = door.ask_for_ticket(&client, &judged) {
        return fail(&door, None, failure);
    }
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

/// `200` to the CONNECT; hyper then hands over the connection.
fn established() -> Response<Reply> {
    Response::new(Reply::empty())
}

/// A device that does not trust our CA gets no certificate of ours, only a word; the portal's home says more.
fn refuse(asked: Asked) -> Response<Reply> {
    let exchange = asked.exchange(Mode::Tunnel);
    exchange.note_visit();
    turn_away(&exchange.door, &wanted(&exchange, false), &exchange.judged)
}

/// The site is connected before the client is told that it is, so that a dead site can be said.
async fn open_tunnel(asked: Asked, upgrade: OnUpgrade) -> Response<Reply> {
    match asked.door.upstream_for(&asked.client).connect_plain(&asked.site.host, asked.site.port).await {
        Ok(connected) => {
            let exchange = asked.exchange(Mode::Tunnel);
            // What goes on inside is not seen, and browsers mostly have one connection to a site.
            exchange.note_visit();
            let tasks = exchange.door.tasks.clone();
            tasks.spawn("tunnel", async move {
                let Some(opened) = opened(upgrade).await else { return };
                let (opened, greeting, offered) = greeted(&exchange.door, &exchange.site, opened).await;
                exchange.note_offered(offered);
                match greeting {
                    Greeting::Right => carry(&exchange, opened, connected.stream).await,
                    Greeting::Wrong => exchange.set_failed(Failure::Hello),
                    Greeting::None => {}
                }
            });
            established()
        }
        Err(failure) => {
            let failure = Failure::from(failure);
            if asked.judged.may_answer_tls() && failure.is_the_sites() {
                spawn_answer(asked, Some(failure), upgrade);
                return established();
            }
            let exchange = asked.exchange(Mode::Tunnel);
            exchange.set_failed(failure);
            fail(&exchange.door, None, failure)
        }
    }
}

fn spawn_inspection(asked: Asked, upgrade: OnUpgrade) {
    let tasks = asked.door.tasks.clone();
    tasks.spawn("decrypted connection", async move {
        let Some(opened) = opened(upgrade).await else { return };
        let (opened, greeting, offered) = greeted(&asked.door, &asked.site, opened).await;
        let asked = asked.with_offered(offered);
        match greeting {
            Greeting::Right => inspect(asked, opened).await,
            Greeting::Wrong => asked.exchange(Mode::Inspected).set_failed(Failure::Hello),
            Greeting::None => {}
        }
    });
}

fn spawn_answer(asked: Asked, failure: Option<Failure>, upgrade: OnUpgrade) {
    let tasks = asked.door.tasks.clone();
    tasks.spawn("local answer", async move {
        let exchange = asked.exchange(Mode::LocalAnswer);
        if let Some(failure) = failure {
            exchange.set_failed(failure);
        }
        let Some(opened) = opened(upgrade).await else { return };
        let (opened, greeting, offered) = greeted(&exchange.door, &exchange.site, opened).await;
        exchange.note_offered(offered);
        match greeting {
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

async fn greeted(door: &Door, site: &Site, opened: Opened) -> (Opened, Greeting, Option<Offered>) {
    let (opened, hello) = read_hello(opened, door.settings.limits.hello_deadline).await;
    let greeting = greeting(site, &hello);
    if greeting == Greeting::Wrong {
        door.meters.hellos_refused.increment();
    }
    (opened, greeting, hello.ok().as_ref().map(offered))
}

fn greeting(site: &Site, hello: &Result<ClientHello, HelloFailure>) -> Greeting {
    match hello {
        Ok(hello) => match (&hello.server_name, &site.host) {
            (NamedServer::Absent, _) => Greeting::Right,
            (NamedServer::Name(named), Host::Name(asked)) if named == asked => Greeting::Right,
            (NamedServer::Name(_) | NamedServer::Invalid, _) => Greeting::Wrong,
        },
        Err(HelloFailure::Hello { .. } | HelloFailure::Timeout) => Greeting::Wrong,
        Err(HelloFailure::Closed | HelloFailure::Read { .. }) => Greeting::None,
    }
}

async fn to_portal(door: &Arc<Door>, client: &Client, upgrade: OnUpgrade) -> Response<Reply> {
    let Some(portal) = open_portal(door, client).await else { return fail(door, None, Failure::PortalDown) };
    let door = Arc::clone(door);
    let tasks = door.tasks.clone();
    tasks.spawn("portal connection", async move {
        if let Some(opened) = opened(upgrade).await {
            join_portal(&door, opened, portal).await;
        }
    });
    established()
}
