//! Bytes of a file to text, whatever a spreadsheet wrote them in.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes looked at to tell UTF-16 without a mark.
const SAMPLE_BYTES: usize = 512;

/// The text, and the name of the encoding it was in. A byte order mark decides; then whatever is valid UTF-8 is that;
/// then text with a zero in every other byte is UTF-16; the rest is Windows-1252, which no byte contradicts.
pub(crate) fn decode(bytes: &[u8]) -> (String, &'static str) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => guess(bytes),
    };
    let (text, used, _) = encoding.decode(bytes);
    (text.into_owned(), used.name())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    let zeros = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 4;
    if 0 < half && half < zeros(1) {
        return UTF_16LE;
    }
    if 0 < half && half < zeros(0) {
        return UTF_16BE;
    }
    if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], encoding: &'static Encoding) {
        assert_eq!(decode(bytes), ("Zoë,5".to_owned(), encoding.name()));
    }

    #[test]
    fn spreadsheets_write_in_many_ways() {
        check("Zoë,5".as_bytes(), UTF_8);
        check("\u{feff}Zoë,5".as_bytes(), UTF_8);
        check(b"Zo\xeb,5", WINDOWS_1252);
        let utf16 = |mark: bool, bytes: fn(u16) -> [u8; 2]| {
            let text = if mark { "\u{feff}Zoë,5" } else { "Zoë,5" };
            text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        check(&utf16(true, u16::to_le_bytes), UTF_16LE);
        check(&utf16(true, u16::to_be_bytes), UTF_16BE);
        check(&utf16(false, u16::to_le_bytes), UTF_16LE);
        check(&utf16(false, u16::to_be_bytes), UTF_16BE);
        assert_eq!(decode(b"").0, "");
    }
}
