//! A stream of bits, most significant first.

/// Zero bytes that follow every stream, so that a reader can always take a whole word.
const PADDING_BYTES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    /// Appends the low `len` bits of `code`; `len` is at most 16.
    pub(super) fn put(&mut self, code: u16, len: u8) {
        self.pending = (self.pending << len) | u64::from(code);
        self.pending_bits += u32::from(len);
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.bytes.push((self.pending >> self.pending_bits) as u8);
        }
        self.pending &= (1 << self.pending_bits) - 1;
    }

    /// Fills the last byte with zeros and returns the length so far, in bytes.
    pub(super) fn align(&mut self) -> usize {
        if self.pending_bits > 0 {
            self.bytes.push((self.pending << (8 - self.pending_bits)) as u8);
            self.pending = 0;
            self.pending_bits = 0;
        }
        self.bytes.len()
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let len = self.align();
        self.bytes.resize(len + PADDING_BYTES, 0);
        self.bytes
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    bit: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn at(bytes: &'a [u8], byte: usize) -> Self {
        Self { bytes, bit: byte.saturating_mul(8) }
    }

    /// The next 15 bits without consuming them; `None` where the stream has ended.
    pub(super) fn peek(&self) -> Option<u16> {
        let word = self.bytes.get(self.bit / 8..)?.first_chunk::<4>()?;
        let word = u32::from_be_bytes(*word) << (self.bit % 8);
        Some((word >> 17) as u16)
    }

    pub(super) fn skip(&mut self, bits: u32) {
        self.bit += bits as usize;
    }
}
