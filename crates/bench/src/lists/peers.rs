//! The same names in what else one might take: a hash map of strings, and the `fst` crate's map.

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use schoolgate_base::HostName;

use super::Size;
use crate::machine::{cpu_seconds, resident_bytes};

/// Names with their category bits in a hash map; a look-up tries each suffix.
pub(super) struct HashPeer(HashMap<String, u64>);

impl HashPeer {
    pub(super) fn build(names: &[HostName]) -> (Self, Size) {
        let before = (Instant::now(), cpu_seconds(), resident_bytes());
        let map = names.iter().map(|name| (name.as_str().to_owned(), 1)).collect();
        let size = Size {
            bytes: resident_bytes().saturating_sub(before.2),
            build_seconds: before.0.elapsed().as_secs_f64(),
            build_cpu_seconds: cpu_seconds() - before.1,
        };
        (Self(map), size)
    }

    pub(super) fn is_listed(&self, name: &HostName) -> bool {
        name.suffixes().any(|suffix| self.0.contains_key(suffix))
    }
}

/// Turned-round names in a finite-state transducer; a look-up walks it once and meets every suffix on the way.
pub(super) struct FstPeer(fst::Map<Vec<u8>>);

impl FstPeer {
    pub(super) fn build(names: &[HostName]) -> Result<(Self, Size), Box<dyn Error>> {
        let before = (Instant::now(), cpu_seconds());
        let mut keys: Vec<String> = names.iter().map(|name| turned_round(name.as_str())).collect();
        keys.sort_unstable();
        keys.dedup();
        let map = fst::Map::from_iter(keys.into_iter().map(|key| (key, 1)))?;
        let size = Size {
            bytes: map.as_fst().as_bytes().len() as u64,
            build_seconds: before.0.elapsed().as_secs_f64(),
            build_cpu_seconds: cpu_seconds() - before.1,
        };
        Ok((Self(map), size))
    }

    pub(super) fn is_listed(&self, name: &HostName) -> bool {
        let fst = self.0.as_fst();
        let mut node = fst.root();
        let key = turned_round(name.as_str());
        for &byte in key.as_bytes() {
            if byte == b'.' && node.is_final() {
                return true;
            }
            match node.find_input(byte) {
                Some(place) => node = fst.node(node.transition(place).addr),
                None => return false,
            }
        }
        node.is_final()
    }
}

fn turned_round(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for label in name.rsplit('.') {
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(label);
    }
    key
}
