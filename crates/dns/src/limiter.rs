//! How many questions an address may ask: a bucket each, as one number (the generic cell rate algorithm).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Addresses with a bucket that is not full; of more, all are forgotten, which gives each a new burst.
const ADDRESSES_MAX: usize = 65_536;

/// Who is counted. Somebody else who writes a client's address on their questions uses up another bucket than the
/// client that has shown to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    address: IpAddr,
    is_proven: bool,
}

impl Asker {
    /// An IPv6 client has its network to choose addresses from, so the network is counted.
    pub(crate) fn new(address: IpAddr, is_proven: bool) -> Self {
        let address = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        };
        Self { address, is_proven }
    }
}

pub(crate) struct Limiter {
    /// When each bucket will be full again, in microseconds.
    full_at: Mutex<HashMap<Asker, i64>>,
    /// Microseconds that a question costs, and that a bucket holds.
    cost: i64,
    depth: i64,
}

impl Limiter {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let cost = 1_000_000 / i64::from(per_second.max(1));
        Self { full_at: Mutex::default(), cost, depth: cost.saturating_mul(burst.into()) }
    }

    /// Takes one question from the bucket, if there is one in it.
    pub(crate) fn admits(&self, asker: Asker, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let was = full_at.get(&asker).copied().unwrap_or(now).max(now);
        let next = was.saturating_add(self.cost);
        if self.depth < next - now {
            return false;
        }
        if ADDRESSES_MAX <= full_at.len() && !full_at.contains_key(&asker) {
            full_at.retain(|_, at| now < *at);
            if ADDRESSES_MAX <= full_at.len() {
                full_at.clear();
            }
        }
        full_at.insert(asker, next);
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn asker(text: &str) -> Asker {
        Asker::new(text.parse().unwrap(), false)
    }

    #[test]
    fn a_burst_is_taken_and_comes_back() {
        let limiter = Limiter::new(10, 3);
        let now: Timestamp = "2026-11-24T10:00Z".parse().unwrap();
        let taken = |asker, now| (0..9).filter(|_| limiter.admits(asker, now)).count();
        assert_eq!(taken(asker("10.0.0.1"), now), 3);
        assert_eq!(taken(asker("10.0.0.2"), now), 3, "each has its own");
        assert_eq!(taken(Asker::new("10.0.0.1".parse().unwrap(), true), now), 3, "nobody uses up a proven client's");
        assert_eq!(taken(asker("10.0.0.1"), now + SignedDuration::from_millis(200)), 2);
        assert_eq!((taken(asker("2001:db8::1"), now), taken(asker("2001:db8::ff"), now)), (3, 0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limiter = Limiter::new(1, 1);
        let now: Timestamp = "2026-11-24T10:00Z".parse().unwrap();
        for number in 0..70_000_u32 {
            assert!(limiter.admits(Asker::new(IpAddr::from(number.to_be_bytes()), false), now));
        }
        assert!(limiter.full_at.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
