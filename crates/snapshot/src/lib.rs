#![doc = include_str!("../README.md")]

mod error;
mod follow;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod map;
mod part;
mod publish;
mod read;
mod root;

pub use error::SnapshotError;
pub use follow::{Follower, Following, follow};
pub use map::Mapped;
pub use publish::{Changes, Publisher};
pub use read::{OpenLists, Reader};

#[cfg(test)]
mod tests;
