//! The DNS door as clients see it: real sockets, real `dig`, `kdig` and `curl`, a real Unbound beside an upstream server
//! of our own that can also misbehave. `cargo xtask test` installs what is missing.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod decisions;
mod kit;
mod school;
mod secure;
mod upstreams;
mod world;
