//! The decision on a request, in every reading of it that a server may have; of several, the stricter.

use jiff::Timestamp;
use schoolgate_base::revealed_path;

use crate::decision::{Considered, Decision, Outcome, Reason, Trace};
use crate::evaluate::{earlier, evaluate, held_back};
use crate::facts::{Facts, Seen};
use crate::index::Snapshot;

/// Decides a request at `now`.
pub fn decide(snapshot: &Snapshot, facts: &Facts<'_>, now: Timestamp) -> Outcome {
    decide_readings(snapshot, facts, now, &mut None)
}

/// The same decision, with every rule that was about the request and why it did or did not speak.
pub fn decide_explained(snapshot: &Snapshot, facts: &Facts<'_>, now: Timestamp) -> (Outcome, Vec<Considered>) {
    let mut considered = Some(Vec::new());
    let outcome = decide_readings(snapshot, facts, now, &mut considered);
    (outcome, considered.unwrap_or_default())
}

/// The stricter of two decisions on one request: what holds where two people share an address.
pub fn stricter(a: Decision, b: Decision) -> Decision {
    let conditions = a.conditions.clone().join(&b.conditions);
    let valid_until = earlier(a.valid_until, b.valid_until);
    let least = a.trace.max(b.trace);
    let chosen = if is_looser(&a, &b) { b } else { a };
    // A locked hit is told by its hash, which names nothing.
    let trace =
        if chosen.trace == Trace::HashOnly { Trace::HashOnly } else { held_back(least, conditions.host_only_log) };
    Decision { conditions, valid_until, trace, ..chosen }
}

/// Nothing is stricter than a locked list.
fn is_looser(a: &Decision, b: &Decision) -> bool {
    let rank = |decision: &Decision| (matches!(decision.reason, Reason::Locked { .. }), decision.verdict);
    rank(a) < rank(b)
}

/// Servers differ on escaped separators, so both readings of such an address are judged and the stricter holds.
fn decide_readings(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    now: Timestamp,
    considered: &mut Option<Vec<Considered>>,
) -> Outcome {
    let revealed = match facts.url {
        Seen::Seen(url) => revealed_path(url),
        Seen::Unseen => None,
    };
    let outcome = evaluate(snapshot, facts, now, considered);
    let Some(revealed) = revealed else { return outcome };
    let facts = Facts { url: Seen::Seen(&revealed), ..*facts };
    let mut of_other = considered.as_ref().map(|_| Vec::new());
    let other = evaluate(snapshot, &facts, now, &mut of_other);
    if is_looser(outcome.decision(), other.decision()) {
        *considered = of_other;
    }
    match (outcome, other) {
        (Outcome::Decided(a), Outcome::Decided(b)) => Outcome::Decided(stricter(a, b)),
        (Outcome::Needs { need, if_unseen }, other) | (other, Outcome::Needs { need, if_unseen }) => {
            Outcome::Needs { need, if_unseen: stricter(if_unseen, other.into_decision()) }
        }
    }
}
