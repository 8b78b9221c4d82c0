//! What this door asks of the rest of the program, as a trait: it knows no keys.

use schoolgate_base::Host;
use schoolgate_event::LockedHash;

/// Hashes what may not be named.
pub trait Seals: Send + Sync {
    /// Keyed hash of a host on a locked list.
    fn locked(&self, host: &Host) -> LockedHash;
}
