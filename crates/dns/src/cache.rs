//! Answers that were given lately, kept for as long as their records say (RFC 1035 §3.2.1, RFC 2308 §5).
//!
//! Two generations to a shard: when the younger is full it becomes the older, and what is asked for meanwhile moves
//! back. That is nearly the order of use, at the price of a hash look-up.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::answer::Answer;
use crate::query::{Query, WireName};
use crate::wire::{NAME_MAX, flag};

/// So many threads rarely meet at one lock.
const SHARDS: usize = 64;
/// What an entry costs beside its bytes.
const OVERHEAD: usize = 192;

/// What an answer is kept under: name in lower case, type, and what else makes it another answer.
#[derive(Clone)]
pub(crate) struct Key {
    bytes: [u8; NAME_MAX + 3],
    length: usize,
}

/// What is done to an answer on its way, beside what upstream says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Held {
    #[default]
    As = 0,
    /// Another name stands in, with which the provider holds its users to safe search.
    Safe = 1,
}

impl Key {
    pub(crate) fn new(query: &Query<'_>, held: Held) -> Self {
        Self::of(&query.name, query.kind, query.wants_dnssec(), query.has(flag::CHECKING_DISABLED), held)
    }

    pub(crate) fn of(name: &WireName, kind: u16, wants_dnssec: bool, unchecked: bool, held: Held) -> Self {
        let mut bytes = [0; NAME_MAX + 3];
        let bits = u8::from(wants_dnssec) | u8::from(unchecked) << 1 | (held as u8) << 2;
        let [high, low] = kind.to_be_bytes();
        // Before the name, so that the whole has no holes; of one class, all that is asked for.
        let parts = [bits, high, low].into_iter().chain(name.as_bytes().iter().copied());
        let mut length = 0;
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
            length += 1;
        }
        Self { bytes, length }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// An answer and its times.
pub(crate) struct Kept {
    pub(crate) answer: Arc<Answer>,
    stored_at: i64,
    /// While it is over its time: when upstream is asked again, in seconds (RFC 8767 §5).
    retry_at: AtomicI64,
}

impl Kept {
    /// In seconds.
    pub(crate) fn age(&self, now: Timestamp) -> u32 {
        u32::try_from(now.as_second().saturating_sub(self.stored_at)).unwrap_or(0)
    }

    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now) < self.answer.ttl
    }

    pub(crate) fn is_resting(&self, now: Timestamp) -> bool {
        now.as_second() < self.retry_at.load(Ordering::Relaxed)
    }

    pub(crate) fn rest_until(&self, second: i64) {
        self.retry_at.store(second, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Shard {
    young: HashMap<Box<[u8]>, Arc<Kept>>,
    old: HashMap<Box<[u8]>, Arc<Kept>>,
    young_bytes: usize,
}

pub(crate) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    hashes: RandomState,
    generation_bytes: usize,
}

impl Cache {
    /// At most `bytes_max` of answers and names.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hashes: RandomState::new(), generation_bytes: bytes_max / SHARDS / 2 }
    }

    /// The answer under `key`, fresh or not.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        let mut shard = self.shard(key)?;
        if let Some(kept) = shard.young.get(key.as_bytes()) {
            return Some(Arc::clone(kept));
        }
        let (name, kept) = shard.old.remove_entry(key.as_bytes())?;
        shard.put(name, Arc::clone(&kept), self.generation_bytes);
        Some(kept)
    }

    pub(crate) fn put(&self, key: &Key, answer: Arc<Answer>, now: Timestamp) {
        let kept = Kept { answer, stored_at: now.as_second(), retry_at: AtomicI64::new(0) };
        if let Some(mut shard) = self.shard(key) {
            shard.old.remove(key.as_bytes());
            shard.put(key.as_bytes().into(), Arc::new(kept), self.generation_bytes);
        }
    }

    fn shard(&self, key: &Key) -> Option<MutexGuard<'_, Shard>> {
        let hash = usize::try_from(self.hashes.hash_one(key.as_bytes()) % (SHARDS as u64)).ok()?;
        Some(self.shards.get(hash)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn put(&mut self, name: Box<[u8]>, kept: Arc<Kept>, generation_bytes: usize) {
        let size = cost(&name, &kept);
        if generation_bytes < self.young_bytes + size {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if size <= generation_bytes {
            let name_length = name.len();
            let before = self.young.insert(name, kept);
            let freed = before.map_or(0, |before| name_length + before.answer.size() + OVERHEAD);
            self.young_bytes = (self.young_bytes + size).saturating_sub(freed);
        }
    }
}

fn cost(name: &[u8], kept: &Kept) -> usize {
    name.len() + kept.answer.size() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        let name = format!("\x06{number:06}\x07example\x00");
        Key::of(&WireName::lowered(name.as_bytes()).unwrap(), 1, false, false, Held::As)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_asked_for() {
        let cache = Cache::new(SHARDS * 4_000);
        let answer = Arc::new(Answer::example(60));
        cache.put(&key(0), Arc::clone(&answer), at(0));
        for number in 1..20_000 {
            cache.put(&key(number), Arc::clone(&answer), at(0));
            assert!(cache.get(&key(0)).is_some(), "after {number}");
        }
        let kept: usize =
            cache.shards.iter().map(|shard| shard.lock().unwrap()).map(|s| s.young.len() + s.old.len()).sum();
        assert!((100..2_000).contains(&kept), "{kept}");
        assert!(cache.get(&key(1)).is_none());
    }

    #[test]
    fn keys_differ_in_all_that_makes_another_answer() {
        let name = WireName::lowered(b"\x01a\x00").unwrap();
        let all: std::collections::HashSet<Vec<u8>> = [1, 28]
            .into_iter()
            .flat_map(|kind| [true, false].map(|dnssec| (kind, dnssec)))
            .flat_map(|(kind, dnssec)| [true, false].map(|unchecked| (kind, dnssec, unchecked)))
            .flat_map(|(kind, dnssec, unchecked)| {
                [Held::As, Held::Safe].map(|held| Key::of(&name, kind, dnssec, unchecked, held).as_bytes().to_vec())
            })
            .collect();
        assert_eq!(all.len(), 16);
    }

    #[test]
    fn answers_grow_old() {
        let cache = Cache::new(1_000_000);
        cache.put(&key(1), Arc::new(Answer::example(60)), at(100));
        let kept = cache.get(&key(1)).unwrap();
        assert!(kept.is_fresh(at(159)) && !kept.is_fresh(at(160)));
        kept.rest_until(170);
        assert!(kept.is_resting(at(169)) && !kept.is_resting(at(170)));
    }
}
