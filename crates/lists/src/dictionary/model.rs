//! Which Huffman code writes which symbol: the contexts of a dictionary and their codes.
//!
//! Three families: how many symbols a key shares with the one before, by how many that one shared; the next symbol
//! of a key, by one or two symbols before it; the key's number, high byte and then low byte by high byte.

use super::Alphabet;
use super::bits::{BitReader, BitWriter};
use super::huffman::{Decoder, Encoder, Lengths, cost_bits, lengths_of, write_lengths};
use crate::OpenError;
use crate::wire::Reader;

/// Contexts of a shared length: how much the key before shared, capped.
const SHARED_CONTEXTS: usize = 32;
const BYTE_SYMBOLS: usize = 256;

pub(super) fn shared_context(shared_before: usize) -> usize {
    shared_before.min(SHARED_CONTEXTS - 1)
}

/// What occurs how often, gathered in the first pass over the keys.
pub(super) struct Counts {
    alphabet: Alphabet,
    shared: Vec<u32>,
    symbols: Vec<u32>,
    high: Vec<u32>,
    low: Vec<u32>,
}

/// Receives a dictionary's symbols in the order in which they are written.
pub(super) trait Sink {
    fn shared(&mut self, context: usize, shared: u8);
    /// `before` is the two symbols before this one, the nearer last.
    fn symbol(&mut self, before: [u8; 2], symbol: u8);
    fn number(&mut self, number: u16);
}

fn bump(counts: &mut [u32], at: usize) {
    if let Some(count) = counts.get_mut(at) {
        *count = count.saturating_add(1);
    }
}

fn pair(alphabet: Alphabet, [first, second]: [u8; 2]) -> usize {
    usize::from(first) * alphabet.size() + usize::from(second)
}

impl Counts {
    pub(super) fn new(alphabet: Alphabet) -> Self {
        let size = alphabet.size();
        Self {
            alphabet,
            shared: vec![0; SHARED_CONTEXTS * BYTE_SYMBOLS],
            symbols: vec![0; size * size * size],
            high: vec![0; BYTE_SYMBOLS],
            low: vec![0; BYTE_SYMBOLS * BYTE_SYMBOLS],
        }
    }

    /// Counts of the symbols after each single symbol.
    fn after_one(&self) -> Vec<Vec<u32>> {
        let size = self.alphabet.size();
        let mut after = vec![vec![0_u32; size]; size];
        for (context, counts) in self.symbols.chunks(size).enumerate() {
            let Some(sums) = after.get_mut(context % size) else { continue };
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(*count);
            }
        }
        after
    }
}

impl Sink for Counts {
    fn shared(&mut self, context: usize, shared: u8) {
        bump(&mut self.shared, context * BYTE_SYMBOLS + usize::from(shared));
    }

    fn symbol(&mut self, before: [u8; 2], symbol: u8) {
        let context = pair(self.alphabet, before);
        bump(&mut self.symbols, context * self.alphabet.size() + usize::from(symbol));
    }

    fn number(&mut self, number: u16) {
        let [high, low] = number.to_be_bytes();
        bump(&mut self.high, usize::from(high));
        bump(&mut self.low, usize::from(high) * BYTE_SYMBOLS + usize::from(low));
    }
}

/// Writes with the codes that the counts ask for.
pub(super) struct ModelWriter {
    alphabet: Alphabet,
    shared: Vec<Encoder>,
    after_one: Vec<Encoder>,
    after_two: Vec<Option<Encoder>>,
    high: Encoder,
    low: Vec<Encoder>,
    pub(super) bits: BitWriter,
}

impl ModelWriter {
    /// Chooses the codes and appends their description to `out`.
    pub(super) fn new(counts: &Counts, out: &mut Vec<u8>) -> Self {
        let size = counts.alphabet.size();
        let shared = write_all(out, counts.shared.chunks(BYTE_SYMBOLS));
        let after_one = counts.after_one();
        let one_lengths: Vec<Lengths> = after_one.iter().map(|counts| lengths_of(counts)).collect();
        let after_two: Vec<Option<Lengths>> = counts
            .symbols
            .chunks(size)
            .enumerate()
            .map(|(context, counts)| worthwhile(counts, one_lengths.get(context % size)?))
            .collect();
        for lengths in &one_lengths {
            write_lengths(out, lengths);
        }
        for flags in after_two.chunks(8) {
            out.push(flags.iter().rev().fold(0, |byte, lengths| (byte << 1) | u8::from(lengths.is_some())));
        }
        for lengths in after_two.iter().flatten() {
            write_lengths(out, lengths);
        }
        let high = lengths_of(&counts.high);
        write_lengths(out, &high);
        // Low bytes are only described for high bytes that occur: nearly always the first alone.
        let described = counts.low.chunks(BYTE_SYMBOLS).zip(&counts.high).filter(|(_, count)| **count > 0);
        let low = write_all(out, described.map(|(counts, _)| counts));
        Self {
            alphabet: counts.alphabet,
            shared,
            after_one: one_lengths.iter().map(Encoder::new).collect(),
            after_two: after_two.iter().map(|lengths| lengths.as_ref().map(Encoder::new)).collect(),
            high: Encoder::new(&high),
            low,
            bits: BitWriter::default(),
        }
    }
}

