//! What an upstream server said, brought into the form in which it is kept and sent on.
//!
//! Only what belongs to the question stays: its chain of names with the records at the end, and what proves a negative
//! answer. What leads inside is left out (rebinding), and of records with ECH keys there is a second form without them.

use hickory_proto::op::{Message, MessageType, Metadata, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::rdata::svcb::{SvcParamKey, SvcParamValue};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use schoolgate_base::{Host, HostName};
use schoolgate_runtime::AddressRule;

use crate::failure::Failure;
use crate::wire::{Bytes, HEADER, Named, host_of, rcode};

/// Longest chain of names that is followed; resolvers give up sooner.
const CHAIN_MAX: usize = 16;
/// Nothing is kept longer, whatever it says (RFC 8767 §4 lets a cache cap at days); negative answers shorter (RFC 2308
/// §5), and failures hardly (RFC 9520 §3.2).
const TTL_MAX: u32 = 86_400;
const TTL_NEGATIVE_MAX: u32 = 3_600;
const TTL_FAILURE: u32 = 5;

/// A message without its EDNS record, and where its times stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) ttls: Box<[u16]>,
}

/// An answer as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) wire: Wire,
    /// Without ECH keys, where there are any (RFC 9849).
    pub(crate) without_ech: Option<Wire>,
    /// The hosts that the name leads over.
    pub(crate) chain: Box<[Host]>,
    pub(crate) rcode: u16,
    /// How long it may be kept, in seconds; 0: not at all.
    pub(crate) ttl: u32,
    /// Addresses inside were left out.
    pub(crate) leads_inside: bool,
    /// The extended error that came with it.
    pub(crate) error: Option<u16>,
}

/// What was asked, and what is done with what comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// In wire form and lower case.
    pub(crate) name: &'a [u8],
    pub(crate) kind: u16,
    pub(crate) wants_dnssec: bool,
    pub(crate) may_lead_inside: bool,
}

impl Answer {
    /// `None` where it cannot be read or is not about the question.
    pub(crate) fn read(message: &[u8], asking: &Asking<'_>) -> Option<Self> {
        // In an update (RFC 2136) records may be without data, which in an answer nobody could read.
        let message = Message::from_vec(message).ok().filter(|message| message.metadata.op_code == OpCode::Query)?;
        Self::of(message, asking)
    }

    pub(crate) fn of(message: Message, asking: &Asking<'_>) -> Option<Self> {
        let name = name_of(asking.name)?;
        let error = error_of(&message);
        let code = u16::from(message.metadata.response_code);
        let mut kept = Kept::new(&name, asking, message.answers);
        let is_negative = code == rcode::NX_DOMAIN || !kept.is_found;
        let authorities = if is_negative || asking.wants_dnssec { message.authorities } else { Vec::new() };
        let authorities: Vec<Record> = authorities.into_iter().filter(|record| is_proof(record, asking)).collect();
        let ttl = lifetime(code, is_negative && !kept.leads_inside, &kept.records, &authorities);
        let mut answer = Message::new(0, MessageType::Response, OpCode::Query);
        answer.metadata = metadata(&message.metadata);
        answer.add_query(question(&name, asking.kind));
        answer.authorities = authorities;
        answer.answers = std::mem::take(&mut kept.records);
        let wire = Wire::of(&answer)?;
        let without_ech = if strip_ech(&mut answer.answers) { Some(Wire::of(&answer)?) } else { None };
        let leads_inside = kept.leads_inside && !kept.is_found;
        let chain = kept.chain.into();
        Some(Self { wire, without_ech, chain, rcode: code, ttl, leads_inside, error })
    }

    /// The answer for `name` where another name stands in for it: an alias, and what is known of the other.
    pub(crate) fn standing_in(asking: &Asking<'_>, other: &Self, other_name: &HostName) -> Option<Self> {
        let (name, alias) = (name_of(asking.name)?, Name::from_ascii(other_name.as_str()).ok()?);
        let mut message = Message::from_vec(&other.wire.bytes).ok()?;
        let alias = RData::CNAME(hickory_proto::rr::rdata::CNAME(alias));
        message.queries = vec![question(&name, asking.kind)];
        message.answers.insert(0, Record::from_rdata(name, other.ttl.max(1), alias));
        message.metadata.authentic_data = false;
        let wire = Wire::of(&message)?;
        Some(Self { wire, without_ech: None, chain: Box::default(), ..other.clone() })
    }

