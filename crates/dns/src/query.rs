//! Queries as clients send them, read in place.
//!
//! Every query passes here, most of them to be answered from memory, so nothing is allocated; a test holds this reader
//! against hickory's. What upstream servers send is read by hickory.

use crate::failure::Failure;
use crate::wire::{Bytes, NAME_MAX, flag, kind, option};

/// Records beside the question that are looked at: a query has one for EDNS and perhaps one for a signature.
const RECORDS_MAX: u16 = 4;
/// The answer size of a client that says none (RFC 1035 §4.2.1).
pub(crate) const SIZE_PLAIN: usize = 512;

/// A name in wire form and lower case.
#[derive(Clone)]
pub(crate) struct WireName {
    bytes: [u8; NAME_MAX],
    length: u8,
}

impl WireName {
    /// `None` for more than 255 bytes. The lengths of labels are below every letter, so the whole can be lowered.
    pub(crate) fn lowered(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; NAME_MAX];
        let place = bytes.get_mut(..name.len())?;
        place.copy_from_slice(name);
        place.make_ascii_lowercase();
        Some(Self { bytes, length: u8::try_from(name.len()).ok()? })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }
}

/// A query, or as much of it as can be answered.
pub(crate) struct Query<'a> {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// Name, type and class as they came.
    pub(crate) question: &'a [u8],
    pub(crate) name: WireName,
    pub(crate) kind: u16,
    pub(crate) class: u16,
    pub(crate) edns: Option<Edns<'a>>,
}

/// What the client's EDNS record says (RFC 6891 §6.1.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edns<'a> {
    pub(crate) size: u16,
    pub(crate) version: u8,
    pub(crate) wants_dnssec: bool,
    pub(crate) cookie: Option<&'a [u8]>,
    pub(crate) pads: bool,
}

/// What cannot be read as a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// No answer: too short for an id, or an answer itself, which two servers could send each other for ever.
    Silent,
    Answered {
        id: u16,
        flags: u16,
        failure: Failure,
    },
}

impl<'a> Query<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, Unreadable> {
        let mut bytes = Bytes::new(message);
        let head = Head::read(&mut bytes).ok_or(Unreadable::Silent)?;
        let Head { id, flags, .. } = head;
        if flags & flag::RESPONSE != 0 {
            return Err(Unreadable::Silent);
        }
        let answered = |failure| Unreadable::Answered { id, flags, failure };
        if flags & flag::OPCODE != 0 {
            return Err(answered(Failure::Opcode));
        }
        head.body(bytes).ok_or(answered(Failure::Malformed))
    }

    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn wants_dnssec(&self) -> bool {
        self.edns.is_some_and(|edns| edns.wants_dnssec)
    }

    /// The largest datagram that the client takes.
    pub(crate) fn size(&self) -> usize {
        self.edns.map_or(SIZE_PLAIN, |edns| usize::from(edns.size).max(SIZE_PLAIN))
    }
}

struct Head {
    id: u16,
    flags: u16,
    counts: [u16; 4],
}

impl Head {
    fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let (id, flags) = (bytes.word()?, bytes.word()?);
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = bytes.word()?;
        }
        Some(Self { id, flags, counts })
    }

    fn body<'a>(&self, mut bytes: Bytes<'a>) -> Option<Query<'a>> {
        let [1, 0, 0, more] = self.counts else { return None };
        let start = bytes.rest();
        let name = name(&mut bytes)?;
        let (kind, class) = (bytes.word()?, bytes.word()?);
        let question = start.get(..start.len() - bytes.rest().len())?;
        let edns = edns(&mut bytes, more)?;
        Some(Query { id: self.id, flags: self.flags, question, name, kind, class, edns })
    }
}

/// A name without pointers: in a question there is nothing that they could point to.
fn name(bytes: &mut Bytes<'_>) -> Option<WireName> {
    let start = bytes.rest();
    loop {
        match bytes.byte()? {
            0 => break,
            length @ 1..=63 => drop(bytes.take(length.into())?),
            _ => return None,
        }
    }
    WireName::lowered(start.get(..start.len() - bytes.rest().len())?)
}

fn edns<'a>(bytes: &mut Bytes<'a>, count: u16) -> Option<Option<Edns<'a>>> {
    if RECORDS_MAX < count {
        return None;
    }
    let mut found = None;
    for _ in 0..count {
        let name_length = bytes.skip_name()?;
        let (kind, class) = (bytes.word()?, bytes.word()?);
        let (high, low) = (bytes.word()?, bytes.word()?);
        let length = bytes.word()?;
        let data = bytes.take(length.into())?;
        if kind != kind::OPT {
            continue;
        }
        // One, of the root (RFC 6891 §6.1.1).
        if found.is_some() || name_length != 1 {
            return None;
        }
        let [_, version] = high.to_be_bytes();
        let edns = Edns { size: class, version, wants_dnssec: low & 0x8000 != 0, ..Edns::default() };
        found = Some(options(data, edns)?);
    }
    bytes.rest().is_empty().then_some(found)
}

fn options<'a>(data: &'a [u8], mut edns: Edns<'a>) -> Option<Edns<'a>> {
    let mut bytes = Bytes::new(data);
    while !bytes.rest().is_empty() {
        let (code, length) = (bytes.word()?, bytes.word()?);
        let value = bytes.take(length.into())?;
        match code {
            // RFC 7873 §5.2.2: 8 bytes of the client's, with 8 to 32 of the server's; anything else is an error.
            option::COOKIE if !matches!(value.len(), 8 | 16..=40) => return None,
            option::COOKIE => edns.cookie = Some(value),
            option::PADDING => edns.pads = true,
            _ => {}
        }
    }
    Some(edns)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
