//! One request or tunnel from decision to end, and the event that remains of it.
//!
//! The event is recorded when the last part of the exchange is dropped, so that bytes and duration are known however
//! it ends. What may not be recorded is thrown away here and nowhere else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use schoolgate_decide::Trace;
use schoolgate_event as event;
use schoolgate_event::{Door as At, Event, LockedHit, Mode, Recorded, Traffic};
use schoolgate_tls::{Agreed, ClientHello, Offer, Protocol};
use tokio::time::Instant;

use crate::door::{Client, Door, Judged};
use crate::failure::Failure;
use crate::standing::{Kept, Stand};
use crate::target::Site;

const CLIENTS_TURN: u64 = u64::MAX;

/// A judged request, or a tunnel, while it lasts.
pub(crate) struct Exchange {
    pub(crate) door: Arc<Door>,
    pub(crate) client: Client,
    pub(crate) site: Site,
    /// Path and query, where this door has seen them.
    pub(crate) path: Option<Box<str>>,
    pub(crate) method: Method,
    pub(crate) judged: Judged,
    pub(crate) mode: Mode,
    began: Instant,
    up: AtomicU64,
    /// When the last part of the request's body went on, in milliseconds after `began` and one; 0 where none has,
    /// [`CLIENTS_TURN`] while the client is waited for.
    uploaded: AtomicU64,
    down: AtomicU64,
    has_failed: AtomicBool,
    is_refused: AtomicBool,
    /// A person's visit that no page of the portal follows, which counts those that lead to it.
    is_visit: AtomicBool,
    /// What is seen of TLS where nothing of ours is inside.
    hello: OnceLock<event::Offered>,
}

/// What an exchange is about.
pub(crate) struct About {
    pub(crate) client: Client,
    pub(crate) site: Site,
    pub(crate) path: Option<Box<str>>,
    pub(crate) method: Method,
    pub(crate) mode: Mode,
}

impl Exchange {
    pub(crate) fn new(door: &Arc<Door>, about: About, judged: Judged) -> Arc<Self> {
        let About { client, site, path, method, mode } = about;
        Arc::new(Self {
            door: Arc::clone(door),
            client,
            site,
            path,
            method,
            judged,
            mode,
            began: Instant::now(),
            up: AtomicU64::new(0),
            uploaded: AtomicU64::new(0),
            down: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
            is_visit: AtomicBool::new(false),
            hello: OnceLock::new(),
        })
    }

    pub(crate) fn count_up(&self, bytes: usize) {
        self.up.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn count_down(&self, bytes: usize) {
        self.down.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    /// The next part of the request's body is the client's to send.
    pub(crate) fn note_clients_turn(&self) {
        self.uploaded.store(CLIENTS_TURN, Ordering::Relaxed);
    }

    /// A part of the request's body, or its end, went on to the site.
    pub(crate) fn note_uploaded(&self) {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
        self.uploaded.store(passed.saturating_add(1), Ordering::Relaxed);
    }

    /// Since when the site has what there is of the request's body: not yet, while the client is waited for.
    pub(crate) fn uploaded_at(&self) -> Option<Instant> {
        match self.uploaded.load(Ordering::Relaxed) {
            CLIENTS_TURN => Some(Instant::now()),
            at => self.began.checked_add(Duration::from_millis(at.checked_sub(1)?)),
        }
    }

    /// Bytes in both directions so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.up.load(Ordering::Relaxed).wrapping_add(self.down.load(Ordering::Relaxed))
    }

    /// The site could not be reached as it should be.
    pub(crate) fn set_failed(&self, failure: Failure) {
        // What is opened by no policy is another thing than a site that is down.
        let is_refused = matches!(failure, Failure::Inner(_) | Failure::PortRefused | Failure::Hello);
        let flag = if is_refused { &self.is_refused } else { &self.has_failed };
        flag.store(true, Ordering::Relaxed);
    }

    /// Somebody is looking at what comes back, or may be: where only a count remains, this is one more.
    pub(crate) fn note_visit(&self) {
        self.is_visit.store(true, Ordering::Relaxed);
    }

    /// What the client's hello offered, where the exchange was there before it.
    pub(crate) fn note_offered(&self, offered: Option<event::Offered>) {
        if let Some(offered) = offered {
            let _ = self.hello.set(offered);
        }
    }

    /// Enters the exchange among those that are judged again at each new root.
    pub(crate) fn stand(&self) -> Stand {
        let kept = Kept {
            client: self.client.clone(),
            host: self.site.host.clone(),
            path: self.path.clone(),
            mode: self.mode,
        };
        self.door.standing.enter(kept, &self.judged, || self.door.snapshots.borrow().root.number)
    }

    fn event(&self) -> Option<Event> {
        let school = self.door.settings.school.clone();
        let who = self.judged.identified.who();
        match self.judged.decision.trace {
            Trace::CountOnly => None,
            Trace::HashOnly => Some(Event::LockedHit(LockedHit {
                school,
                at: self.judged.at,
                door: At::Proxy,
                device: who.device,
                place: who.place,
                address: self.door.seals.locked(&self.site.host),
                list: LockedHit::list_of(&self.judged.decision.reason),
                snapshot: self.judged.snapshot,
            })),
            Trace::Full | Trace::HostOnly => Some(Event::Decision(event::Decision {
                school,
                at: self.judged.at,
                door: At::Proxy,
                who,
                host: self.site.host.clone(),
                url: self.url(),
                method: self.method().into(),
                verdict: self.verdict(),
                reason: (&self.judged.decision.reason).into(),
                snapshot: self.judged.snapshot,
                traffic: Traffic {
                    bytes_up: self.up.load(Ordering::Relaxed),
                    bytes_down: self.down.load(Ordering::Relaxed),
                    duration_ms: u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX),
                },
                mode: self.mode,
                tls: self.tls(),
            })),
        }
    }

