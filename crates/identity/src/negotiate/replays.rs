//! Messages that came before (RFC 4120 §3.2.3): whoever listens on the way could send them again.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};

use crate::negotiate::{NegotiateError, SKEW};

/// Messages that are remembered for the ten minutes in which they would count: four hundred a second.
const REPLAYS_MAX: usize = 262_144;
/// Between two sweeps of a full memory, which look at every row.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_secs(10);

#[derive(Debug)]
pub(super) struct Replays {
    /// By the start of the hash of the sealed authenticator, until when it would count again.
    until: HashMap<[u8; 16], Timestamp>,
    swept: Timestamp,
    max: usize,
}

impl Default for Replays {
    fn default() -> Self {
        Self::new(REPLAYS_MAX)
    }
}

impl Replays {
    pub(super) fn new(max: usize) -> Self {
        Self { until: HashMap::new(), swept: Timestamp::MIN, max }
    }

    pub(super) fn take(&mut self, sealed: &[u8], at: Timestamp, now: Timestamp) -> Result<(), NegotiateError> {
        let hash = digest(&SHA256, sealed);
        let hash = hash.as_ref().first_chunk().copied().ok_or(NegotiateError::Message)?;
        if self.until.contains_key(&hash) {
            return Err(NegotiateError::Replayed);
        }
        if self.max <= self.until.len() && SWEEP_EVERY <= now.duration_since(self.swept) {
            self.swept = now;
            self.until.retain(|_, until| now <= *until);
        }
        // To forget one that still counts would be to let it count again.
        if self.max <= self.until.len() {
            return Err(NegotiateError::Full);
        }
        self.until.insert(hash, at.checked_add(SKEW).unwrap_or(Timestamp::MAX));
        Ok(())
    }
}
