//! The codec against every event that can be made, and against damage.

use proptest::prelude::*;
use schoolgate_base::{Capacity, Host, Strength};
use schoolgate_event::{
    Accident, Decision, Door, LockedHash, LockedHit, Mode, Pseudonym, Reason, Traffic, Verdict, Who,
};

use super::*;

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000_000).prop_map(|at| Timestamp::from_microsecond(at).unwrap())
}

fn who() -> impl Strategy<Value = Who> {
    let person = proptest::option::of("[a-z0-9]{16,64}");
    (person, 0..=6_usize, any::<bool>(), proptest::option::of("[ -~]{0,20}")).prop_map(
        |(person, capacity, strong, place)| Who {
            person: person.map(|text| Pseudonym::new(&text).unwrap()),
            capacity: Capacity::ALL.get(capacity).copied(),
            strength: if strong { Strength::Connection } else { Strength::Address },
            device: None,
            place: place.map(Into::into),
        },
    )
}

fn reason() -> impl Strategy<Value = Reason> {
    (any::<bool>(), proptest::option::of("[a-z]{1,9}")).prop_map(|(ruled, category)| Reason {
        control: ruled.then(|| "staff-ict#own-time/web/x".parse().unwrap()),
        category: category.map(Into::into),
        list: None,
        grant: None,
    })
}

fn host() -> impl Strategy<Value = Host> {
    "([a-z]{1,9}\\.){1,4}example|10\\.[0-9]\\.2\\.3|\\[fe80::[1-9]\\]".prop_map(|text| Host::parse(&text).unwrap())
}

fn decision() -> impl Strategy<Value = Event> {
    let url = proptest::option::of("https://[ -~]{0,300}");
    (time(), who(), host(), url, reason(), any::<[u64; 3]>(), any::<u32>(), 0..8_usize).prop_map(
        |(at, who, host, url, reason, numbers, duration_ms, word)| {
            Event::Decision(Decision {
                school: "riverside".parse().unwrap(),
                at,
                door: Door::Proxy,
                who,
                host,
                url: url.map(Into::into),
                method: "GET".into(),
                verdict: Verdict::ALL[word],
                reason,
                snapshot: numbers[0],
                traffic: Traffic { bytes_up: numbers[1], bytes_down: numbers[2], duration_ms },
                mode: Mode::ALL[word % 4],
                tls: None,
            })
        },
    )
}

fn accident() -> impl Strategy<Value = Event> {
    (time(), who(), host(), reason()).prop_map(|(at, who, host, reason)| {
        let school = "riverside".parse().unwrap();
        Event::Accident(Accident { school, at, door: Door::Portal, who, host, reason })
    })
}

fn locked() -> impl Strategy<Value = Event> {
    (time(), "[a-z0-9]{26}").prop_map(|(at, hash)| {
        Event::LockedHit(LockedHit {
            school: "riverside".parse().unwrap(),
            at,
            door: Door::Dns,
            device: None,
            place: Some("library".into()),
            address: LockedHash::new(&hash).unwrap(),
            list: "locked-1".into(),
            snapshot: 1,
        })
    })
}

fn record() -> impl Strategy<Value = Record> {
    let gap = (time(), any::<u64>()).prop_map(|(until, events)| Record::Gap(Gap { until, events }));
    prop_oneof![
        8 => decision().prop_map(Record::Event),
        1 => accident().prop_map(Record::Event),
        1 => locked().prop_map(Record::Event),
        1 => gap,
    ]
}

fn decode_all(mut bytes: &[u8]) -> (Vec<Record>, Option<FrameError>) {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        match decode(bytes) {
            Ok((record, rest)) => {
                records.push(record);
                bytes = rest;
            }
            Err(error) => return (records, Some(error)),
        }
    }
    (records, None)
}

proptest! {
    #[test]
    fn events_without_handshakes_are_still_read(event in decision()) {
        let mut body = vec![KIND_EVENT_1];
        body.extend(postcard::to_allocvec(&event).unwrap());
        // Where nothing is known of them, the handshakes are the zero at the end.
        assert_eq!(body.pop(), Some(0));
        let length = u32::try_from(body.len()).unwrap();
        let frame = [&length.to_le_bytes()[..], &crc32fast::hash(&body).to_le_bytes(), &body].concat();
        assert_eq!(decode(&frame).unwrap().0, Record::Event(event));
    }

    #[test]
    fn records_round_trip(records in proptest::collection::vec(record(), 0..20)) {
        let mut bytes = Vec::new();
        for record in &records {
            encode(record, &mut bytes).unwrap();
        }
        let (read, error) = decode_all(&bytes);
        prop_assert!(error.is_none());
        prop_assert_eq!(read, records);
    }

    #[test]
    fn a_cut_loses_only_the_last(records in proptest::collection::vec(record(), 1..8), cut in 1..60_usize) {
        let mut bytes = Vec::new();
        let mut last = 0;
        for record in &records {
            last = bytes.len();
            encode(record, &mut bytes).unwrap();
        }
        let cut = cut.min(bytes.len() - last - 1).max(1);
        let (read, error) = decode_all(&bytes[..bytes.len() - cut]);
        prop_assert!(error.is_some());
        prop_assert_eq!(&read[..], &records[..records.len() - 1]);
    }

    #[test]
    fn a_flipped_bit_is_noticed(record in record(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = Vec::new();
        encode(&record, &mut bytes).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_all(&bytes);
    }
}

#[test]
fn an_endless_url_is_refused_and_nothing_is_written() {
    let host = Host::parse("news.example").unwrap();
    let reason = Reason { category: Some("x".repeat(70_000).into()), ..Reason::default() };
    let school = "riverside".parse().unwrap();
    let accident = Accident { school, at: Timestamp::UNIX_EPOCH, door: Door::Portal, who: Who::UNKNOWN, host, reason };
    let mut bytes = vec![7];
    assert!(matches!(encode(&Record::Event(Event::Accident(accident)), &mut bytes), Err(EncodeError::TooLong(_))));
    assert_eq!(bytes, [7]);
}
