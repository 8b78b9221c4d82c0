//! The rows of the check table about the outside: each test begins with the id of its row.

mod chains;
mod dates;
mod issuers;
mod keys;
mod names;
mod purposes;
mod revoked;
mod rig;
mod store;
