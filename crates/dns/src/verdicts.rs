//! Decisions of the root in force, kept for as long as they hold: most questions are asked again and again.
//!
//! What leaves no trace leaves none here either: help and locked lists are decided each time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jiff::Timestamp;
use schoolgate_base::{DeviceClass, Host};
use schoolgate_decide::snapshot::Member;
use schoolgate_decide::{Decision, Snapshot, Trace};
use schoolgate_identity::Identified;

/// So many threads rarely meet at one lock.
const SHARDS: usize = 64;
/// Decisions in each; of more, all are forgotten.
const KEPT_MAX: usize = 1_024;

pub(crate) struct Verdicts {
    shards: Box<[Mutex<Shard>]>,
    hashes: RandomState,
}

#[derive(Default)]
struct Shard {
    /// The root that all of them are of. It is not held: a shard that nobody asks for would keep an old one.
    snapshot: Weak<Snapshot>,
    kept: HashMap<u64, Kept>,
}

impl Shard {
    fn is_of(&self, snapshot: &Arc<Snapshot>) -> bool {
        // No other root is in the same place while this refers to it.
        std::ptr::eq(self.snapshot.as_ptr(), Arc::as_ptr(snapshot))
    }
}

/// A decision and the facts that it was made on.
struct Kept {
    host: Host,
    persons: Vec<Arc<Member>>,
    place: Option<Box<str>>,
    device_class: Option<DeviceClass>,
    at: Timestamp,
    decision: Decision,
}

impl Kept {
    fn is_about(&self, host: &Host, who: &Identified, now: Timestamp) -> bool {
        let is_same = |(one, other): (&Arc<Member>, &Arc<Member>)| Arc::ptr_eq(one, other);
        self.at <= now
            && self.decision.valid_until.is_none_or(|until| now < until)
            && self.host == *host
            && self.persons.len() == who.persons.len()
            && self.persons.iter().zip(&who.persons).all(is_same)
            && self.place == who.place
            && self.device_class == who.device_class
    }
}

impl Verdicts {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hashes: RandomState::new() }
    }

    /// The decision on these facts by this root, from `decide` where it is not known.
    pub(crate) fn get(
        &self,
        snapshot: &Arc<Snapshot>,
        who: &Identified,
        host: &Host,
        now: Timestamp,
        decide: impl FnOnce() -> Decision,
    ) -> Decision {
        // Persons are told apart by where they are in memory, which nobody else is while they are kept here.
        let first = who.persons.first().map(Arc::as_ptr);
        let hash = self.hashes.hash_one((host, first));
        let shard = usize::try_from(hash % (SHARDS as u64)).ok().and_then(|place| self.shards.get(place));
        let Some(shard) = shard else { return decide() };
        {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if !shard.is_of(snapshot) {
                shard.kept.clear();
                shard.snapshot = Arc::downgrade(snapshot);
            }
            if let Some(kept) = shard.kept.get(&hash).filter(|kept| kept.is_about(host, who, now)) {
                return kept.decision.clone();
            }
        }
        let decision = decide();
        if matches!(decision.trace, Trace::Full | Trace::HostOnly) {
            let kept = Kept {
                host: host.clone(),
                persons: who.persons.clone(),
                place: who.place.clone(),
                device_class: who.device_class.clone(),
                at: now,
                decision: decision.clone(),
            };
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if KEPT_MAX <= shard.kept.len() {
                shard.kept.clear();
            }
            // Another thread may have seen a newer root meanwhile.
            if shard.is_of(snapshot) {
                shard.kept.insert(hash, kept);
            }
        }
        decision
    }
}
