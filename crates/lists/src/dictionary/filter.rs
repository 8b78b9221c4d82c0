//! A blocked Bloom filter: says quickly, with one cache miss, that a key is absent.
//!
//! It may only ever err towards "perhaps present": what passes is looked up exactly afterwards.

/// Bits per key. Eight let about one absent key in thirty through.
const BITS_PER_KEY: usize = 8;
const BLOCK_BYTES: usize = 64;
/// Bits set per key, all in one block.
const PROBES: u32 = 5;

/// The running hash of a key, so that the hashes of its prefixes come for free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    pub(crate) const START: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(crate) fn push(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    pub(crate) fn of(key: &[u8]) -> Self {
        key.iter().fold(Self::START, |hash, &byte| hash.push(byte))
    }

    /// Spreads the low-quality running hash over all bits (the finaliser of MurmurHash3).
    fn spread(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

/// Which block of `blocks` a hash falls in, without division.
fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

/// Which bits of its block a hash sets: byte and mask.
fn bits_of(hash: u64) -> impl Iterator<Item = (usize, u8)> {
    let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PROBES).map(move |probe| {
        let bit = (spread >> (19 + 9 * probe)) & 511;
        ((bit >> 3) as usize, 1_u8 << (bit & 7))
    })
}

pub(super) fn build(hashes: impl ExactSizeIterator<Item = KeyHash>) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_PER_KEY).div_ceil(BLOCK_BYTES * 8);
    let mut bytes = vec![0_u8; blocks * BLOCK_BYTES];
    let (chunks, _) = bytes.as_chunks_mut::<BLOCK_BYTES>();
    for hash in hashes {
        let hash = hash.spread();
        let Some(block) = chunks.get_mut(block_of(hash, blocks)) else { continue };
        for (byte, mask) in bits_of(hash) {
            if let Some(byte) = block.get_mut(byte) {
                *byte |= mask;
            }
        }
    }
    bytes
}

/// Whether the key may be present.
#[inline]
pub(super) fn may_contain(filter: &[u8], hash: KeyHash) -> bool {
    let (chunks, _) = filter.as_chunks::<BLOCK_BYTES>();
    let hash = hash.spread();
    let Some(block) = chunks.get(block_of(hash, chunks.len())) else { return false };
    // No early exit: five loads of one cache line cost less than a branch that guesses wrong.
    bits_of(hash).fold(true, |all, (byte, mask)| all & block.get(byte).is_some_and(|byte| byte & mask != 0))
}
