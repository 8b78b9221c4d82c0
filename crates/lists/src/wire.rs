//! Little-endian primitives of the index file, read with bounds checked.
//!
//! Reading never panics: whatever does not fit is [`OpenError::Corrupt`] with the name of what was being read.

use crate::OpenError;

/// Appends a section: its length, then its bytes.
pub(crate) fn put_section(out: &mut Vec<u8>, section: &[u8]) {
    out.extend_from_slice(&(section.len() as u64).to_le_bytes());
    out.extend_from_slice(section);
}

/// Appends a text of at most 65,535 bytes; longer ones are cut by the caller's limits before.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend(text.bytes().take(usize::from(len)));
}

/// A cursor over bytes that nobody vouches for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` starts in the file.
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { rest: bytes, position }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], OpenError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(OpenError::Corrupt { what })?;
        self.rest = rest;
        self.position += len;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], OpenError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(OpenError::Corrupt { what })?;
        self.rest = rest;
        self.position += N;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, OpenError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, OpenError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, OpenError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, OpenError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, OpenError> {
        let len = self.u16(what)?;
        let bytes = self.take(usize::from(len), what)?;
        std::str::from_utf8(bytes).map_err(|_| OpenError::Corrupt { what })
    }

    /// A length-prefixed section, as a cursor of its own.
    pub(crate) fn section(&mut self, what: &'static str) -> Result<Self, OpenError> {
        let len = usize::try_from(self.u64(what)?).map_err(|_| OpenError::Corrupt { what })?;
        let position = self.position;
        let bytes = self.take(len, what)?;
        Ok(Self { rest: bytes, position })
    }

    /// The range of a length-prefixed section in the whole file.
    pub(crate) fn section_range(&mut self, what: &'static str) -> Result<std::ops::Range<usize>, OpenError> {
        let section = self.section(what)?;
        Ok(section.position..self.position)
    }
}

/// A 64-bit sum over `bytes` that notices accidents, not attackers: those meet the signature of the part file.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let mut lanes = [1_u64, 2, 3, 4];
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        let (words, _) = chunk.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let mut sum = lanes.into_iter().fold(bytes.len() as u64, mix);
    for &byte in rest {
        sum = mix(sum, u64::from(byte));
    }
    sum ^ (sum >> 32)
}