fn write_all<'a>(out: &mut Vec<u8>, counts: impl Iterator<Item = &'a [u32]>) -> Vec<Encoder> {
    counts
        .map(|counts| {
            let lengths = lengths_of(counts);
            write_lengths(out, &lengths);
            Encoder::new(&lengths)
        })
        .collect()
}

/// A code of its own for a context, when it saves more than its description takes.
fn worthwhile(counts: &[u32], fallback: &Lengths) -> Option<Lengths> {
    if counts.iter().all(|count| *count == 0) {
        return None;
    }
    let lengths = lengths_of(counts);
    let mut description = Vec::new();
    write_lengths(&mut description, &lengths);
    let own = cost_bits(&lengths, counts)? + 8 * description.len() as u64;
    (own < cost_bits(fallback, counts)?).then_some(lengths)
}

impl Sink for ModelWriter {
    fn shared(&mut self, context: usize, shared: u8) {
        if let Some(encoder) = self.shared.get(context) {
            encoder.put(&mut self.bits, shared);
        }
    }

    fn symbol(&mut self, before: [u8; 2], symbol: u8) {
        let own = self.after_two.get(pair(self.alphabet, before)).and_then(Option::as_ref);
        let [_, nearer] = before;
        if let Some(encoder) = own.or_else(|| self.after_one.get(usize::from(nearer))) {
            encoder.put(&mut self.bits, symbol);
        }
    }

    fn number(&mut self, number: u16) {
        let [high, low] = number.to_be_bytes();
        self.high.put(&mut self.bits, high);
        // Numbers are dense from 0, so the described high bytes are 0 to the highest.
        if let Some(encoder) = self.low.get(usize::from(high)) {
            encoder.put(&mut self.bits, low);
        }
    }
}

/// The codes of an opened dictionary.
#[derive(Debug)]
pub(super) struct Model {
    alphabet: Alphabet,
    shared: Vec<Decoder>,
    /// Which decoder reads the symbol after each pair.
    choice: Vec<u16>,
    symbols: Vec<Decoder>,
    high: Decoder,
    low: Vec<Decoder>,
}

impl Model {
    pub(super) fn read(alphabet: Alphabet, low_count: usize, reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        let size = alphabet.size();
        let shared = read_all(reader, SHARED_CONTEXTS)?;
        let mut symbols = read_all(reader, size)?;
        let flags = reader.take((size * size).div_ceil(8), "contexts")?;
        let mut choice = Vec::with_capacity(size * size);
        let mut next = size;
        for context in 0..size * size {
            let has_own = flags.get(context / 8).is_some_and(|byte| byte >> (context % 8) & 1 == 1);
            choice.push(if has_own { next as u16 } else { (context % size) as u16 });
            next += usize::from(has_own);
        }
        symbols.extend(read_all(reader, next - size)?);
        let high = Decoder::read(reader)?;
        let low = read_all(reader, low_count)?;
        Ok(Self { alphabet, shared, choice, symbols, high, low })
    }

    #[inline]
    pub(super) fn shared(&self, bits: &mut BitReader<'_>, context: usize) -> Option<usize> {
        self.shared.get(context)?.next(bits).map(usize::from)
    }

    #[inline]
    pub(super) fn symbol(&self, bits: &mut BitReader<'_>, before: [u8; 2]) -> Option<u8> {
        let choice = self.choice.get(pair(self.alphabet, before))?;
        self.symbols.get(usize::from(*choice))?.next(bits)
    }

    #[inline]
    pub(super) fn number(&self, bits: &mut BitReader<'_>) -> Option<u16> {
        let high = self.high.next(bits)?;
        let low = self.low.get(usize::from(high))?.next(bits)?;
        Some(u16::from_be_bytes([high, low]))
    }
}

fn read_all(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Decoder>, OpenError> {
    (0..count).map(|_| Decoder::read(reader)).collect()
}
