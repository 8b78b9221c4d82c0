//! Which addresses are known to trust the school's CA.
//!
//! A device that does not must never be shown a certificate of ours: its person would learn to click warnings away.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How long a completed handshake speaks for its address: a school day with its clubs.
pub const LEARNED_FOR: SignedDuration = SignedDuration::from_hours(12);

/// What was learned from completed handshakes. Bounded; when full, nothing more is learned until something expires.
#[derive(Debug)]
pub struct TrustBook {
    learned: Mutex<HashMap<IpAddr, Timestamp>>,
    max: usize,
}

impl TrustBook {
    pub fn new(max: usize) -> Self {
        Self { learned: Mutex::new(HashMap::new()), max }
    }

    /// A handshake on a name that the school's CA signed was completed from `address`.
    pub fn learn(&self, address: IpAddr, now: Timestamp) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if self.max <= learned.len() && !learned.contains_key(&address) {
            learned.retain(|_, at| now.duration_since(*at) < LEARNED_FOR);
            if self.max <= learned.len() {
                return;
            }
        }
        learned.insert(address, now);
    }

    /// A handshake from `address` failed because our CA is not known there.
    pub fn forget(&self, address: IpAddr) {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    pub fn is_trusting(&self, address: IpAddr, now: Timestamp) -> bool {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.get(&address).is_some_and(|at| now.duration_since(*at) < LEARNED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_learned_bounded_and_ends() {
        let book = TrustBook::new(1);
        let now: Timestamp = "2026-11-24T09:00Z".parse().unwrap();
        let (first, second) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        book.learn(first, now);
        book.learn(second, now);
        assert!(book.is_trusting(first, now) && !book.is_trusting(second, now));
        let evening = now + LEARNED_FOR;
        assert!(!book.is_trusting(first, evening));
        book.learn(second, evening);
        assert!(book.is_trusting(second, evening));
        book.forget(second);
        assert!(!book.is_trusting(second, evening));
    }
}
