//! What every long-running part stands on: the clock, supervised tasks, the one outgoing dialer and counters.
//!
//! This is the only crate that reads the wall clock or spawns; everything else is handed a [`Clock`] and [`Tasks`].

mod accepting;
mod answering;
mod clock;
mod crowd;
mod dialer;
mod eyeballs;
pub mod frames;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guarded;
mod listening;
mod metrics;
pub mod proxy_protocol;
mod refusal;
mod sockets;
mod tasks;

pub use accepting::accepted;
pub use answering::{answer_all, ask_blocking};
pub use clock::{Clock, ClockError};
pub use crowd::{Crowd, Place};
pub use dialer::{Connected, DialError, Dialer, DialerSettings, Purpose, Resolver, Resolving, SystemResolver};
pub use guarded::Guarded;
pub use listening::{Reach, listen};
pub use metrics::{Counter, Gauge, Metrics};
pub use refusal::{AddressRule, Refusal};
pub use sockets::{Predecessor, SocketKeeper, Sockets, SocketsError};
pub use tasks::{Drained, Shutdown, Task, TaskFailure, Tasks};
