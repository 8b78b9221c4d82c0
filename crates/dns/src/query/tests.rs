use hickory_proto::op::{Message, MessageType, OpCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, RecordType};
use proptest::prelude::*;

use super::*;

/// `a.Example`, type A, with EDNS: 1,232 bytes, DO, a client's cookie.
const QUERY: &[u8] = b"\x12\x34\x01\x10\x00\x01\x00\x00\x00\x00\x00\x01\x01a\x07Example\x00\x00\x01\x00\x01\
    \x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x0c\x00\x0a\x00\x0812345678";

#[test]
fn a_query_is_read() {
    let query = Query::read(QUERY).unwrap_or_else(|_| panic!("it is one"));
    assert_eq!((query.id, query.kind, query.class), (0x1234, 1, 1));
    assert_eq!(query.name.as_bytes(), b"\x01a\x07example\x00");
    assert!(query.has(flag::CHECKING_DISABLED) && query.wants_dnssec());
    assert_eq!((query.size(), query.edns.unwrap().cookie), (1_232, Some(&b"12345678"[..])));
}

#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), expected: Option<Failure>) {
    let mut message = QUERY.to_vec();
    change(&mut message);
    let failure = match Query::read(&message) {
        Ok(_) => panic!("it was read"),
        Err(Unreadable::Silent) => None,
        Err(Unreadable::Answered { failure, .. }) => Some(failure),
    };
    assert_eq!(failure, expected);
}

#[test]
fn what_is_no_query_is_told_so_or_nothing() {
    check(|message| message.truncate(11), None);
    check(|message| message[2] |= 0x80, None);
    check(|message| message[2] |= 0x28, Some(Failure::Opcode));
    for place in [5, 7, 9] {
        check(|message| message[place] = 2, Some(Failure::Malformed));
    }
    check(|message| message[12] = 0x40, Some(Failure::Malformed));
    check(|message| message[12] = 0xc0, Some(Failure::Malformed));
    check(|message| message.push(0), Some(Failure::Malformed));
    check(|message| message.truncate(40), Some(Failure::Malformed));
    check(|message| message[27] = 1, Some(Failure::Malformed));
    // A cookie of nine bytes (RFC 7873 §5.2.2).
    check(
        |message| {
            (message[37], message[41]) = (13, 9);
            message.push(b'9');
        },
        Some(Failure::Malformed),
    );
}

/// What hickory reads from the same bytes, as far as it matters here.
fn agrees(message: &[u8]) -> Result<(), TestCaseError> {
    let Ok(query) = Query::read(message) else { return Ok(()) };
    // Ours lets parts be that it does not look into; where hickory reads them as well, both read the same.
    let Ok(theirs) = Message::from_vec(message) else { return Ok(()) };
    prop_assert_eq!(theirs.metadata.id, query.id);
    prop_assert_eq!(theirs.metadata.message_type, MessageType::Query);
    prop_assert_eq!(theirs.metadata.op_code, OpCode::Query);
    let [question] = theirs.queries.as_slice() else {
        return Err(TestCaseError::fail("one question"));
    };
    prop_assert_eq!(question.query_type, RecordType::from(query.kind));
    prop_assert_eq!(question.query_class, DNSClass::from(query.class));
    let name: Vec<u8> = question.name.iter().flat_map(|label| [&[label.len() as u8], label].concat()).collect();
    prop_assert_eq!(&[name.to_ascii_lowercase().as_slice(), &[0]].concat(), query.name.as_bytes());
    prop_assert_eq!(theirs.edns.is_some(), query.edns.is_some());
    if let (Some(theirs), Some(edns)) = (&theirs.edns, query.edns) {
        prop_assert_eq!(theirs.max_payload(), edns.size.max(512));
        prop_assert_eq!((theirs.version(), theirs.flags().dnssec_ok), (edns.version, edns.wants_dnssec));
        if let Some(EdnsOption::Unknown(_, cookie)) = theirs.option(EdnsCode::Cookie) {
            prop_assert_eq!(Some(cookie.len()), edns.cookie.map(<[u8]>::len));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_as_hickory_reads_them(message in proptest::collection::vec(any::<u8>(), 0..600)) {
        agrees(&message)?;
    }

    #[test]
    fn spoiled_queries_are_read_as_hickory_reads_them(
        changes in proptest::collection::vec((0..QUERY.len(), any::<u8>()), 0..4),
        end in 0..=QUERY.len(),
        more in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut message = QUERY.to_vec();
        for (place, byte) in changes {
            message[place] = byte;
        }
        agrees(&message)?;
        message.truncate(end);
        message.extend(more);
        agrees(&message)?;
    }
}
