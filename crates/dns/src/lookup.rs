//! Look-ups at upstream servers, one at a time for each question, however many clients wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schoolgate_base::{Host, HostName};
use tokio::sync::watch;

use crate::answer::{Answer, Asking};
use crate::cache::Key;
use crate::door::Door;
use crate::failure::Failure;
use crate::query::WireName;
use crate::upstream::Question;
use crate::wire::{rcode, wire_of};

/// After a failure, an answer that is over its time is given out for so long before upstream is asked again, in seconds
/// (RFC 8767 §5).
const REST: i64 = 30;

/// What a look-up has found; `None` while it is under way.
pub(crate) type Found = Option<Result<Arc<Answer>, Failure>>;

/// Look-ups that are under way.
#[derive(Default)]
pub(crate) struct Pending(Mutex<HashMap<Box<[u8]>, watch::Receiver<Found>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, watch::Receiver<Found>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is looked up.
pub(crate) struct Lookup {
    pub(crate) key: Key,
    pub(crate) name: WireName,
    /// `None` for the root.
    pub(crate) host: Option<Host>,
    pub(crate) kind: u16,
    pub(crate) wants_dnssec: bool,
    pub(crate) unchecked: bool,
    /// Asked for in place of the name.
    pub(crate) stand_in: Option<&'static str>,
}

/// Leaves the look-ups under way when it ends, however that is.
struct Underway {
    door: Arc<Door>,
    key: Key,
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.door.pending.lock().remove(self.key.as_bytes());
    }
}

/// Joins the look-up that is under way, or begins one.
pub(crate) fn look_up(door: &Arc<Door>, lookup: Lookup) -> Result<watch::Receiver<Found>, Failure> {
    let mut pending = door.pending.lock();
    if let Some(found) = pending.get(lookup.key.as_bytes()) {
        return Ok(found.clone());
    }
    if door.settings.limits.pending_max <= pending.len() {
        return Err(Failure::Full);
    }
    let (sender, receiver) = watch::channel(None);
    pending.insert(lookup.key.as_bytes().into(), receiver.clone());
    drop(pending);
    door.meters.looked_up.increment();
    let underway = Underway { door: Arc::clone(door), key: lookup.key.clone() };
    door.tasks.spawn("look-up of a name", async move {
        let door = &underway.door;
        let found = resolve(door, &lookup).await;
        keep(door, &lookup, &found, door.clock.now());
        // Whoever comes after this finds it in the cache, and whoever came before is told.
        drop(underway);
        sender.send_replace(Some(found));
    });
    Ok(receiver)
}

async fn resolve(door: &Door, lookup: &Lookup) -> Result<Arc<Answer>, Failure> {
    let Lookup { name, host, kind, wants_dnssec, unchecked, .. } = lookup;
    let (kind, wants_dnssec, unchecked) = (*kind, *wants_dnssec, *unchecked);
    let stand_in = lookup.stand_in.and_then(|other| HostName::parse(other).ok());
    let other_wire = stand_in.as_ref().and_then(|other| WireName::lowered(&wire_of(other)));
    let asked = other_wire.as_ref().unwrap_or(name);
    let question = Question { name: asked, host: host.as_ref(), kind, wants_dnssec, unchecked };
    let message = door.upstreams.ask(&question).await?;
    let inner = &door.settings.inner_names;
    let host = host.as_ref().and_then(Host::name);
    let may_lead_inside = host.is_some_and(|host| inner.iter().any(|inner| host.is_within(inner)));
    let asking = Asking { name: asked.as_bytes(), kind, wants_dnssec, may_lead_inside };
    let answer = Answer::read(&message, &asking).ok_or(Failure::Broken)?;
    let answer = match &stand_in {
        Some(other) => Answer::standing_in(&Asking { name: name.as_bytes(), ..asking }, &answer, other),
        None => Some(answer),
    };
    answer.map(Arc::new).ok_or(Failure::Broken)
}

fn keep(door: &Door, lookup: &Lookup, found: &Result<Arc<Answer>, Failure>, now: Timestamp) {
    let has_failed = found.as_ref().map_or(true, |answer| !is_word(answer));
    if has_failed
        && door.settings.serve_stale.is_some()
        && let Some(kept) = door.cache.get(&lookup.key).filter(|kept| is_word(&kept.answer))
    {
        return kept.rest_until(now.as_second().saturating_add(REST));
    }
    let asking = Asking {
        name: lookup.name.as_bytes(),
        kind: lookup.kind,
        wants_dnssec: lookup.wants_dnssec,
        may_lead_inside: false,
    };
    let answer = match found {
        Ok(answer) => Some(Arc::clone(answer)),
        // RFC 9520 §3.2: a failure is kept for a moment, so that upstream is not flooded with what it cannot tell.
        Err(failure) => Answer::failed(&asking, *failure).map(Arc::new),
    };
    if let Some(answer) = answer.filter(|answer| answer.ttl > 0) {
        door.cache.put(&lookup.key, answer, now);
    }
}

/// Whether it says something about the name.
pub(crate) fn is_word(answer: &Answer) -> bool {
    matches!(answer.rcode, rcode::NO_ERROR | rcode::NX_DOMAIN)
}
