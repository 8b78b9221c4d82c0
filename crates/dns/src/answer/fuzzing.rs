//! What fuzz targets call: what upstream servers say, up to the answers that clients get of it.

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::svcb::SvcParamKey;
use hickory_proto::rr::{RData, Record};

use super::{Answer, Asking, Wire, leads_inside, service};
use crate::query::fuzzing::check_one;
use crate::query::{Query, SIZE_PLAIN};
use crate::reply::{Age, Way, kept};
use crate::upstream::{Match, match_answer};
use crate::wire::{HEADER, NAME_MAX};

/// Of a message only what answers the question is kept, without what leads inside; the places of times lie in it; and it can
/// be written for any client, in any size, so that hickory reads it. The input is the message; what it says was asked is
/// what is taken to have been asked.
pub fn dns_answer(data: &[u8]) {
    let Some((name, kind)) = asked(data) else { return };
    for wants_dnssec in [false, true] {
        let asking = Asking { name: &name, kind, wants_dnssec, may_lead_inside: false };
        let Some(answer) = Answer::read(data, &asking) else { continue };
        check_kept(&answer.wire, &asking);
        if let Some(wire) = &answer.without_ech {
            check_kept(wire, &asking);
            assert!(!records(wire).iter_mut().any(has_ech), "a key is left");
        }
        assert!(answer.chain.len() <= 16 + records(&answer.wire).len());
        let Ok(other) = "other.example".parse() else { return };
        if let Some(standing) = Answer::standing_in(&asking, &answer, &other) {
            check_written(&standing.wire, &asking);
        }
        let whole = Asking { may_lead_inside: true, ..asking };
        let all = Answer::read(data, &whole).map_or(0, |all| records(&all.wire).len());
        assert!(records(&answer.wire).len() <= all);
    }
    let query = query(&name, kind, true);
    let matched = match_answer(&query, data);
    assert!(matched == Match::Foreign || data.get(HEADER..).is_some_and(|rest| rest.len() >= name.len() + 4));
}

/// Name, in lower case, and type of the question in a message.
fn asked(data: &[u8]) -> Option<(Vec<u8>, u16)> {
    let mut query = data.get(..HEADER)?.to_vec();
    // As if it were a query, of which the rest is not looked at.
    query.splice(2.., [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let mut bytes = crate::wire::Bytes::new(data.get(HEADER..)?);
    let length = bytes.skip_name().filter(|length| *length <= NAME_MAX)?;
    query.extend_from_slice(data.get(HEADER..HEADER + length + 4)?);
    let query = Query::read(&query).ok()?;
    Some((query.name.as_bytes().to_vec(), query.kind))
}

fn query(name: &[u8], kind: u16, has_edns: bool) -> Vec<u8> {
    let mut query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    query.extend_from_slice(name);
    query.extend_from_slice(&kind.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    if has_edns {
        query.iter_mut().skip(11).take(1).for_each(|count| *count = 1);
        query.extend_from_slice(b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x04\x00\x0c\x00\x00");
    }
    query
}

fn records(wire: &Wire) -> Vec<Record> {
    Message::from_vec(&wire.bytes).map(|message| message.answers).unwrap_or_default()
}

fn has_ech(record: &mut Record) -> bool {
    service(&mut record.data)
        .is_some_and(|service| service.svc_params.iter().any(|(key, _)| *key == SvcParamKey::EchConfigList))
}

fn check_kept(wire: &Wire, asking: &Asking<'_>) {
    for mut record in records(wire) {
        let before = record.data.clone();
        assert!(!leads_inside(&mut record.data) && record.data == before, "{record} leads inside");
        assert!(!matches!(record.data, RData::OPT(_)), "an option is no answer");
    }
    check_written(wire, asking);
}

fn check_written(wire: &Wire, asking: &Asking<'_>) {
    let Ok(message) = Message::from_vec(&wire.bytes) else { unreachable!("{}", wire.bytes.escape_ascii()) };
    assert!(!message.metadata.truncation && message.edns.is_none() && message.queries.len() == 1);
    let count = message.answers.len() + message.authorities.len() + message.additionals.len();
    assert_eq!(wire.ttls.len(), count);
    for place in &wire.ttls {
        let place = usize::from(*place);
        assert!(HEADER < place && place + 6 <= wire.bytes.len(), "{place} of {}", wire.bytes.len());
    }
    for (has_edns, is_encrypted) in [(false, false), (true, false), (true, true)] {
        let bytes = query(asking.name, asking.kind, has_edns);
        let Ok(query) = Query::read(&bytes) else { unreachable!("a query of ours") };
        for size_max in [SIZE_PLAIN, 1_232, usize::from(u16::MAX)] {
            let way = Way { size_max, own_size: 1_232, is_encrypted, cookie: None };
            let age = Age { seconds: 30, ttl_max: 600, stale_ttl: None };
            let mut out = Vec::new();
            let shortest = kept(&mut out, &query, &way, wire, age, None);
            let written = check_one(&out, &query, &way);
            let times = written.answers.iter().chain(&written.authorities).map(|record| record.ttl);
            assert!(times.clone().all(|ttl| shortest <= ttl && ttl <= 600), "{shortest} s");
            let is_whole = written.answers.len() == message.answers.len();
            assert!(is_whole || (written.metadata.truncation && written.answers.is_empty()));
        }
    }
}
