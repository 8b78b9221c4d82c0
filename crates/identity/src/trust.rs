//! Which addresses are known to trust the school's CA.
//!
//! A device that does not must never be shown a certificate of ours: its person would learn to click warnings away.
//! An app that trusts its own roots only says of its own sites that it does not know our CA, and nothing of the device;
//! so an alert speaks for the site it came on, and for the device only when several sites in a row have one.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::Host;

/// How long a completed handshake speaks for its address: a school day with its clubs.
pub const LEARNED_FOR: SignedDuration = SignedDuration::from_hours(12);
/// Alerts on so many sites, with no handshake between them, are the device's and not an app's.
const ALERTS_MAX: usize = 3;
/// Sites of one address that are remembered as closed to us; of more, the longest known is forgotten.
const REFUSING_MAX: usize = 16;

/// What was learned from handshakes. Bounded; when full, the address whose last handshake is longest ago makes room.
#[derive(Debug)]
pub struct TrustBook {
    learned: Mutex<HashMap<IpAddr, Learned>>,
    max: usize,
    /// Which sites a device met is nobody's business, so only their hashes under a key of this process are kept.
    hashes: RandomState,
    /// Of the CA that all this is about; 0 before it is said.
    generation: AtomicU64,
}

#[derive(Debug)]
struct Learned {
    at: Timestamp,
    /// Sites on which our CA is not known.
    refusing: Vec<u64>,
    /// Of those, the ones since the last handshake that was completed.
    in_a_row: Vec<u64>,
}

impl TrustBook {
    pub fn new(max: usize) -> Self {
        Self { learned: Mutex::new(HashMap::new()), max, hashes: RandomState::new(), generation: AtomicU64::new(0) }
    }

    /// The CA of `generation` signs. When another did before, nothing is known of any device: which of the two a device
    /// has shows at its next handshake.
    pub fn follow(&self, generation: u64) {
        let before = self.generation.load(Ordering::Relaxed);
        if before != generation && self.generation.swap(generation, Ordering::Relaxed) != generation && before != 0 {
            self.lock().clear();
        }
    }

    /// A handshake on a name that the school's CA signed was completed from `address`.
    pub fn learn(&self, address: IpAddr, now: Timestamp) {
        let mut learned = self.lock();
        if let Some(known) = learned.get_mut(&address) {
            known.at = now;
            known.in_a_row.clear();
            return;
        }
        if self.max <= learned.len() {
            let oldest = learned.iter().min_by_key(|(_, known)| known.at).map(|(address, _)| *address);
            learned.retain(|other, _| Some(*other) != oldest);
        }
        learned.insert(address, Learned { at: now, refusing: Vec::new(), in_a_row: Vec::new() });
    }

    /// As [`TrustBook::learn`], where somebody else has seen it of the CA of `generation`: of another one than signs here,
    /// it says nothing.
    pub fn learn_of(&self, generation: u64, address: IpAddr, at: Timestamp) {
        // Before anybody has said which one signs here, it may be this.
        let _ = self.generation.compare_exchange(0, generation, Ordering::Relaxed, Ordering::Relaxed);
        if self.generation.load(Ordering::Relaxed) == generation {
            self.learn(address, at);
        }
    }

    /// As [`TrustBook::learn`], in the name of `host`.
    pub fn learn_on(&self, address: IpAddr, host: &Host, now: Timestamp) {
        self.learn(address, now);
        let site = self.hashes.hash_one(host);
        if let Some(known) = self.lock().get_mut(&address) {
            known.refusing.retain(|other| *other != site);
        }
    }

    /// A handshake from `address` in the name of `host` failed because our CA is not known there.
    pub fn doubt(&self, address: IpAddr, host: &Host) {
        let site = self.hashes.hash_one(host);
        let mut learned = self.lock();
        let Some(known) = learned.get_mut(&address) else { return };
        for sites in [&mut known.refusing, &mut known.in_a_row] {
            if !sites.contains(&site) {
                sites.push(site);
            }
        }
        if ALERTS_MAX <= known.in_a_row.len() {
            learned.remove(&address);
        } else if REFUSING_MAX < known.refusing.len() {
            known.refusing.remove(0);
        }
    }

