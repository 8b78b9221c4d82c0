//! What the proxy asks of the rest of the program, as traits: it knows neither keys nor pages.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_decide::redirect::{Because, Redirect};
use schoolgate_event::LockedHash;

/// Seals what a redirect to the portal carries, and hashes what may not be named.
pub trait Seals: Send + Sync {
    /// The token; `None` when it cannot be sealed, and then the portal's page stands without it.
    fn redirect(&self, redirect: &Redirect) -> Option<String>;

    /// Keyed hash of a host on a locked list.
    fn locked(&self, host: &Host) -> LockedHash;
}

/// One refusal that its device could not be shown a page for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JustRefused {
    pub at: Timestamp,
    pub host: Host,
    pub because: Because,
    /// Number of the snapshot that decided.
    pub snapshot: u64,
}

/// Refusals of the last minutes by address, for the portal's home page. Bounded in both directions; nothing from the
/// help list or a locked list is ever put in.
#[derive(Debug)]
pub struct RefusalBook {
    by_address: Mutex<HashMap<IpAddr, VecDeque<JustRefused>>>,
    addresses_max: usize,
}

/// Refusals kept for one address, and for how long they are news.
const PER_ADDRESS_MAX: usize = 5;
const NEWS_SECONDS: i64 = 15 * 60;

impl RefusalBook {
    pub fn new(addresses_max: usize) -> Self {
        Self { by_address: Mutex::new(HashMap::new()), addresses_max }
    }

    pub fn note(&self, address: IpAddr, refused: JustRefused) {
        let mut book = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if self.addresses_max <= book.len() && !book.contains_key(&address) {
            book.retain(|_, list| list.back().is_some_and(|last| is_news(last, refused.at)));
            if self.addresses_max <= book.len() {
                return;
            }
        }
        let list = book.entry(address).or_default();
        // One page asks for the same host many times.
        list.retain(|other| other.host != refused.host);
        if PER_ADDRESS_MAX <= list.len() {
            list.pop_front();
        }
        list.push_back(refused);
    }

    /// The newest first.
    pub fn recent(&self, address: IpAddr, now: Timestamp) -> Vec<JustRefused> {
        let book = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let list = book.get(&address).into_iter().flatten().rev();
        list.filter(|refused| is_news(refused, now)).cloned().collect()
    }
}

fn is_news(refused: &JustRefused, now: Timestamp) -> bool {
    now.duration_since(refused.at).as_secs() < NEWS_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_is_bounded_and_forgets() {
        let book = RefusalBook::new(1);
        let now: Timestamp = "2026-11-24T10:00Z".parse().unwrap();
        let refused = |host: &str| JustRefused {
            at: now,
            host: host.parse().unwrap(),
            because: Because::Upstream { words: "x".into() },
            snapshot: 1,
        };
        let (here, there) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for number in 0..20 {
            book.note(here, refused(&format!("n{number}.example")));
            book.note(there, refused("x.example"));
        }
        assert_eq!(book.recent(here, now).len(), PER_ADDRESS_MAX);
        assert_eq!(book.recent(here, now)[0].host.to_string(), "n19.example");
        assert!(book.recent(there, now).is_empty());
        assert!(book.recent(here, now + jiff::SignedDuration::from_mins(16)).is_empty());
    }
}
