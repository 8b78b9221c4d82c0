//! People, roles, policy editions, signatures, cases and what is open now, in one database with a journal. See README.

mod backup;
mod cases;
mod convert;
mod dialect;
mod entity;
mod error;
mod journal;
mod live;
mod migration;
mod offices;
mod page;
mod people;
mod policies;
mod presence;
mod sealed;
mod signatures;
mod store;
mod verify;
mod work;
mod write;

pub use backup::{BackupManifest, Erasure, RESTORE_BEGUN, Restoring, backup, restore};
pub use cases::{CaseFile, Privacy, Viewer, Wanted};
pub use convert::fold;
pub use error::RecordsError;
pub use journal::{Chain, JournalEntry, JournalHead, NoteBody};
pub use live::{Ended, Grant, NewGrant, NewOwnEntry, NewUrgentBlock, OwnEntry, UrgentBlock};
pub use offices::{DeclaredTie, RoleHolding};
pub use page::Page;
pub use people::Person;
pub use policies::{Edition, EditionState, Pack, pack_sha256};
pub use presence::{AddressClaim, Device, NewDevice, PortalSession};
pub use sealed::Unopened;
pub use signatures::{Signature, Signed, SignedVersion};
pub use store::{School, SchoolStore, Store};
pub use verify::{ErasedNote, JournalProblem, JournalProblemKind, JournalReport, RowCount, Standing};
pub use work::{NewStatement, Statement};
pub use write::{Actor, Write};

#[cfg(test)]
mod tests;
