//! Answers as they are written to a client: of an answer that is kept, or of our own.

use std::net::IpAddr;

use crate::answer::Wire;
use crate::cookies::COOKIE;
use crate::failure::{Error, Failure};
use crate::query::Query;
use crate::wire::{CLASS_IN, HEADER, flag, kind, option, push_address, push_word, put_word, rcode};

/// Encrypted answers are padded to multiples of this (RFC 8467 §4.1).
const BLOCK: usize = 468;
/// A pointer to the question's name (RFC 1035 §4.1.4).
const TO_QUESTION: [u8; 2] = [0xc0, 0x0c];
/// What a resolver answers in place of everything it has on a name (RFC 8482 §4.2).
const ANY: &[u8] = b"\x07RFC8482\x00";

/// How an answer goes out, beside what it says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    /// The most that may be sent, in bytes.
    pub(crate) size_max: usize,
    /// The datagrams that we take ourselves.
    pub(crate) own_size: u16,
    pub(crate) is_encrypted: bool,
    pub(crate) cookie: Option<[u8; COOKIE]>,
}

/// How old a kept answer is, and how long it may last at the client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Age {
    pub(crate) seconds: u32,
    pub(crate) ttl_max: u32,
    /// In place of all times, for an answer that is over its own.
    pub(crate) stale_ttl: Option<u32>,
}

/// An answer of our own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) rcode: u16,
    pub(crate) addresses: &'a [IpAddr],
    /// In seconds.
    pub(crate) ttl: u32,
    pub(crate) error: Option<Error>,
}

/// A kept answer, with this client's id, spelling and times. Returns the shortest time in it, in seconds.
pub(crate) fn kept(
    out: &mut Vec<u8>,
    query: &Query<'_>,
    way: &Way,
    wire: &Wire,
    age: Age,
    error: Option<Error>,
) -> u32 {
    out.clear();
    out.extend_from_slice(&wire.bytes);
    put_word(out, 0, query.id);
    let theirs = u16::from_be_bytes([at(out, 2), at(out, 3)]);
    put_word(out, 2, flags(query, theirs & flag::RCODE, theirs & flag::AUTHENTIC));
    if let Some(place) = out.get_mut(HEADER..HEADER + query.question.len()) {
        place.copy_from_slice(query.question);
    }
    let mut shortest = age.ttl_max;
    for place in &wire.ttls {
        let place = usize::from(*place);
        let Some(four) = out.get_mut(place..place + 4).and_then(|four| four.first_chunk_mut::<4>()) else { continue };
        let left = u32::from_be_bytes(*four).saturating_sub(age.seconds).min(age.ttl_max);
        let left = age.stale_ttl.unwrap_or(left);
        shortest = shortest.min(left);
        *four = left.to_be_bytes();
    }
    finish(out, query, way, theirs & flag::RCODE, error);
    shortest
}

/// An answer of our own: addresses, or that there is nothing.
pub(crate) fn own(out: &mut Vec<u8>, query: &Query<'_>, way: &Way, own: Own<'_>) {
    head(out, query, own.rcode);
    let mut count = 0;
    for address in own.addresses {
        let before = out.len();
        record(out, query.kind, own.ttl);
        if push_address(out, query.kind, *address) {
            count += 1;
        } else {
            out.truncate(before);
        }
    }
    put_word(out, 6, count);
    if count == 0 && matches!(own.rcode, rcode::NO_ERROR | rcode::NX_DOMAIN) {
        nothing(out, own.ttl);
    }
    finish(out, query, way, own.rcode, own.error);
}

/// The answer to a question for everything (RFC 8482).
pub(crate) fn any(out: &mut Vec<u8>, query: &Query<'_>, way: &Way, ttl: u32) {
    head(out, query, rcode::NO_ERROR);
    record(out, kind::HINFO, ttl);
    push_word(out, u16::try_from(ANY.len()).unwrap_or(0));
    out.extend_from_slice(ANY);
    put_word(out, 6, 1);
    finish(out, query, way, rcode::NO_ERROR, None);
}

/// The answer to a failure.
pub(crate) fn failed(out: &mut Vec<u8>, query: &Query<'_>, way: &Way, failure: Failure) {
    let shown = failure.shown();
    head(out, query, shown.rcode);
    finish(out, query, way, shown.rcode, shown.error);
}

/// Nothing but "ask again over TCP".
pub(crate) fn truncated(out: &mut Vec<u8>, query: &Query<'_>, way: &Way) {
    head(out, query, rcode::NO_ERROR);
    put_word(out, 2, flags(query, 0, 0) | flag::TRUNCATED);
    finish(out, query, way, rcode::NO_ERROR, None);
}

/// The answer to something that is not a query: its header.
pub(crate) fn unread(out: &mut Vec<u8>, id: u16, theirs: u16, failure: Failure) {
    out.clear();
    push_word(out, id);
    let kept = theirs & (flag::OPCODE | flag::RECURSION_DESIRED);
    push_word(out, flag::RESPONSE | kept | (failure.shown().rcode & flag::RCODE));
    out.resize(HEADER, 0);
}

