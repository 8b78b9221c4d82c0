//! The frame of one record in a spool segment: length, checksum, body.
//!
//! ```text
//! u32 LE  length of the body in bytes, 1 to 65,536
//! u32 LE  CRC-32 (IEEE) of the body
//! body    kind (u8), then the record in postcard's encoding
//! ```
//!
//! The kind is also the version of what follows: a changed [`Event`] gets a new kind and the old one stays readable
//! until no spool can hold it. Eats bytes, not files; a length beyond the limit is refused before anything is allocated.

use jiff::Timestamp;
use schoolgate_event::Event;
use serde::{Deserialize, Serialize};

/// Longest body. A URL is the only long field, and doors cut it far below this.
pub(crate) const BODY_MAX_BYTES: usize = 65_536;

const HEAD_BYTES: usize = 8;
/// An event whose decision ends before its handshakes.
const KIND_EVENT_1: u8 = 1;
const KIND_GAP_1: u8 = 2;
const KIND_EVENT_2: u8 = 3;

/// What a segment holds. Nearly every record is an event, so boxing it would only cost.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Event(Event),
    Gap(Gap),
}

/// Events that were lost because the queue was full: the log says so rather than looking complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// Time of the last event that was lost.
    pub(crate) until: Timestamp,
    pub(crate) events: u64,
}

/// Why bytes are not a record. Mid-file this is a torn or damaged tail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the record is cut off")]
    Cut,
    #[error("a record of {0} bytes is not possible")]
    Length(usize),
    #[error("the checksum does not match")]
    Checksum,
    #[error("record kind {0} is unknown")]
    Kind(u8),
    #[error("cannot read the record's body")]
    Body { source: postcard::Error },
}

/// Why an event cannot be written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("the event takes {0} bytes, more than a record may have")]
    TooLong(usize),
    #[error("cannot encode the event")]
    Body { source: postcard::Error },
}

/// Appends one frame to `out`; on an error `out` is as it was.
pub(crate) fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut body = Vec::with_capacity(256);
    let body = match record {
        Record::Event(event) => {
            body.push(KIND_EVENT_2);
            postcard::to_extend(event, body)
        }
        Record::Gap(gap) => {
            body.push(KIND_GAP_1);
            postcard::to_extend(gap, body)
        }
    }
    .map_err(|source| EncodeError::Body { source })?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= BODY_MAX_BYTES)
        .ok_or(EncodeError::TooLong(body.len()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    out.extend_from_slice(&body);
    Ok(())
}

/// Reads the frame at the start of `input`, which is not empty; gives the record and the bytes after it.
pub(crate) fn decode(input: &[u8]) -> Result<(Record, &[u8]), FrameError> {
    let (head, rest) = input.split_first_chunk::<HEAD_BYTES>().ok_or(FrameError::Cut)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length == 0 || BODY_MAX_BYTES < length {
        return Err(FrameError::Length(length));
    }
    let (body, rest) = rest.split_at_checked(length).ok_or(FrameError::Cut)?;
    if crc32fast::hash(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(FrameError::Checksum);
    }
    let Some((&kind, body)) = body.split_first() else { return Err(FrameError::Length(0)) };
    let wrong = |source| FrameError::Body { source };
    let record = match kind {
        // Nothing is known of the handshakes, which a decision ends with: in postcard's encoding, a zero more.
        KIND_EVENT_1 => Record::Event(postcard::from_bytes(&[body, &[0]].concat()).map_err(wrong)?),
        KIND_EVENT_2 => Record::Event(postcard::from_bytes(body).map_err(wrong)?),
        KIND_GAP_1 => Record::Gap(postcard::from_bytes(body).map_err(wrong)?),
        other => return Err(FrameError::Kind(other)),
    };
    Ok((record, rest))
}

#[cfg(test)]
mod tests;
