//! One SeaORM entity per table; the shapes of rows, nothing else. Only this crate sees them.

#![expect(unreachable_pub, reason = "the derives make items of their own `pub`, and want the rows to be as visible")]

mod cases;
mod live;
mod notes;
mod people;
mod policies;
mod presence;

pub(crate) use cases::{case_file, case_party};
pub(crate) use live::{case_grant, own_entry, statement, urgent_block};
pub(crate) use notes::{erasure, journal, journal_body, journal_head};
pub(crate) use people::{person, person_tie, role_holding, school};
pub(crate) use policies::{policy_edition, signature};
pub(crate) use presence::{address_claim, device, portal_session};
