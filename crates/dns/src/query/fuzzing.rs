//! What fuzz targets call: queries of clients, read beside hickory, and every answer of our own to them.

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::RecordType;

use super::{Query, Unreadable};
use crate::cookies::COOKIE;
use crate::failure::Failure;
use crate::reply::{Own, Way, any, failed, own, truncated, unread};
use crate::wire::{HEADER, Named, host_of, rcode, wire_of};

/// What is read is what hickory reads; each answer of ours fits, can be read by hickory, and is to this question; the host
/// that is judged is the end of the name that was asked for.
pub fn dns_query(data: &[u8]) {
    let query = match Query::read(data) {
        Ok(query) => query,
        Err(Unreadable::Silent) => return,
        Err(Unreadable::Answered { id, flags, failure }) => {
            let mut out = Vec::new();
            unread(&mut out, id, flags, failure);
            assert_eq!((out.len(), out.get(..2)), (HEADER, data.get(..2)));
            return assert!(Message::from_vec(&out).is_ok());
        }
    };
    check_as_read(data, &query);
    if let Named::Host(host) = host_of(query.name.as_bytes()) {
        let Some(name) = host.name() else { unreachable!("{host} is an address") };
        assert!(query.name.as_bytes().ends_with(&wire_of(name)), "{host}");
    }
    for size_max in [512, 1_232, usize::from(u16::MAX)] {
        for is_encrypted in [false, true] {
            let way = Way { size_max, own_size: 1_232, is_encrypted, cookie: Some([7; COOKIE]) };
            check_answers(&query, &way);
        }
    }
}

fn check_as_read(data: &[u8], query: &Query<'_>) {
    assert_eq!(data.get(HEADER..HEADER + query.question.len()), Some(query.question));
    let Ok(theirs) = Message::from_vec(data) else { return };
    assert_eq!((theirs.metadata.id, theirs.metadata.message_type), (query.id, MessageType::Query));
    let [question] = theirs.queries.as_slice() else { unreachable!("one question") };
    assert_eq!(question.query_type, RecordType::from(query.kind));
    assert_eq!(theirs.edns.is_some(), query.edns.is_some());
    if let (Some(theirs), Some(edns)) = (&theirs.edns, query.edns) {
        assert_eq!(usize::from(theirs.max_payload()), query.size());
        assert_eq!((theirs.version(), theirs.flags().dnssec_ok), (edns.version, edns.wants_dnssec));
    }
}

fn check_answers(query: &Query<'_>, way: &Way) {
    let mut out = Vec::new();
    let addresses = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])];
    for (rcode, addresses) in [(rcode::NO_ERROR, &addresses[..]), (rcode::NX_DOMAIN, &[])] {
        own(&mut out, query, way, Own { rcode, addresses, ttl: 60, error: None });
        check_one(&out, query, way);
    }
    any(&mut out, query, way, 3_600);
    check_one(&out, query, way);
    truncated(&mut out, query, way);
    check_one(&out, query, way);
    failed(&mut out, query, way, Failure::Unreachable);
    check_one(&out, query, way);
}

/// An answer to `query` that goes `way`: it fits, can be read, and says to what it is one.
pub(crate) fn check_one(out: &[u8], query: &Query<'_>, way: &Way) -> Message {
    assert!(out.len() <= way.size_max, "{} of {}", out.len(), way.size_max);
    let Ok(message) = Message::from_vec(out) else { unreachable!("hickory cannot read {}", out.escape_ascii()) };
    assert_eq!((message.metadata.id, message.metadata.message_type), (query.id, MessageType::Response));
    assert_eq!(out.get(HEADER..HEADER + query.question.len()), Some(query.question));
    assert_eq!(message.queries.len(), 1);
    assert_eq!(message.edns.is_some(), query.edns.is_some());
    message
}