fn at(out: &[u8], place: usize) -> u8 {
    out.get(place).copied().unwrap_or(0)
}

/// AD is for those who understand it (RFC 6840 §5.8).
fn flags(query: &Query<'_>, code: u16, authentic: u16) -> u16 {
    let theirs = query.flags & (flag::RECURSION_DESIRED | flag::CHECKING_DISABLED);
    let understands = query.wants_dnssec() || query.has(flag::AUTHENTIC);
    let authentic = if understands { authentic } else { 0 };
    flag::RESPONSE | flag::RECURSION_AVAILABLE | theirs | authentic | (code & flag::RCODE)
}

fn head(out: &mut Vec<u8>, query: &Query<'_>, code: u16) {
    out.clear();
    push_word(out, query.id);
    push_word(out, flags(query, code, 0));
    for count in [1, 0, 0, 0] {
        push_word(out, count);
    }
    out.extend_from_slice(query.question);
}

fn record(out: &mut Vec<u8>, kind: u16, ttl: u32) {
    out.extend_from_slice(&TO_QUESTION);
    push_word(out, kind);
    push_word(out, CLASS_IN);
    out.extend_from_slice(&ttl.to_be_bytes());
}

/// So that "nothing" is not asked for again at once (RFC 2308 §3). Server and mailbox are the root, which is nobody.
fn nothing(out: &mut Vec<u8>, ttl: u32) {
    record(out, kind::SOA, ttl);
    push_word(out, 22);
    out.extend_from_slice(&[0, 0]);
    for number in [1, 3_600, 600, 86_400, ttl] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    put_word(out, 8, 1);
}

/// Adds the EDNS record, for who sent one (RFC 6891 §7), after cutting what is too large for the client.
fn finish(out: &mut Vec<u8>, query: &Query<'_>, way: &Way, code: u16, error: Option<Error>) {
    let mut edns = [0_u8; 256];
    let mut edns = Edns { bytes: &mut edns, length: 0 };
    if query.edns.is_some() {
        edns.fill(query, way, code, error, out.len());
    }
    let record = edns.record();
    if way.size_max < out.len() + record.len() {
        let flags = u16::from_be_bytes([at(out, 2), at(out, 3)]);
        put_word(out, 2, flags | flag::TRUNCATED);
        out.truncate(HEADER + query.question.len());
        for place in [6, 8, 10] {
            put_word(out, place, 0);
        }
    }
    out.extend_from_slice(record);
    put_word(out, 10, u16::from(!record.is_empty()));
    if way.is_encrypted && query.edns.is_some_and(|edns| edns.pads) {
        pad(out, record.len(), way.size_max);
    }
}

/// The EDNS record while it is put together.
struct Edns<'a> {
    bytes: &'a mut [u8; 256],
    length: usize,
}

impl Edns<'_> {
    fn fill(&mut self, query: &Query<'_>, way: &Way, code: u16, error: Option<Error>, so_far: usize) {
        let [_, low] = (code >> 4).to_be_bytes();
        let dnssec = if query.wants_dnssec() { 0x80 } else { 0 };
        self.push(&[0]);
        self.push(&kind::OPT.to_be_bytes());
        self.push(&way.own_size.to_be_bytes());
        self.push(&[low, 0, dnssec, 0]);
        self.push(&[0, 0]);
        if let Some(cookie) = &way.cookie {
            self.option(option::COOKIE, &[cookie]);
        }
        if let Some(error) = error {
            // Words are the first thing to go.
            let fits = so_far + self.length + error.text.len() + 6 <= way.size_max;
            let text = if fits { error.text.as_bytes() } else { &[] };
            self.option(option::ERROR, &[&error.code.to_be_bytes(), text]);
        }
        let data = u16::try_from(self.length.saturating_sub(11)).unwrap_or(0);
        put_word(self.bytes, 9, data);
    }

    fn option(&mut self, code: u16, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.push(&code.to_be_bytes());
        self.push(&u16::try_from(length).unwrap_or(0).to_be_bytes());
        for part in parts {
            self.push(part);
        }
    }

    fn push(&mut self, part: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + part.len()) {
            place.copy_from_slice(part);
            self.length += part.len();
        }
    }

    fn record(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// `record` is the length of the EDNS record, which ends the message.
fn pad(out: &mut Vec<u8>, record: usize, size_max: usize) {
    let length = (out.len() + 4).div_ceil(BLOCK) * BLOCK;
    let Some(zeros) = length.min(size_max).checked_sub(out.len() + 4).filter(|_| record > 0) else { return };
    let data_at = out.len() - record + 9;
    let data = usize::from(u16::from_be_bytes([at(out, data_at), at(out, data_at + 1)])) + 4 + zeros;
    put_word(out, data_at, u16::try_from(data).unwrap_or(0));
    push_word(out, option::PADDING);
    push_word(out, u16::try_from(zeros).unwrap_or(0));
    out.resize(out.len() + zeros, 0);
}
