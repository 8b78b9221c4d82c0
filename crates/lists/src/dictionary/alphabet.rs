//! The bytes that keys are made of, as small numbers in the same order.
//!
//! Symbol 0 ends a key and sorts before everything, so that keys compare as their bytes do.

/// What a kind of key is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Host names and addresses: `-`, `.`, digits, `_`, lower-case letters.
    Host,
    /// URL prefixes: printable ASCII without upper-case letters.
    Url,
}

/// Byte to symbol; 0 for bytes outside the alphabet.
type Ranks = [u8; 256];

static HOST: Ranks = ranks(Alphabet::Host);
static URL: Ranks = ranks(Alphabet::Url);

const fn ranks(alphabet: Alphabet) -> Ranks {
    let mut ranks = [0; 256];
    let mut symbol = 0;
    let mut byte = 0;
    while byte < 256 {
        if is_member(alphabet, byte as u8) {
            symbol += 1;
            // The only writer, at compile time: `byte` is below the length of the table.
            #[allow(clippy::indexing_slicing)]
            {
                ranks[byte] = symbol;
            }
        }
        byte += 1;
    }
    ranks
}

const fn is_member(alphabet: Alphabet, byte: u8) -> bool {
    match alphabet {
        Alphabet::Host => matches!(byte, b'-' | b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z'),
        Alphabet::Url => byte.is_ascii_graphic() && !byte.is_ascii_uppercase(),
    }
}

impl Alphabet {
    /// How many symbols there are, the end of a key included.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Host => 40,
            Self::Url => 69,
        }
    }

    /// How many symbols a packed prefix holds: as many as fit 64 bits.
    pub(crate) const fn packed_symbols(self) -> usize {
        match self {
            Self::Host => 12,
            Self::Url => 10,
        }
    }

    /// The symbol of a byte; 0 when it is not of this alphabet.
    #[inline]
    pub(super) fn symbol(self, byte: u8) -> u8 {
        let ranks = match self {
            Self::Host => &HOST,
            Self::Url => &URL,
        };
        ranks.get(usize::from(byte)).copied().unwrap_or(0)
    }

    /// The first symbols of a key as one number; compares as the keys do, as far as it reaches.
    pub(crate) fn pack(self, key: &[u8]) -> u64 {
        let symbols = key.iter().map(|&byte| self.symbol(byte)).chain(std::iter::repeat(0));
        symbols.take(self.packed_symbols()).fold(0, |packed, symbol| packed * self.size() as u64 + u64::from(symbol))
    }

    /// The symbols of a packed prefix, written to the front of `out`; returns how many, an end included.
    pub(super) fn unpack(self, packed: u64, out: &mut [u8]) -> usize {
        let count = self.packed_symbols();
        let Some(front) = out.get_mut(..count) else { return 0 };
        let mut rest = packed;
        for symbol in front.iter_mut().rev() {
            *symbol = (rest % self.size() as u64) as u8;
            rest /= self.size() as u64;
        }
        front.iter().position(|symbol| *symbol == 0).map_or(count, |end| end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_as_large_as_said() {
        for (alphabet, ranks) in [(Alphabet::Host, &HOST), (Alphabet::Url, &URL)] {
            assert_eq!(usize::from(*ranks.iter().max().unwrap()) + 1, alphabet.size());
            let size = alphabet.size() as u128;
            assert!(size.pow(alphabet.packed_symbols() as u32) <= 1 << 64);
        }
    }

    #[test]
    fn packing_keeps_order_and_unpacks() {
        let keys = ["", "-", "com", "com.a", "com.a-b", "com.ab", "com.example.very-long", "zz"];
        let packed: Vec<u64> = keys.iter().map(|key| Alphabet::Host.pack(key.as_bytes())).collect();
        assert!(packed.is_sorted());
        let mut out = [0; 32];
        assert_eq!(Alphabet::Host.unpack(Alphabet::Host.pack(b"com"), &mut out), 4);
        assert_eq!(&out[..4], &[16, 28, 26, 0]);
    }
}
