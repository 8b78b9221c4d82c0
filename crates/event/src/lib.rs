#![doc = include_str!("../README.md")]

mod decided;
mod event;
mod handshake;
mod recorder;
mod who;

pub use event::{Accident, Decision, Door, Event, LockedHit, Mode, Reason, Traffic, Verdict};
pub use handshake::{Agreed, Offered, Tls};
pub use recorder::{Discard, Recorded, Recorder};
pub use who::{KeyedTextError, LockedHash, Pseudonym, Who};
