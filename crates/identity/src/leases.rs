//! Which device and which person hold an address, from RADIUS accounting and DHCP: facts that no snapshot has.

mod book;
mod held;
mod table;

pub(crate) use book::Found;
pub use book::{LeaseBook, LeaseSource};
pub use held::Held;
