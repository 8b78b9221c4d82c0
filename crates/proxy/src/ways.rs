//! The three ways of a connection whose name is decided on and whose hello is read: tunnel, look inside, or answer in
//! the site's place. The same for a `CONNECT` and for a connection that was intercepted.

use std::sync::Arc;

use http::Method;
use schoolgate_base::Host;
use schoolgate_decide::{Inspect, Seen, Verdict};
use schoolgate_event::{self as event, Mode};
use schoolgate_runtime::proxy_protocol;
use schoolgate_tls::{Replay, UpstreamFailure};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::door::{Client, Door, Judged};
use crate::exchange::{About, Exchange};
use crate::failure::Failure;
use crate::inside::{Inside, answer_locally, look_inside};
use crate::pool::{Made, Route};
use crate::reply::Wanted;
use crate::safe_search::is_engine;
use crate::target::Site;
use crate::tunnel;
use crate::wire::Wire;

/// The client's side of a connection, with what was read of it already.
pub(crate) type Opened = Replay<Wire>;

/// How a decided connection is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tunnel,
    /// Decrypt, and decide each request inside.
    Inspect,
    /// Say 303 or 403 in the site's place.
    Answer,
}

/// What was asked for.
pub(crate) struct Asked {
    pub(crate) door: Arc<Door>,
    pub(crate) client: Client,
    pub(crate) site: Site,
    pub(crate) judged: Judged,
}

impl Asked {
    /// With what the client's hello offered.
    pub(crate) fn with_offered(self, offered: Option<event::Offered>) -> Self {
        let tls = offered.map(|offered| event::Tls { offered: Some(offered), ..event::Tls::default() });
        Self { client: Client { tls: tls.map(Arc::new), ..self.client }, ..self }
    }

    /// What is recorded of it, carried so.
    pub(crate) fn exchange(self, mode: Mode) -> Arc<Exchange> {
        let Self { door, client, site, judged } = self;
        Exchange::new(&door, About { client, site, path: None, method: Method::CONNECT, mode }, judged)
    }
}

/// How a connection to `host` is carried that was judged so.
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

pub(crate) fn wanted(exchange: &Exchange, is_navigation: bool) -> Wanted<'_> {
    let Judged { identified, decision, .. } = &exchange.judged;
    let (trusts_ca, trace) = (identified.trusts_ca, decision.trace);
    Wanted { scheme: "https", site: &exchange.site, path: "/", is_navigation, trusts_ca, trace }
}

/// Bytes in both directions, beginning with those that were read.
pub(crate) async fn carry(exchange: &Arc<Exchange>, opened: Opened, mut site: TcpStream) {
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

pub(crate) async fn inspect(asked: Asked, opened: Opened) {
    // The site proves who it is before the client sees a certificate of ours for it.
    match proven(&asked).await {
        Ok(made) => {
            let Asked { door, client, site, judged } = asked;
            look_inside(Inside { door, client, site, judged }, opened, made).await;
        }
        Err(Failure::Upstream(UpstreamFailure::ClientCertificate)) if !is_engine(&asked.site.host) => {
            asked.door.upstream.learned().note_client_certificate(&asked.site.host, asked.door.clock.now());
            splice(asked, opened).await;
        }
        Err(failure) => {
            let exchange = asked.exchange(Mode::LocalAnswer);
            exchange.set_failed(failure);
            answer_locally(exchange, Some(failure), opened).await;
        }
    }
}

/// What turned out to be closed to us goes on as a tunnel, where the name alone allows it; the client has not had a byte
/// of ours inside yet (check table P11).
async fn splice(asked: Asked, opened: Opened) {
    let Asked { door, client, site, .. } = &asked;
    let now = door.clock.now();
    let Some(judged) = door.judge_again(&door.snapshot(), client, &site.host, Seen::Unseen, now) else { return };
    let is_carried = way(&judged, &site.host) == Way::Tunnel;
    let exchange = Asked { judged, ..asked }.exchange(Mode::Tunnel);
    exchange.note_visit();
    if !is_carried {
        return;
    }
    let upstream = exchange.door.upstream_for(&exchange.client);
    match upstream.connect_plain(&exchange.site.host, exchange.site.port).await {
        Ok(connected) => carry(&exchange, opened, connected.stream).await,
        Err(failure) => exchange.set_failed(failure.into()),
    }
}

/// A connection by which the site has proved who it is: one that is open already, or a new one.
async fn proven(asked: &Asked) -> Result<Made, Failure> {
    let Asked { door, client, site, .. } = asked;
    let route = Route { site: site.clone(), is_tls: true };
    if let Some(made) = door.pool.take(&route) {
        return Ok(made);
    }
    Box::pin(Made::proven(door, &door.upstream_for(client), site)).await
}

/// The portal's end of a connection. Our own parts talk over a socket in the data directory; the header says for which
/// device.
pub(crate) async fn open_portal(door: &Door, client: &Client) -> Option<UnixStream> {
    let opening = timeout(door.settings.limits.handshake_deadline, UnixStream::connect(&door.settings.portal.socket));
    let mut portal = opening.await.ok()?.ok()?;
    portal.write_all(&proxy_protocol::encode(client.peer, client.local)).await.ok()?;
    Some(portal)
}

pub(crate) async fn join_portal(door: &Door, mut opened: Opened, mut portal: UnixStream) {
    let limits = &door.settings.limits;
    tokio::select! {
        // A browser closes what it does not use well before; this only ends what nobody ends.
        _ = timeout(limits.tunnel_idle * 6, copy_bidirectional(&mut opened, &mut portal)) => {}
        () = door.grace_over() => {}
    }
}
