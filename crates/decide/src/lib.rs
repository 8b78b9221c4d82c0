//! Snapshot parts and facts in, decision out: the only thing doors know of policy.
//!
//! [`decide`] is one pure function. Doors, `policy explain`, "check a site" and scenarios all call it, so they cannot
//! disagree. It reads no clock and does no input or output: the snapshot, the facts and `now` are its arguments.
//!
//! Facts may be unseen. A verdict that is [`Outcome::Decided`] never turns round when another fact is learned; where
//! it might, the outcome is [`Outcome::Needs`] and says what to use if the door cannot learn it.

mod barred;
mod categories;
mod decision;
mod evaluate;
mod facts;
mod index;
mod lists;
mod periods;
mod readings;
pub mod redirect;
mod scope;
mod searches;
pub mod snapshot;
pub mod things;

pub use barred::Barred;
pub use categories::{Categories, CategoryHit, CategoryTable};
pub use decision::{Conditions, Considered, Decision, Inspect, Need, Outcome, Reason, Trace, Verdict, WhyNot};
pub use facts::{Facts, Seen, Who};
pub use index::Snapshot;
pub use readings::{decide, decide_explained, stricter};
pub use scope::{Scope, Standing};

#[cfg(test)]
mod tests;
