//! Policies, records and lists in; snapshots out. Whatever changes what doors decide goes through here.
//!
//! Every change is written to the records first and then published: people and live parts are always computed from
//! what the records hold at that moment, so a publish that fails loses nothing, the next one catches up, and nothing
//! is in force that is not written down.

mod adopt;
mod agreements;
mod control;
mod error;
mod in_force;
mod live;
mod people;
mod presence;
mod reports;
mod requests;
mod reseal;
mod site;
mod version;

pub use adopt::{AdoptError, install};
pub use agreements::Signing;
pub use control::{Control, ControlParts};
pub use error::ControlError;
pub use in_force::{InForce, built_of};
pub use people::{audiences, groups_known, is_asked, offices_known};
pub use presence::AddressClaim;
pub use reports::{ReportError, Sent};
pub use requests::{RequestError, Submission};
pub use reseal::reseal;

#[cfg(test)]
mod tests;
