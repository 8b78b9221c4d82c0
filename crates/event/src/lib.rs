#![doc = include_str!("../README.md")]

mod decided;
mod event;
mod recorder;
mod who;

pub use event::{Accident, Agreed, Decision, Door, Event, LockedHit, Mode, Offered, Reason, Tls, Traffic, Verdict};
pub use recorder::{Discard, Recorded, Recorder};
pub use who::{KeyedTextError, LockedHash, Pseudonym, Who};
