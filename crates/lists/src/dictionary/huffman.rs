//! Canonical Huffman codes over byte symbols, at most 15 bits long.
//!
//! A code with a single symbol takes no bits at all: after `goo`, mostly, comes `g`.

use std::collections::VecDeque;

use super::bits::{BitReader, BitWriter};
use crate::OpenError;
use crate::wire::Reader;

pub(super) const CODE_MAX_BITS: usize = 15;

/// How many bits each symbol takes; 0 for symbols that do not occur.
pub(super) type Lengths = [u8; 256];

/// Optimal lengths under the limit, by package-merge (Larmore and Hirschberg 1990).
pub(super) fn lengths_of(counts: &[u32]) -> Lengths {
    let mut lengths = [0_u8; 256];
    let mut leaves: Vec<(u64, u8)> = (0..=u8::MAX)
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, count)| (u64::from(*count), symbol))
        .collect();
    leaves.sort_unstable();
    if leaves.len() == 1 {
        for &(_, symbol) in &leaves {
            set(&mut lengths, symbol, 1);
        }
        return lengths;
    }
    let mut packages: Vec<Package> = Vec::new();
    for _ in 0..CODE_MAX_BITS {
        packages = merge(&leaves, pair_up(packages));
    }
    let wanted = (2 * leaves.len()).saturating_sub(2);
    for package in packages.into_iter().take(wanted) {
        for symbol in package.symbols {
            let length = lengths.get(usize::from(symbol)).copied().unwrap_or(0);
            set(&mut lengths, symbol, length + 1);
        }
    }
    lengths
}

/// Symbols bought together, and what they weigh.
struct Package {
    weight: u64,
    symbols: Vec<u8>,
}

fn set(lengths: &mut Lengths, symbol: u8, length: u8) {
    if let Some(slot) = lengths.get_mut(usize::from(symbol)) {
        *slot = length;
    }
}

fn pair_up(packages: Vec<Package>) -> VecDeque<Package> {
    let mut pairs = VecDeque::with_capacity(packages.len() / 2);
    let mut packages = packages.into_iter();
    while let (Some(mut first), Some(second)) = (packages.next(), packages.next()) {
        first.weight += second.weight;
        first.symbols.extend(second.symbols);
        pairs.push_back(first);
    }
    pairs
}

fn merge(leaves: &[(u64, u8)], mut pairs: VecDeque<Package>) -> Vec<Package> {
    let mut merged = Vec::with_capacity(leaves.len() + pairs.len());
    for &(weight, symbol) in leaves {
        while let Some(pair) = pairs.pop_front_if(|pair| pair.weight < weight) {
            merged.push(pair);
        }
        merged.push(Package { weight, symbols: vec![symbol] });
    }
    merged.extend(pairs);
    merged
}

/// Bits that `counts` take under `lengths`; `None` where a symbol has no code.
pub(super) fn cost_bits(lengths: &Lengths, counts: &[u32]) -> Option<u64> {
    let single = lengths.iter().filter(|length| **length > 0).count() == 1;
    counts.iter().zip(lengths).filter(|(count, _)| **count > 0).try_fold(0, |sum, (count, length)| match length {
        0 => None,
        _ if single => Some(sum),
        length => Some(sum + u64::from(*count) * u64::from(*length)),
    })
}

/// Writes lengths up to the last used symbol, two to a byte.
pub(super) fn write_lengths(out: &mut Vec<u8>, lengths: &Lengths) {
    let used = lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1);
    out.extend_from_slice(&(used as u16).to_le_bytes());
    let used = lengths.get(..used).unwrap_or_default();
    out.extend(used.chunks(2).map(|pair| match pair {
        [low, high] => low | (high << 4),
        [low] => *low,
        _ => 0,
    }));
}

/// The encoder's side: code and length of each symbol.
pub(super) struct Encoder {
    codes: [(u16, u8); 256],
}

impl Encoder {
    pub(super) fn new(lengths: &Lengths) -> Self {
        let mut codes = [(0_u16, 0_u8); 256];
        let mut next = 0_u16;
        let mut used = 0;
        for length in 1..=CODE_MAX_BITS as u8 {
            next <<= 1;
            for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, have)| **have == length) {
                *code = (next, length);
                next += 1;
                used += 1;
            }
        }
        if used == 1 {
            codes = [(0, 0); 256];
        }
        Self { codes }
    }

    pub(super) fn put(&self, out: &mut BitWriter, symbol: u8) {
        if let Some((code, length)) = self.codes.get(usize::from(symbol)) {
            out.put(*code, *length);
        }
    }
}

/// The reader's side.
#[derive(Debug)]
pub(super) struct Decoder {
    /// For each length from 1: the first 15-bit window that needs a longer code.
    limits: [u16; CODE_MAX_BITS],
    /// For each length from 1: what to add to a code to have its place in `symbols`.
    bases: [u16; CODE_MAX_BITS],
    symbols: Box<[u8]>,
}

impl Decoder {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        const WHAT: &str = "code lengths";
        let used = usize::from(reader.u16(WHAT)?);
        if 256 < used {
            return Err(OpenError::Corrupt { what: WHAT });
        }
        let packed = reader.take(used.div_ceil(2), WHAT)?;
        let lengths: Vec<u8> = packed.iter().flat_map(|pair| [pair & 15, pair >> 4]).take(used).collect();
        Self::new(&lengths).ok_or(OpenError::Corrupt { what: WHAT })
    }

    /// `None` when the lengths promise more codes than there are.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut limits = [0; CODE_MAX_BITS];
        let mut bases = [0; CODE_MAX_BITS];
        let mut symbols = Vec::with_capacity(lengths.len());
        let mut next = 0_u32;
        for (bits, (limit, base)) in (1_u8..).zip(limits.iter_mut().zip(&mut bases)) {
            next <<= 1;
            *base = (symbols.len() as u16).wrapping_sub(next as u16);
            let before = symbols.len();
            symbols.extend((0..=u8::MAX).zip(lengths).filter(|(_, length)| **length == bits).map(|(symbol, _)| symbol));
            next += (symbols.len() - before) as u32;
            let window = u64::from(next) << (CODE_MAX_BITS as u32 - u32::from(bits));
            *limit = u16::try_from(window).ok().filter(|window| *window <= 1 << CODE_MAX_BITS)?;
        }
        Some(Self { limits, bases, symbols: symbols.into() })
    }

    /// The next symbol; `None` where the bits are no code.
    #[inline]
    pub(super) fn next(&self, bits: &mut BitReader<'_>) -> Option<u8> {
        if let [only] = &*self.symbols {
            return Some(*only);
        }
        let window = bits.peek()?;
        // Counting all limits instead of stopping at the first compiles to two vector comparisons.
        let shorter = self.limits.iter().map(|limit| u16::from(*limit <= window)).sum::<u16>();
        let base = self.bases.get(usize::from(shorter))?;
        let code = window >> (CODE_MAX_BITS as u32 - 1 - u32::from(shorter));
        bits.skip(u32::from(shorter) + 1);
        self.symbols.get(usize::from(base.wrapping_add(code))).copied()
    }
}