    /// That nobody could tell.
    pub(crate) fn failed(asking: &Asking<'_>, failure: Failure) -> Option<Self> {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.response_code = ResponseCode::ServFail;
        let error = failure.shown().error.map(|error| error.code);
        Some(Self { error, ..Self::of(message, asking)? })
    }

    /// What it takes to keep, in bytes.
    pub(crate) fn size(&self) -> usize {
        let of = |wire: &Wire| wire.bytes.len() + wire.ttls.len() * 2;
        of(&self.wire) + self.without_ech.as_ref().map_or(0, of) + self.chain.len() * 64
    }

    #[cfg(test)]
    pub(crate) fn example(ttl: u32) -> Self {
        let asking = Asking { name: b"\x01a\x00", kind: 1, wants_dnssec: false, may_lead_inside: false };
        let answer = Self::of(Message::new(0, MessageType::Response, OpCode::Query), &asking).unwrap();
        Self { ttl, ..answer }
    }
}

/// The records of an answer that are about the question.
struct Kept {
    records: Vec<Record>,
    chain: Vec<Host>,
    /// There is a record of the type that was asked for.
    is_found: bool,
    leads_inside: bool,
}

impl Kept {
    fn new(name: &Name, asking: &Asking<'_>, records: Vec<Record>) -> Self {
        let names = chain(name, &records);
        let mut kept = Self { records: Vec::new(), chain: Vec::new(), is_found: false, leads_inside: false };
        kept.chain.extend(names.iter().skip(1).filter_map(host));
        for mut record in records {
            let is_ours = names.contains(&record.name) || record.record_type() == RecordType::DNAME;
            if !is_ours || record.dns_class != DNSClass::IN {
                continue;
            }
            if !asking.may_lead_inside && leads_inside(&mut record.data) {
                kept.leads_inside = true;
                continue;
            }
            kept.is_found |= u16::from(record.record_type()) == asking.kind;
            if let RData::HTTPS(_) | RData::SVCB(_) = &record.data {
                let targets = service(&mut record.data).map(|service| service.target_name.clone());
                kept.chain.extend(targets.filter(|target| !target.is_root()).as_ref().and_then(host));
            }
            kept.records.push(lowered(record));
        }
        kept
    }
}

/// The name and the names that it is an alias of, in order.
fn chain(name: &Name, records: &[Record]) -> Vec<Name> {
    let mut names = vec![name.clone()];
    while let Some(last) = names.last().filter(|_| names.len() < CHAIN_MAX) {
        let next = records.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *last => Some(target.0.clone()),
            _ => None,
        });
        match next {
            Some(next) if !names.contains(&next) => names.push(next),
            _ => break,
        }
    }
    names
}

fn host(name: &Name) -> Option<Host> {
    let mut wire = Vec::new();
    for label in name.iter() {
        wire.push(u8::try_from(label.len()).ok()?);
        wire.extend_from_slice(label);
    }
    wire.push(0);
    match host_of(&wire) {
        Named::Host(host) => Some(host),
        Named::Root | Named::Nothing => None,
    }
}

/// Upstream sees names in a case of ours, so what it sends back has that case; nobody else is to see it.
fn lowered(mut record: Record) -> Record {
    record.name = record.name.to_lowercase();
    if let RData::CNAME(target) = &mut record.data {
        target.0 = target.0.to_lowercase();
    }
    record
}

/// Whether the record leads to an address that no name outside should lead to. Hints at such addresses go, and the rest
/// of their record stays.
fn leads_inside(data: &mut RData) -> bool {
    let rule = AddressRule::default();
    let is_inside = |address: std::net::IpAddr| rule.refusal((address, 0).into()).is_some();
    match data {
        RData::A(address) => is_inside(address.0.into()),
        RData::AAAA(address) => is_inside(address.0.into()),
        _ => {
            if let Some(service) = service(data) {
                service.svc_params.retain(|(_, value)| match value {
                    SvcParamValue::Ipv4Hint(hints) => !hints.0.iter().any(|hint| is_inside(hint.0.into())),
                    SvcParamValue::Ipv6Hint(hints) => !hints.0.iter().any(|hint| is_inside(hint.0.into())),
                    _ => true,
                });
            }
            false
        }
    }
}

fn service(data: &mut RData) -> Option<&mut SVCB> {
    match data {
        RData::HTTPS(https) => Some(&mut https.0),
        RData::SVCB(svcb) => Some(svcb),
        _ => None,
    }
}

