//! Connections to sites that are kept for the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::body::Upload;
use crate::target::Site;

pub(crate) type Sender = SendRequest<Upload>;

/// Kept connections by site. Bounded per site and in all; what there is no room for is closed.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    per_site_max: usize,
    max: usize,
    idle_max: Duration,
}

#[derive(Debug, Default)]
struct Idle {
    by_site: HashMap<Site, Vec<(Sender, Instant)>>,
    count: usize,
}

/// A connection while a request is on it, and where it goes afterwards.
#[derive(Debug)]
pub(crate) struct Lease {
    sender: Sender,
    home: Home,
}

/// Where a connection is kept.
#[derive(Debug, Clone)]
pub(crate) enum Home {
    /// Shared by everybody who asks for the site in the clear.
    Pool(Arc<Pool>, Site),
    /// Belongs to one client's decrypted connection.
    Own(Arc<Mutex<Option<Sender>>>),
    /// Not kept.
    Nowhere,
}

impl Pool {
    pub(crate) fn new(per_site_max: usize, max: usize, idle_max: Duration) -> Self {
        Self { idle: Mutex::new(Idle::default()), per_site_max, max, idle_max }
    }

    /// The connection to `site` that was used last, if one is kept and still open.
    pub(crate) fn take(&self, site: &Site) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { by_site, count } = &mut *idle;
        let kept = by_site.get_mut(site)?;
        let mut busy = Vec::new();
        let mut found = None;
        while let Some((sender, since)) = kept.pop() {
            *count -= 1;
            if sender.is_ready() && since.elapsed() < self.idle_max {
                found = Some(sender);
                break;
            }
            // Its last response is read, but its task has not run since: leave it for the next.
            if !sender.is_closed() && since.elapsed() < self.idle_max {
                busy.push((sender, since));
            }
        }
        *count += busy.len();
        kept.append(&mut busy);
        found
    }

    fn put(&self, site: Site, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if self.max <= idle.count {
            return;
        }
        let kept = idle.by_site.entry(site).or_default();
        if self.per_site_max <= kept.len() {
            return;
        }
        kept.push((sender, Instant::now()));
        idle.count += 1;
    }

    /// Lets go of what is closed or was not used for too long.
    pub(crate) fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.by_site.retain(|_, kept| {
            kept.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < self.idle_max);
            !kept.is_empty()
        });
        idle.count = idle.by_site.values().map(Vec::len).sum();
    }

    /// Sweeps until the program stops.
    pub(crate) async fn keep_swept(self: Arc<Self>, shutdown: schoolgate_runtime::Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.idle_max) => self.sweep(),
                () = shutdown.begun() => break,
            }
        }
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Idle::default();
    }
}

impl Lease {
    pub(crate) fn new(sender: Sender, home: Home) -> Self {
        Self { sender, home }
    }

    /// The response has been read to its end.
    pub(crate) fn end(self) {
        if self.sender.is_closed() {
            return;
        }
        match self.home {
            Home::Pool(pool, site) => pool.put(site, self.sender),
            Home::Own(place) => *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.sender),
            Home::Nowhere => {}
        }
    }
}
