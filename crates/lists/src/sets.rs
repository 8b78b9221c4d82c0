//! The distinct sets of (category, list) that entries have: few, although entries are many.

use std::collections::HashMap;

use crate::OpenError;
use crate::names::{CategoryId, ListId, Names};
use crate::wire::Reader;

/// A category, and the list that said so.
pub(crate) type Pair = (CategoryId, ListId);

/// Sets by number, for building.
#[derive(Debug, Default)]
pub(crate) struct SetsBuilder {
    numbers: HashMap<Box<[Pair]>, u16>,
    sets: Vec<Box<[Pair]>>,
    uses: Vec<u64>,
}

impl SetsBuilder {
    /// The number of a sorted set; `None` when there are too many different ones.
    pub(crate) fn number(&mut self, set: &[Pair]) -> Option<u16> {
        let number = match self.numbers.get(set) {
            Some(number) => *number,
            None => {
                let number = u16::try_from(self.sets.len()).ok()?;
                self.numbers.insert(set.into(), number);
                self.sets.push(set.into());
                self.uses.push(0);
                number
            }
        };
        if let Some(uses) = self.uses.get_mut(usize::from(number)) {
            *uses += 1;
        }
        Some(number)
    }

    /// The pairs of a set by the number it was given.
    pub(crate) fn get(&self, number: u16) -> &[Pair] {
        self.sets.get(usize::from(number)).map_or(&[], |set| set)
    }

    /// Renumbers so that frequent sets come first; gives the sets, and the new number of each old one.
    pub(crate) fn by_use(self) -> (Vec<Box<[Pair]>>, Vec<u16>) {
        let mut order: Vec<(u64, Box<[Pair]>, usize)> =
            self.uses.into_iter().zip(self.sets).enumerate().map(|(old, (uses, set))| (uses, set, old)).collect();
        order.sort_unstable_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        let mut renumbered = vec![0; order.len()];
        let mut sets = Vec::with_capacity(order.len());
        for (new, (_, set, old)) in (0_u16..=u16::MAX).zip(order) {
            if let Some(slot) = renumbered.get_mut(old) {
                *slot = new;
            }
            sets.push(set);
        }
        (sets, renumbered)
    }
}

pub(crate) fn write(sets: &[Box<[Pair]>], out: &mut Vec<u8>) {
    out.extend_from_slice(&(sets.len() as u32).to_le_bytes());
    for set in sets {
        out.extend_from_slice(&(set.len() as u32).to_le_bytes());
        for (category, list) in set {
            out.extend_from_slice(&category.0.to_le_bytes());
            out.extend_from_slice(&list.0.to_le_bytes());
        }
    }
}

/// Reads the sets; every id in them is one of `names`.
pub(crate) fn read(reader: &mut Reader<'_>, names: &Names) -> Result<Vec<Box<[Pair]>>, OpenError> {
    const WHAT: &str = "category sets";
    let count = reader.u32(WHAT)?;
    let mut sets = Vec::new();
    for _ in 0..count {
        let len = reader.u32(WHAT)? as usize;
        // Four bytes a pair: taking the bytes first keeps a lying length from choosing our memory.
        let bytes = reader.take(len.saturating_mul(4), WHAT)?;
        let (pairs, _) = bytes.as_chunks::<4>();
        let set: Box<[Pair]> = pairs
            .iter()
            .map(|[c0, c1, l0, l1]| {
                (CategoryId(u16::from_le_bytes([*c0, *c1])), ListId(u16::from_le_bytes([*l0, *l1])))
            })
            .collect();
        let known = |(category, list): &Pair| {
            usize::from(category.0) < names.categories.len() && usize::from(list.0) < names.lists.len()
        };
        if !set.iter().all(known) {
            return Err(OpenError::Corrupt { what: WHAT });
        }
        sets.push(set);
    }
    Ok(sets)
}
