//! Connections to sites that are kept for the next request.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schoolgate_tls::{Agreed, Protocol, Upstream};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as Turn};
use tokio::time::Instant;

use crate::channel::Channel;
use crate::door::Door;
use crate::failure::Failure;
use crate::target::Site;

/// Sites that are remembered as not to be spoken to in HTTP/2; when there are more, all are tried again.
const OLDER_MAX: usize = 4_096;

/// Where a connection leads, and whether its other end has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) site: Site,
    pub(crate) is_tls: bool,
}

/// Kept connections by route. Bounded per route and in all; what there is no room for is closed.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    /// Sites that have asked for HTTP/1.1 after agreeing on HTTP/2 (RFC 9113 §7, `HTTP_1_1_REQUIRED`): those where
    /// people sign in by connection.
    older: Mutex<HashSet<Site>>,
    per_site_max: usize,
    max: usize,
    idle_max: Duration,
    age_max: Duration,
}

#[derive(Debug, Default)]
struct Idle {
    by_route: HashMap<Route, Vec<Kept>>,
    count: usize,
    /// The program stops, and a connection that is kept would keep it.
    is_over: bool,
}

#[derive(Debug)]
struct Kept {
    made: Made,
    since: Instant,
}

/// A connection and when it was made: what was proved then must be proved again some time.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) channel: Channel,
    pub(crate) at: Instant,
    /// What its handshake came to; nothing in the clear.
    pub(crate) agreed: Option<Agreed>,
}

/// A connection while a request is on it, and where it goes afterwards.
#[derive(Debug)]
pub(crate) struct Lease {
    made: Made,
    home: Home,
}

/// Where a connection is kept.
#[derive(Debug, Clone)]
pub(crate) enum Home {
    /// Shared by everybody who asks for the site in the clear.
    Pool(Arc<Pool>, Route),
    /// Belongs to one client's decrypted connection for as long as that is open.
    Own(Arc<Own>),
    /// Not kept.
    Nowhere,
}

/// The connections that one client's decrypted connection has to its site. Nobody else's requests go by them in the
/// meantime: a client that takes nothing holds up only itself. Afterwards they are kept for the next client.
#[derive(Debug)]
pub(crate) struct Own {
    pool: Arc<Pool>,
    route: Route,
    held: Mutex<Vec<Made>>,
    connecting: AsyncMutex<()>,
    /// Somebody has signed in by connection, which must not be handed on.
    is_bound: AtomicBool,
}

impl Pool {
    pub(crate) fn new(per_site_max: usize, max: usize, idle_max: Duration, age_max: Duration) -> Self {
        Self { idle: Mutex::default(), older: Mutex::default(), per_site_max, max, idle_max, age_max }
    }

    /// The newest version in which `site` may be spoken to.
    pub(crate) fn newest(&self, site: &Site) -> Protocol {
        if self.lock_older().contains(site) { Protocol::Http1 } else { Protocol::Http2 }
    }

    /// `site` has agreed on HTTP/2 and then asked for HTTP/1.1.
    pub(crate) fn note_older(&self, site: &Site) {
        let mut older = self.lock_older();
        if OLDER_MAX <= older.len() {
            older.clear();
        }
        older.insert(site.clone());
    }

    fn lock_older(&self) -> MutexGuard<'_, HashSet<Site>> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, if one is kept and still open.
    pub(crate) fn take(&self, route: &Route) -> Option<Made> {
        let mut idle = self.lock();
        let Idle { by_route, count, .. } = &mut *idle;
        let kept = by_route.get_mut(route)?;
        let mut busy = Vec::new();
        let mut found = None;
        while let Some(last) = kept.pop() {
            *count -= 1;
            if !self.is_fresh(&last) {
                continue;
            }
            if last.made.channel.is_ready() {
                found = Some(last.made);
                break;
            }
            // Its last response is read, but its task has not run since: leave it for the next.
            busy.push(last);
        }
        *count += busy.len();
        kept.append(&mut busy);
        found
    }

    fn put(&self, route: Route, made: Made) {
        let mut idle = self.lock();
        if idle.is_over || self.max <= idle.count {
            return;
        }
        let kept = idle.by_route.entry(route).or_default();
        if self.per_site_max <= kept.len() {
            return;
        }
        kept.push(Kept { made, since: Instant::now() });
        idle.count += 1;
    }

    fn is_fresh(&self, kept: &Kept) -> bool {
        !kept.made.channel.is_closed() && kept.since.elapsed() < self.idle_max && kept.made.at.elapsed() < self.age_max
    }