/// Takes the keys out with which a client would hide the name it wants (RFC 9849 §3); says whether there were any.
fn strip_ech(records: &mut [Record]) -> bool {
    let mut found = false;
    for service in records.iter_mut().filter_map(|record| service(&mut record.data)) {
        let before = service.svc_params.len();
        service.svc_params.retain(|(key, _)| *key != SvcParamKey::EchConfigList);
        found |= service.svc_params.len() < before;
        for (_, value) in &mut service.svc_params {
            if let SvcParamValue::Mandatory(keys) = value {
                keys.0.retain(|key| *key != SvcParamKey::EchConfigList);
            }
        }
        // RFC 9460 §8: the list must not be empty.
        service.svc_params.retain(|(_, value)| !matches!(value, SvcParamValue::Mandatory(keys) if keys.0.is_empty()));
    }
    found
}

/// What says that there is nothing, or proves it.
fn is_proof(record: &Record, asking: &Asking<'_>) -> bool {
    match record.record_type() {
        RecordType::SOA => true,
        RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 => asking.wants_dnssec,
        _ => false,
    }
}

fn lifetime(code: u16, is_negative: bool, answers: &[Record], authorities: &[Record]) -> u32 {
    let shortest = |records: &[Record]| records.iter().map(|record| record.ttl).min();
    match code {
        // A long chain to nothing lasts as long as its links.
        rcode::NO_ERROR | rcode::NX_DOMAIN if is_negative => {
            let minimum = authorities.iter().find_map(|record| match &record.data {
                RData::SOA(soa) => Some(soa.minimum.min(record.ttl)),
                _ => None,
            });
            // RFC 2308 §5: without an SOA it is not kept.
            let shortest = shortest(answers).unwrap_or(TTL_NEGATIVE_MAX);
            minimum.map_or(0, |minimum| minimum.min(shortest).min(TTL_NEGATIVE_MAX))
        }
        rcode::NO_ERROR | rcode::NX_DOMAIN => shortest(answers).unwrap_or(TTL_FAILURE).min(TTL_MAX),
        _ => TTL_FAILURE,
    }
}

fn metadata(theirs: &Metadata) -> Metadata {
    let mut ours = Metadata::new(0, MessageType::Response, OpCode::Query);
    ours.recursion_desired = true;
    ours.recursion_available = true;
    ours.authentic_data = theirs.authentic_data;
    // The code's high bits stand in the EDNS record, which is made anew for each client.
    let code = u16::from(theirs.response_code);
    ours.response_code = if code <= 15 { theirs.response_code } else { ResponseCode::ServFail };
    ours
}

fn question(name: &Name, kind: u16) -> Question {
    Question::query(name.clone(), RecordType::from(kind))
}

fn error_of(message: &Message) -> Option<u16> {
    match message.edns.as_ref()?.option(EdnsCode::Unknown(crate::wire::option::ERROR))? {
        EdnsOption::Unknown(_, data) => data.first_chunk().map(|code| u16::from_be_bytes(*code)),
        _ => None,
    }
}

fn name_of(wire: &[u8]) -> Option<Name> {
    let mut bytes = Bytes::new(wire);
    let mut labels = Vec::new();
    while let Some(length) = bytes.byte().filter(|length| *length != 0) {
        labels.push(bytes.take(length.into())?);
    }
    let mut name = Name::from_labels(labels).ok()?;
    name.set_fqdn(true);
    Some(name)
}

impl Wire {
    fn of(message: &Message) -> Option<Self> {
        let bytes = message.to_vec().ok()?;
        let ttls = ttls(&bytes)?.into();
        Some(Self { bytes: bytes.into(), ttls })
    }
}

/// Where the times of records stand in a message of our own making.
fn ttls(message: &[u8]) -> Option<Vec<u16>> {
    let (head, body) = message.split_first_chunk::<HEADER>()?;
    let mut head = Bytes::new(head);
    head.take(4)?;
    let questions = head.word()?;
    let records = u32::from(head.word()?) + u32::from(head.word()?) + u32::from(head.word()?);
    let mut bytes = Bytes::new(body);
    for _ in 0..questions {
        bytes.skip_name()?;
        bytes.take(4)?;
    }
    let mut found = Vec::new();
    for _ in 0..records {
        bytes.skip_name()?;
        bytes.take(4)?;
        found.push(u16::try_from(message.len() - bytes.rest().len()).ok()?);
        bytes.take(4)?;
        let length = bytes.word()?;
        bytes.take(length.into())?;
    }
    Some(found)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
