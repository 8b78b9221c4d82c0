//! Writing a dictionary: one pass over the sorted keys to count, one to write.

use super::filter::{self, KeyHash};
use super::model::{Counts, ModelWriter, Sink, shared_context};
use super::{Alphabet, BLOCK_KEYS, SHARED_MAX};
use crate::wire::put_section;

/// A key with its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) number: u16,
}

/// The bytes of a dictionary over `keys`, which must be sorted and distinct. Numbers must be dense from 0 over all
/// dictionaries that share them.
pub(crate) fn build<'a, I>(alphabet: Alphabet, keys: I) -> Vec<u8>
where
    I: ExactSizeIterator<Item = Keyed<'a>> + Clone,
{
    let count = keys.len();
    let mut counts = Counts::new(alphabet);
    // Every number up to the highest gets a code, so that the low tables of all high bytes are described.
    let highest = keys.clone().map(|keyed| keyed.number).max().unwrap_or(0);
    for high in 0..=highest.to_be_bytes()[0] {
        counts.number(u16::from_be_bytes([high, 0]));
    }
    write_keys(alphabet, keys.clone(), &mut counts, |_, _| ());

    let mut model = Vec::new();
    let mut writer = ModelWriter::new(&counts, &mut model);
    let mut prefixes = Vec::with_capacity(count.div_ceil(BLOCK_KEYS) * 8);
    let mut offsets = Vec::with_capacity(count.div_ceil(BLOCK_KEYS) * 4);
    write_keys(alphabet, keys.clone(), &mut writer, |writer, head| {
        prefixes.extend_from_slice(&alphabet.pack(head).to_le_bytes());
        offsets.extend_from_slice(&(writer.bits.align() as u32).to_le_bytes());
    });

    let mut out = Vec::new();
    out.extend_from_slice(&(count as u64).to_le_bytes());
    out.extend_from_slice(&(u16::from(highest.to_be_bytes()[0]) + 1).to_le_bytes());
    put_section(&mut out, &model);
    put_section(&mut out, &filter::build(keys.map(|keyed| KeyHash::of(keyed.key))));
    put_section(&mut out, &prefixes);
    put_section(&mut out, &offsets);
    put_section(&mut out, &writer.bits.finish());
    out
}

fn write_keys<'a, S: Sink>(
    alphabet: Alphabet,
    keys: impl Iterator<Item = Keyed<'a>>,
    sink: &mut S,
    mut open_block: impl FnMut(&mut S, &[u8]),
) {
    let mut before: &[u8] = &[];
    let mut shared_before = 0;
    for (place, Keyed { key, number }) in keys.enumerate() {
        let shared = if place % BLOCK_KEYS == 0 {
            open_block(sink, key);
            // The packed prefix gives the first symbols, with the end where the key is that short.
            alphabet.packed_symbols().min(key.len() + 1)
        } else {
            let shared = shared_len(before, key).min(SHARED_MAX);
            sink.shared(shared_context(shared_before), shared as u8);
            shared
        };
        write_rest(alphabet, key, shared, sink);
        sink.number(number);
        before = key;
        shared_before = shared;
    }
}

fn shared_len(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// Writes the symbols of `key` from `shared` on and its end, unless the shared part holds the end already.
fn write_rest<S: Sink>(alphabet: Alphabet, key: &[u8], shared: usize, sink: &mut S) {
    let Some(rest) = key.get(shared..) else { return };
    let symbol_at =
        |back: usize| shared.checked_sub(back).and_then(|at| key.get(at)).map_or(0, |&byte| alphabet.symbol(byte));
    let mut context = [symbol_at(2), symbol_at(1)];
    for symbol in rest.iter().map(|&byte| alphabet.symbol(byte)).chain([0]) {
        sink.symbol(context, symbol);
        context = [context[1], symbol];
    }
}