    pub fn is_trusting(&self, address: IpAddr, now: Timestamp) -> bool {
        let learned = self.lock();
        learned.get(&address).is_some_and(|known| now.duration_since(known.at) < LEARNED_FOR)
    }

    /// Whether a certificate of ours for `host` is known to be refused from `address`.
    pub fn is_doubted(&self, address: IpAddr, host: &Host) -> bool {
        let site = self.hashes.hash_one(host);
        self.lock().get(&address).is_some_and(|known| known.refusing.contains(&site))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Learned>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn another_ca_begins_with_nobody() {
        let book = TrustBook::new(2);
        let (now, address) = (at("2026-11-24T09:00Z"), "10.0.0.1".parse().unwrap());
        book.learn(address, now);
        book.follow(7);
        book.follow(7);
        assert!(book.is_trusting(address, now));
        book.follow(8);
        assert!(!book.is_trusting(address, now));
        book.learn(address, now);
        book.follow(8);
        assert!(book.is_trusting(address, now));
    }

    #[test]
    fn what_others_saw_of_another_ca_says_nothing() {
        let book = TrustBook::new(2);
        let (now, address) = (at("2026-11-24T09:00Z"), "10.0.0.1".parse().unwrap());
        book.learn_of(7, address, now);
        assert!(book.is_trusting(address, now), "nobody has said yet which one signs here");
        book.follow(8);
        assert!(!book.is_trusting(address, now));
        book.learn_of(7, address, now);
        assert!(!book.is_trusting(address, now));
        book.learn_of(8, address, now);
        assert!(book.is_trusting(address, now));
    }

    #[test]
    fn trust_is_learned_and_ends() {
        let book = TrustBook::new(2);
        let (now, address) = (at("2026-11-24T09:00Z"), "10.0.0.1".parse().unwrap());
        book.learn(address, now);
        assert!(book.is_trusting(address, now) && !book.is_trusting("10.0.0.2".parse().unwrap(), now));
        assert!(!book.is_trusting(address, now + LEARNED_FOR));
    }

    #[test]
    fn the_oldest_makes_room() {
        let book = TrustBook::new(2);
        let moment = |minutes| at("2026-11-24T09:00Z") + SignedDuration::from_mins(minutes);
        let addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| text.parse::<IpAddr>().unwrap());
        book.learn(addresses[0], moment(0));
        book.learn(addresses[1], moment(1));
        book.learn(addresses[0], moment(2));
        book.learn(addresses[2], moment(3));
        assert_eq!(addresses.map(|address| book.is_trusting(address, moment(3))), [true, false, true]);
    }

    #[test]
    fn an_alert_speaks_for_its_site_and_three_in_a_row_for_the_device() {
        let book = TrustBook::new(8);
        let (now, address) = (at("2026-11-24T09:00Z"), "10.0.0.1".parse().unwrap());
        book.learn(address, now);
        for _ in 0..5 {
            book.doubt(address, &host("app.example"));
        }
        assert!(book.is_trusting(address, now) && book.is_doubted(address, &host("app.example")));
        assert!(!book.is_doubted(address, &host("news.example")));
        book.doubt(address, &host("other.example"));
        book.learn_on(address, &host("news.example"), now);
        book.doubt(address, &host("third.example"));
        assert!(book.is_trusting(address, now), "there was a handshake between them");
        book.learn_on(address, &host("app.example"), now);
        assert!(!book.is_doubted(address, &host("app.example")));
        for name in ["a.example", "b.example", "c.example"] {
            book.doubt(address, &host(name));
        }
        assert!(!book.is_trusting(address, now));
    }

    #[test]
    fn doubts_are_bounded() {
        let book = TrustBook::new(8);
        let (now, address) = (at("2026-11-24T09:00Z"), "10.0.0.1".parse().unwrap());
        for number in 0..100 {
            book.learn(address, now);
            book.doubt(address, &host(&format!("app{number}.example")));
        }
        assert_eq!(book.lock()[&address].refusing.len(), REFUSING_MAX);
        assert!(book.is_doubted(address, &host("app99.example")));
    }
}
