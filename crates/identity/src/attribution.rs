//! How much of the traffic is known to be somebody's, and how strongly.

use schoolgate_base::Strength;
use schoolgate_runtime::{Counter, Metrics};
use serde::{Deserialize, Serialize};

use crate::identify::Identified;

/// Counts requests. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Attribution {
    none: Counter,
    address: Counter,
    lease: Counter,
    connection: Counter,
    crowded: Counter,
}

/// Requests since the program started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// Nobody in particular: unknown, or a place.
    pub none: u64,
    pub address: u64,
    pub lease: u64,
    pub connection: u64,
    /// Of these, those from an address with several people behind it.
    pub crowded: u64,
}

impl Attribution {
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |strength: Strength| {
            metrics.labelled_counter(
                "schoolgate_identity_requests_total",
                "Requests, by how strongly it is known whose they are.",
                ("strength", strength.as_str()),
            )
        };
        Self {
            none: counter(Strength::None),
            address: counter(Strength::Address),
            lease: counter(Strength::Lease),
            connection: counter(Strength::Connection),
            crowded: metrics.counter(
                "schoolgate_identity_crowded_requests_total",
                "Requests from an address with several people behind it.",
            ),
        }
    }

    pub(crate) fn count(&self, identified: &Identified) {
        match identified.strength {
            Strength::None => self.none.increment(),
            Strength::Address => self.address.increment(),
            Strength::Lease => self.lease.increment(),
            Strength::Connection => self.connection.increment(),
        }
        if identified.is_crowded() {
            self.crowded.increment();
        }
    }

    pub fn shares(&self) -> Shares {
        Shares {
            none: self.none.value(),
            address: self.address.value(),
            lease: self.lease.value(),
            connection: self.connection.value(),
            crowded: self.crowded.value(),
        }
    }
}

impl Shares {
    /// Per cent of the requests, rounded down, so that only all of them are 100; `None` before the first.
    pub fn percent_known(&self) -> Option<u64> {
        let known = self.address.saturating_add(self.lease).saturating_add(self.connection);
        known.saturating_mul(100).checked_div(known.saturating_add(self.none))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_requests() {
        let shares = Shares { none: 1, address: 1, lease: 0, connection: 1, crowded: 1 };
        assert_eq!((shares.percent_known(), Shares::default().percent_known()), (Some(66), None));
    }
}
