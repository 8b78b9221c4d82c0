//! As much of DER (X.690) as Kerberos needs: definite lengths, low tag numbers, nothing copied.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::negotiate::NegotiateError;

/// Tags, by X.690 §8.1.2.
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const GENERAL_STRING: u8 = 0x1B;

/// `[number]`, explicit.
pub(super) const fn context(number: u8) -> u8 {
    0xA0 | number
}

/// `[APPLICATION number]`.
pub(super) const fn application(number: u8) -> u8 {
    0x60 | number
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Der<'a>, NegotiateError> {
        let (found, content, rest) = element(self.0).ok_or(NegotiateError::Message)?;
        if found != tag {
            return Err(NegotiateError::Message);
        }
        self.0 = rest;
        Ok(Der(content))
    }

    /// As [`Der::take`], where the next element has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Result<Option<Der<'a>>, NegotiateError> {
        if self.0.first() == Some(&tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    pub(super) fn end(self) -> Result<(), NegotiateError> {
        if self.0.is_empty() { Ok(()) } else { Err(NegotiateError::Message) }
    }

    /// The one element in here.
    pub(super) fn only(mut self, tag: u8) -> Result<Der<'a>, NegotiateError> {
        let content = self.take(tag)?;
        self.end()?;
        Ok(content)
    }

    /// `INTEGER`, of at most eight bytes.
    pub(super) fn integer(self) -> Result<i64, NegotiateError> {
        let Der(bytes) = self.only(INTEGER)?;
        let first = bytes.first().filter(|_| bytes.len() <= 8).ok_or(NegotiateError::Message)?;
        let start = if *first < 0x80 { 0 } else { -1 };
        Ok(bytes.iter().fold(start, |number: i64, byte| number << 8 | i64::from(*byte)))
    }

    /// `GeneralString`, which RFC 4120 §5.2.1 keeps to ASCII and practice to UTF-8.
    pub(super) fn text(self) -> Result<&'a str, NegotiateError> {
        std::str::from_utf8(self.only(GENERAL_STRING)?.0).map_err(|_| NegotiateError::Message)
    }

    /// `KerberosTime` (RFC 4120 §5.2.3): seconds, in UTC.
    pub(super) fn time(self) -> Result<Timestamp, NegotiateError> {
        let text = std::str::from_utf8(self.only(GENERALIZED_TIME)?.0).ok().and_then(|text| text.strip_suffix('Z'));
        let time = text.filter(|text| text.len() == 14).and_then(|text| DateTime::strptime("%Y%m%d%H%M%S", text).ok());
        let time = time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
        time.ok_or(NegotiateError::Message)
    }
}

fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // Up to three bytes of length: no token is longer.
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
