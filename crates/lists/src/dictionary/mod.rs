//! A sorted set of keys, each with a small number, in about as many bytes as the keys hold information.
//!
//! Keys lie sorted in blocks. In a block each key gives how many symbols it shares with the one before, then the rest,
//! one Huffman code per symbol, chosen by the two symbols before it where that pays and by one where it does not.
//! A block's first symbols lie packed in a table that is searched by halving; a Bloom filter in front turns away
//! nearly all absent keys before any of that. What the filter lets through is compared in full: answers are exact.
//!
//! Reading never panics, whatever the bytes: hostile ones yield "absent" or a wrong number, which callers check.

mod alphabet;
mod bits;
mod build;
mod filter;
mod huffman;
mod model;
mod read;

pub(crate) use alphabet::Alphabet;
pub(crate) use build::{Keyed, build};
pub(crate) use filter::KeyHash;
pub(crate) use read::Parts;

/// Keys in a block. Larger is smaller on disk and slower to find.
const BLOCK_KEYS: usize = 32;

/// The most symbols that a key is said to share with the one before it.
const SHARED_MAX: usize = 255;

/// Longest key in bytes: a host name, a slash and a path.
pub(crate) const KEY_MAX_BYTES: usize = 254 + 1 + crate::PATH_MAX_BYTES;

#[cfg(test)]
mod tests;