    fn tls(&self) -> Option<Box<event::Tls>> {
        let tls = match (&self.client.tls, self.hello.get()) {
            (Some(tls), _) => event::Tls::clone(tls),
            (None, Some(hello)) => event::Tls { offered: Some(hello.clone()), ..event::Tls::default() },
            (None, None) => return None,
        };
        Some(Box::new(tls))
    }

    /// A client may make up methods, and would write what it likes into the events.
    fn method(&self) -> &str {
        match self.method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::DELETE
            | Method::CONNECT
            | Method::OPTIONS
            | Method::TRACE
            | Method::PATCH => self.method.as_str(),
            _ => "other",
        }
    }

    fn url(&self) -> Option<Box<str>> {
        if self.judged.decision.trace != Trace::Full {
            return None;
        }
        let path = self.path.as_deref()?;
        let (scheme, port) = match self.mode {
            Mode::Plain => ("http://", 80),
            Mode::Tunnel | Mode::Inspected | Mode::LocalAnswer => ("https://", 443),
        };
        Some([scheme, &self.site.authority(port), path].concat().into())
    }

    fn verdict(&self) -> event::Verdict {
        if self.is_refused.load(Ordering::Relaxed) {
            return event::Verdict::Refused;
        }
        if self.has_failed.load(Ordering::Relaxed) {
            return event::Verdict::Failed;
        }
        (&self.judged.decision).into()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let door = &self.door;
        match self.event() {
            Some(event) => {
                if door.recorder.record(event) == Recorded::Dropped {
                    door.meters.events_dropped.increment();
                }
            }
            None if !self.is_visit.load(Ordering::Relaxed) => {}
            None => {
                let local = door.snapshots.borrow().program.calendar.local(self.judged.at);
                door.recorder.help_visited(&door.settings.school, local.date());
            }
        }
    }
}

pub(crate) fn offered(hello: &ClientHello) -> event::Offered {
    let Offer { version, ciphers, groups, protocols, has_ech } = hello.offer.clone();
    event::Offered { version, ciphers, groups, protocols, has_ech }
}

pub(crate) fn agreed(agreed: &Agreed) -> event::Agreed {
    let protocol = match agreed.protocol {
        Protocol::Http1 => "http/1.1",
        Protocol::Http2 => "h2",
    };
    event::Agreed {
        version: agreed.version.into(),
        cipher: agreed.cipher.into(),
        group: agreed.group.into(),
        protocol: protocol.into(),
    }
}