    /// Lets go of what is closed, was not used for too long, or was made too long ago.
    pub(crate) fn sweep(&self) {
        let mut idle = self.lock();
        idle.by_route.retain(|_, kept| {
            kept.retain(|kept| self.is_fresh(kept));
            !kept.is_empty()
        });
        idle.count = idle.by_route.values().map(Vec::len).sum();
    }

    /// Sweeps until the program stops.
    pub(crate) async fn keep_swept(self: Arc<Self>, shutdown: schoolgate_runtime::Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.idle_max) => self.sweep(),
                () = shutdown.begun() => break,
            }
        }
        *self.lock() = Idle { is_over: true, ..Idle::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    /// The first of them is the one by which the site has proved who it is.
    pub(crate) fn new(pool: Arc<Pool>, route: Route, first: Made) -> Arc<Self> {
        Arc::new(Self {
            pool,
            route,
            held: Mutex::new(vec![first]),
            connecting: AsyncMutex::default(),
            is_bound: AtomicBool::new(false),
        })
    }

    fn take(&self) -> Option<Made> {
        self.take_shared().or_else(|| self.lock().pop()).or_else(|| self.pool.take(&self.route))
    }

    /// Another hold on a connection where requests go side by side.
    fn take_shared(&self) -> Option<Made> {
        let newest = self.pool.newest(&self.route.site);
        let mut held = self.lock();
        held.retain(|made| {
            let is_fresh = !made.channel.is_closed() && made.at.elapsed() < self.pool.age_max;
            is_fresh && made.channel.protocol() <= newest
        });
        held.iter().find_map(Made::shared)
    }

    /// Makes a new connection known to the requests that come beside this one.
    fn share(&self, made: &Made) {
        if let Some(shared) = made.shared() {
            self.lock().push(shared);
        }
    }

    fn put(&self, made: Made) {
        // What goes side by side has stayed here.
        if made.shared().is_none() {
            self.lock().push(made);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Made>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.is_bound.load(Ordering::Relaxed) {
            return;
        }
        for made in std::mem::take(&mut *self.lock()) {
            if !made.channel.is_closed() {
                self.pool.put(self.route.clone(), made);
            }
        }
    }
}

impl Made {
    pub(crate) fn new(channel: Channel, agreed: Option<Agreed>) -> Self {
        Self { channel, at: Instant::now(), agreed }
    }

    /// A new connection by which `site` has proved who it is.
    pub(crate) async fn proven(door: &Door, upstream: &Upstream, site: &Site) -> Result<Self, Failure> {
        let stream = upstream.connect_tls(&site.host, site.port, door.pool.newest(site)).await?;
        let agreed = Agreed::of(stream.get_ref().1);
        Ok(Self::new(Channel::open(door, stream).await?, Some(agreed)))
    }

    fn shared(&self) -> Option<Self> {
        Some(Self { channel: self.channel.shared()?, at: self.at, agreed: self.agreed })
    }
}

impl Home {
    /// A connection that is open already.
    pub(crate) fn take(&self) -> Option<Made> {
        match self {
            Self::Pool(pool, route) => pool.take(route),
            Self::Own(own) => own.take(),
            Self::Nowhere => None,
        }
    }

    /// A turn to connect: the requests of one client wait for each other, since one connection may do for all. With it
    /// the connection that another has made in the meantime.
    pub(crate) async fn turn(&self) -> (Option<Turn<'_, ()>>, Option<Made>) {
        match self {
            Self::Own(own) => {
                let turn = own.connecting.lock().await;
                (Some(turn), own.take_shared())
            }
            Self::Pool(..) | Self::Nowhere => (None, None),
        }
    }

    /// A connection that was made for a request of this home.
    pub(crate) fn welcome(&self, made: &Made) {
        if let Self::Own(own) = self {
            own.share(made);
        }
    }

    /// Where the connection goes whose request signs somebody in on it: to nobody else.
    pub(crate) fn bound(self) -> Self {
        match self {
            Self::Own(own) => {
                own.is_bound.store(true, Ordering::Relaxed);
                Self::Own(own)
            }
            Self::Pool(..) | Self::Nowhere => Self::Nowhere,
        }
    }
}

impl Lease {
    pub(crate) fn new(made: Made, home: Home) -> Self {
        Self { made, home }
    }

    /// The response has been read to its end.
    pub(crate) fn end(self) {
        if self.made.channel.is_closed() {
            return;
        }
        match self.home {
            Home::Pool(pool, route) => pool.put(route, self.made),
            Home::Own(own) => own.put(self.made),
            Home::Nowhere => {}
        }
    }
}
