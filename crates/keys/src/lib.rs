//! Every secret of a school and what is done with it: signatures, sealed tokens, pseudonyms, sealed case content.
//!
//! Files under one directory, nothing else: no clock, no network. See README for the layout and for what is not
//! protected yet.

mod digest;
mod door;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod office;
mod offices;
mod pseudonym;
mod ring;
mod seal;
mod sign;

pub use digest::{Sha256, hex, is_same_secret, random_bytes, sha256, sha256_hex};
pub use door::DoorKeys;
pub use error::KeyError;
pub use file::{is_shared, secret_create, secret_read};
pub use office::{KeyHolder, SealedBlob};
pub use offices::{FileKey, OfficeFiles, Offices, Whose, Wrapped};
pub use pseudonym::{LockedHit, Pseudonym, Pseudonyms};
pub use ring::{KeyRing, secret_copy};
pub use seal::Sealer;
pub use sign::{SIGNATURE_BYTES, SigningKey, VerifyingKey};

#[cfg(test)]
mod tests;
