//! Looking keys up in the bytes of a dictionary.

use std::cmp::Ordering;
use std::ops::Range;

use super::bits::BitReader;
use super::filter::{self, KeyHash};
use super::model::{Model, shared_context};
use super::{Alphabet, BLOCK_KEYS, KEY_MAX_BYTES, SHARED_MAX};
use crate::OpenError;
use crate::wire::Reader;

/// Room for the symbols of one key, its end included.
type Symbols = [u8; KEY_MAX_BYTES + 1];

/// What an opened dictionary knows without its bytes: codes, and where in the file its parts are.
#[derive(Debug)]
pub(crate) struct Parts {
    alphabet: Alphabet,
    keys: usize,
    model: Model,
    filter: Range<usize>,
    prefixes: Range<usize>,
    offsets: Range<usize>,
    stream: Range<usize>,
}

impl Parts {
    pub(crate) fn read(alphabet: Alphabet, reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        let keys = usize::try_from(reader.u64("key count")?).map_err(|_| OpenError::Corrupt { what: "key count" })?;
        let low_count = usize::from(reader.u16("code families")?);
        let model = Model::read(alphabet, low_count, &mut reader.section("codes")?)?;
        let filter = reader.section_range("filter")?;
        let prefixes = reader.section_range("block prefixes")?;
        let offsets = reader.section_range("block offsets")?;
        let stream = reader.section_range("blocks")?;
        let blocks = keys.div_ceil(BLOCK_KEYS);
        if !reader.is_empty() || prefixes.len() / 8 != blocks || offsets.len() / 4 != blocks {
            return Err(OpenError::Corrupt { what: "dictionary layout" });
        }
        Ok(Self { alphabet, keys, model, filter, prefixes, offsets, stream })
    }

    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// The parts together with the bytes of the file they were read from.
    #[inline]
    pub(crate) fn over<'a>(&'a self, file: &'a [u8]) -> Dictionary<'a> {
        let part = |range: &Range<usize>| file.get(range.clone()).unwrap_or_default();
        Dictionary {
            parts: self,
            filter: part(&self.filter),
            prefixes: part(&self.prefixes).as_chunks().0,
            offsets: part(&self.offsets).as_chunks().0,
            stream: part(&self.stream),
        }
    }
}

/// A dictionary ready for look-ups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dictionary<'a> {
    parts: &'a Parts,
    filter: &'a [u8],
    prefixes: &'a [[u8; 8]],
    offsets: &'a [[u8; 4]],
    stream: &'a [u8],
}

impl Dictionary<'_> {
    /// Whether a key with this hash may be present; absent ones mostly are not.
    #[inline]
    pub(crate) fn may_contain(&self, hash: KeyHash) -> bool {
        filter::may_contain(self.filter, hash)
    }

    /// The number of `key`, exactly.
    pub(crate) fn get(&self, key: &[u8]) -> Option<u16> {
        if KEY_MAX_BYTES < key.len() {
            return None;
        }
        let wanted = self.parts.alphabet.pack(key);
        let prefix = |at: &[u8; 8]| u64::from_le_bytes(*at);
        let below = self.prefixes.partition_point(|at| prefix(at) < wanted);
        let mut same = self.prefixes.get(below..)?.partition_point(|at| prefix(at) == wanted);
        // Blocks with the same prefix: halve by their whole first keys, to the last that is not above the key.
        let mut first = below;
        while same > 0 {
            let middle = first + same / 2;
            match self.walk(middle, 1, key) {
                Walk::Found(number) => return Some(number),
                Walk::Passed => same /= 2,
                Walk::Ended => {
                    same -= same / 2 + 1;
                    first = middle + 1;
                }
            }
        }
        match self.walk(first.checked_sub(1)?, BLOCK_KEYS, key) {
            Walk::Found(number) => Some(number),
            Walk::Passed | Walk::Ended => None,
        }
    }

    /// Decodes up to `limit` keys of a block until `key` is met or passed.
    fn walk(&self, block: usize, limit: usize, key: &[u8]) -> Walk {
        self.try_walk(block, limit, key).unwrap_or(Walk::Ended)
    }

    fn try_walk(&self, block: usize, limit: usize, key: &[u8]) -> Option<Walk> {
        let alphabet = self.parts.alphabet;
        let model = &self.parts.model;
        let offset = u32::from_le_bytes(*self.offsets.get(block)?) as usize;
        let mut bits = BitReader::at(self.stream, offset);
        let mut symbols: Symbols = [0; KEY_MAX_BYTES + 1];
        let mut shared = alphabet.unpack(u64::from_le_bytes(*self.prefixes.get(block)?), &mut symbols);
        let mut len = shared;
        let keys = self.parts.keys.saturating_sub(block * BLOCK_KEYS).min(limit);
        // How many symbols the last key read has in common with the wanted one.
        let mut common = 0;
        for place in 0..keys {
            if place > 0 {
                shared = model.shared(&mut bits, shared_context(shared))?;
                len = shared;
                if shared < common && shared < SHARED_MAX {
                    return Some(Walk::Passed);
                }
            }
            if place > 0 || symbols.get(len.checked_sub(1)?) != Some(&0) {
                len = self.read_rest(&mut bits, &mut symbols, len)?;
            }
            let number = model.number(&mut bits)?;
            if place > 0 && common < shared {
                // It shares with a smaller key the very symbol that makes that one smaller.
                continue;
            }
            common = if place > 0 { shared } else { 0 };
            match compare(alphabet, &symbols, key, &mut common) {
                Ordering::Less => {}
                Ordering::Equal => return Some(Walk::Found(number)),
                Ordering::Greater => return Some(Walk::Passed),
            }
        }
        Some(Walk::Ended)
    }

    /// Reads symbols behind the first `len` up to the end of the key; returns the new length, the end included.
    #[inline]
    fn read_rest(&self, bits: &mut BitReader<'_>, symbols: &mut Symbols, len: usize) -> Option<usize> {
        let at = |back: usize| len.checked_sub(back).and_then(|at| symbols.get(at)).copied().unwrap_or(0);
        let mut before = [at(2), at(1)];
        for (place, slot) in symbols.iter_mut().enumerate().skip(len) {
            let symbol = self.parts.model.symbol(bits, before)?;
            *slot = symbol;
            if symbol == 0 {
                return Some(place + 1);
            }
            before = [before[1], symbol];
        }
        None
    }
}

/// Compares the key in `symbols` with `key`, of which the first `common` symbols are known to be equal; leaves there
/// how many are.
#[inline]
fn compare(alphabet: Alphabet, symbols: &Symbols, key: &[u8], common: &mut usize) -> Ordering {
    loop {
        let this = symbols.get(*common).copied().unwrap_or(0);
        let wanted = key.get(*common).map_or(0, |&byte| alphabet.symbol(byte));
        match this.cmp(&wanted) {
            Ordering::Equal if this == 0 => return Ordering::Equal,
            Ordering::Equal => *common += 1,
            unequal => return unequal,
        }
    }
}

/// How a walk through a block ended.
enum Walk {
    Found(u16),
    /// A larger key was met.
    Passed,
    /// All keys read are smaller.
    Ended,
}
