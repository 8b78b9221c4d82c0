#![doc = include_str!("../README.md")]

mod attribution;
mod captive;
mod certificate;
mod dhcp;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod identify;
mod lease_files;
mod leases;
mod logins;
mod mac;
mod negotiate;
mod radius;
mod token;
mod trust;

pub use attribution::{Attribution, Shares};
pub use captive::{
    ADVERTISEMENT_OPTION, Announcements, CaptiveAddressError, CaptivePortal, DHCP4_OPTION, DHCP6_OPTION, MEDIA_TYPE,
    Openness, announcements,
};
pub use certificate::device_names;
pub use dhcp::{KnownDevice, Lease, LeaseFormat, Problem, Reading};
pub use identify::{Identified, Identities, Looking, Refused, SHARED_CLASS, Ticketed};
pub use lease_files::{LeaseFile, LeaseFileError, LeaseFiles};
pub use leases::{Held, LeaseBook, LeaseSource};
pub use logins::{LoginTable, Logins, Realms};
pub use mac::{Mac, MacError};
pub use negotiate::{Acceptor, KeytabError, NegotiateError, Principal, is_negotiate};
pub use radius::{Accounting, Ignored, Lenience, PacketError, Peer, RadiusListener, Request, Secret, Status};
pub use token::basic_credentials;
pub use trust::{LEARNED_FOR, TrustBook};
