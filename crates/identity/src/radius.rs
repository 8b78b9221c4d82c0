//! RADIUS accounting (RFC 2866): access points and switches say who signed in with which device on which address.
//!
//! Nothing is believed that no listed peer has signed with its own secret, that is old, or that has ended before.

mod accounting;
mod listener;
pub(crate) mod packet;

pub use accounting::{Accounting, Ignored, Status};
pub use listener::{Lenience, Peer, RadiusListener, Secret};
pub use packet::{PacketError, Request};
