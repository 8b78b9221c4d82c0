//! Handshakes with programs that are not ours and with peers that are cut by hand: the rows of the check table about
//! versions, ciphers and keys, each test beginning with the id of its row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clients;
mod hand;
mod rig;
mod sites;
