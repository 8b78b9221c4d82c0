//! The proxy on real sockets, with an origin in this process, CAs of our own and a clock that stands still.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod balancer;
mod connect;
mod curl;
mod devices;
mod expect;
mod framing;
mod intercepted;
mod kit;
mod leases;
mod netns;
mod outside;
mod pac;
mod plain;
mod process;
#[path = "../../../identity/tests/kerberos/realm.rs"]
mod realm;
mod school;
mod smuggling;
mod smuggling_two;
mod soak;
mod standing;
mod through;
mod tickets;
mod tls;
mod two;
