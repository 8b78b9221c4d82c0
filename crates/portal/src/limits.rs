//! How often somebody may try: a bounded table of allowances that fill up again with time.
//!
//! When the table is full the allowance longest untouched makes room: memory never grows, and a flood of new
//! addresses can at worst forget old ones.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How many tries, and how long until all of them are back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) tries: u32,
    pub(crate) refill: SignedDuration,
}

#[derive(Debug)]
pub(crate) struct Limits<K> {
    allowance: Allowance,
    entries_max: usize,
    entries: Mutex<HashMap<K, Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    left: f64,
    at: Timestamp,
}

impl<K: Hash + Eq + Clone> Limits<K> {
    pub(crate) fn new(allowance: Allowance, entries_max: usize) -> Self {
        Self { allowance, entries_max, entries: Mutex::new(HashMap::new()) }
    }

    /// Takes one try; `false` when none is left.
    pub(crate) fn take(&self, key: &K, now: Timestamp) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !entries.contains_key(key) && self.entries_max <= entries.len() {
            self.make_room(&mut entries, now);
        }
        let full = f64::from(self.allowance.tries);
        let entry = entries.entry(key.clone()).or_insert(Entry { left: full, at: now });
        let passed = now.duration_since(entry.at).as_secs_f64().max(0.0);
        entry.left = (entry.left + passed * full / self.allowance.refill.as_secs_f64()).min(full);
        entry.at = now;
        let is_left = 1.0 <= entry.left;
        if is_left {
            entry.left -= 1.0;
        }
        is_left
    }

    /// Gives all tries back, after one that turned out right.
    pub(crate) fn forget(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Gives one try back, after one that turned out right where others may have been wrong.
    pub(crate) fn give_back(&self, key: &K) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(key) {
            entry.left = (entry.left + 1.0).min(f64::from(self.allowance.tries));
        }
    }

    fn make_room(&self, entries: &mut HashMap<K, Entry>, now: Timestamp) {
        entries.retain(|_, entry| now.duration_since(entry.at) < self.allowance.refill);
        if entries.len() < self.entries_max {
            return;
        }
        let oldest = entries.iter().min_by_key(|(_, entry)| entry.at).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn tries_run_out_and_come_back() {
        let limits = Limits::new(Allowance { tries: 2, refill: SignedDuration::from_secs(60) }, 10);
        assert!(limits.take(&"a", at(0)) && limits.take(&"a", at(0)));
        assert!(!limits.take(&"a", at(1)));
        assert!(limits.take(&"b", at(1)));
        assert!(limits.take(&"a", at(31)));
        limits.forget(&"a");
        assert!(limits.take(&"a", at(31)) && limits.take(&"a", at(31)));
    }

    #[test]
    fn one_right_try_gives_back_itself_alone() {
        let limits = Limits::new(Allowance { tries: 3, refill: SignedDuration::from_secs(60) }, 10);
        limits.give_back(&"a");
        assert!(limits.take(&"a", at(0)) && limits.take(&"a", at(0)));
        limits.give_back(&"a");
        assert!(limits.take(&"a", at(0)) && limits.take(&"a", at(0)));
        assert!(!limits.take(&"a", at(0)));
    }

    #[test]
    fn the_table_never_grows_over_its_bound() {
        let limits = Limits::new(Allowance { tries: 1, refill: SignedDuration::from_secs(60) }, 3);
        for number in 0..100 {
            limits.take(&number, at(0));
        }
        assert_eq!(limits.entries.lock().unwrap().len(), 3);
    }
}
