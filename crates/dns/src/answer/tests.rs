use hickory_proto::rr::rdata::svcb::{Alpn, EchConfigList, IpHint, Mandatory};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, HTTPS, SOA};
use proptest::prelude::*;

use super::*;

const NAME: &[u8] = b"\x03www\x07example\x00";

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn a(owner: &str, ttl: u32, address: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A(address.parse().unwrap())))
}

fn alias(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

fn soa(ttl: u32, minimum: u32) -> Record {
    let soa = SOA::new(name("ns.example."), name("host.example."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name("example."), ttl, RData::SOA(soa))
}

fn asking(kind: u16) -> Asking<'static> {
    Asking { name: NAME, kind, wants_dnssec: false, may_lead_inside: false }
}

fn message(answers: Vec<Record>, authorities: Vec<Record>) -> Message {
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.answers = answers;
    message.authorities = authorities;
    message
}

fn read(kind: u16, answers: Vec<Record>, authorities: Vec<Record>) -> Answer {
    Answer::of(message(answers, authorities), &asking(kind)).unwrap()
}

fn records(wire: &Wire) -> Vec<Record> {
    Message::from_vec(&wire.bytes).unwrap().answers
}

#[test]
fn only_the_chain_of_the_question_stays() {
    let answers = vec![
        a("end.example.", 40, "192.0.2.1"),
        alias("wWw.eXample.", 50, "Mid.example."),
        alias("mid.example.", 60, "end.example."),
        a("bank.example.", 9, "192.0.2.66"),
    ];
    let answer = read(1, answers, vec![soa(5, 5)]);
    assert_eq!(*answer.chain, ["mid.example".parse().unwrap(), "end.example".parse().unwrap()]);
    let owners: Vec<String> = records(&answer.wire).iter().map(|record| record.name.to_string()).collect();
    assert_eq!(owners, ["end.example.", "www.example.", "mid.example."]);
    assert_eq!((answer.ttl, answer.wire.ttls.len()), (40, 3));
}

#[test]
fn an_update_is_no_answer() {
    let mut message = message(vec![a("www.example.", 300, "192.0.2.1")], vec![]);
    let reads = |message: &Message| Answer::read(&message.to_vec().unwrap(), &asking(1)).is_some();
    assert!(reads(&message));
    message.metadata.op_code = OpCode::Update;
    assert!(!reads(&message));
}

#[test]
fn a_circle_of_names_ends() {
    let answers = vec![alias("www.example.", 50, "a.example."), alias("a.example.", 50, "www.example.")];
    assert_eq!(*read(1, answers, Vec::new()).chain, ["a.example".parse().unwrap()]);
}

#[test]
fn times_stand_where_they_are_said_to() {
    let answer =
        read(1, vec![a("www.example.", 300, "192.0.2.1"), a("www.example.", 0x0102_0304, "192.0.2.2")], vec![]);
    let at = |place: u16| answer.wire.bytes[usize::from(place)..usize::from(place) + 4].to_vec();
    assert_eq!(answer.wire.ttls.iter().map(|place| at(*place)).collect::<Vec<_>>(), [[0, 0, 1, 44], [1, 2, 3, 4]]);
}

/// RFC 2308 §5, and a bound on what is kept.
#[test]
fn nothing_is_kept_for_as_long_as_its_soa_says() {
    assert_eq!(read(1, vec![], vec![soa(900, 60)]).ttl, 60);
    assert_eq!(read(1, vec![], vec![soa(30, 60)]).ttl, 30);
    assert_eq!(read(1, vec![], vec![soa(900_000, 900_000)]).ttl, TTL_NEGATIVE_MAX);
    assert_eq!(read(1, vec![], vec![]).ttl, 0, "without an SOA it is not kept");
    assert_eq!(read(1, vec![alias("www.example.", 20, "a.example.")], vec![soa(900, 60)]).ttl, 20);
    assert_eq!(read(1, vec![a("www.example.", 900_000, "192.0.2.1")], vec![]).ttl, TTL_MAX);
    assert_eq!(read(1, vec![a("www.example.", 0, "192.0.2.1")], vec![]).ttl, 0);
    let failed = Answer::failed(&asking(1), Failure::Silent).unwrap();
    assert_eq!((failed.ttl, failed.rcode, failed.error), (TTL_FAILURE, rcode::SERVER, Some(22)));
}

#[test]
fn what_leads_inside_is_left_out() {
    for address in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0"] {
        let answer = read(1, vec![a("www.example.", 60, address)], vec![]);
        assert!(answer.leads_inside && records(&answer.wire).is_empty(), "{address}");
    }
    let mixed = read(1, vec![a("www.example.", 60, "10.0.0.1"), a("www.example.", 60, "192.0.2.1")], vec![]);
    assert!(!mixed.leads_inside && records(&mixed.wire).len() == 1);
    let inner = Asking { may_lead_inside: true, ..asking(1) };
    let listed = Answer::of(message(vec![a("www.example.", 60, "10.0.0.1")], vec![]), &inner).unwrap();
    assert!(!listed.leads_inside && records(&listed.wire).len() == 1);
    let aaaa = |text: &str| {
        let address = RData::AAAA(AAAA(text.parse().unwrap()));
        read(28, vec![Record::from_rdata(name("www.example."), 60, address)], vec![])
    };
    assert!(aaaa("fe80::1").leads_inside && aaaa("::ffff:10.0.0.1").leads_inside);
    assert!(!aaaa("2001:db8::1").leads_inside);
}

fn https(target: &str, params: Vec<(SvcParamKey, SvcParamValue)>) -> Record {
    Record::from_rdata(name("www.example."), 60, RData::HTTPS(HTTPS(SVCB::new(1, name(target), params))))
}

#[test]
fn ech_keys_can_be_left_out() {
    let params = vec![
        (SvcParamKey::Mandatory, SvcParamValue::Mandatory(Mandatory(vec![SvcParamKey::EchConfigList]))),
        (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(vec!["h2".into()]))),
        (SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(vec![0, 4, 1, 2, 3, 4]))),
    ];
    let answer = read(65, vec![https("pool.example.", params)], vec![]);
    assert_eq!(*answer.chain, ["pool.example".parse().unwrap()]);
    let keys = |wire: &Wire| {
        let records = records(wire);
        let RData::HTTPS(https) = &records[0].data else { panic!("another type") };
        https.svc_params.iter().map(|(key, _)| *key).collect::<Vec<_>>()
    };
    assert_eq!(keys(&answer.wire).len(), 3);
    assert_eq!(keys(answer.without_ech.as_ref().unwrap()), [SvcParamKey::Alpn]);
    assert!(read(65, vec![https(".", vec![])], vec![]).without_ech.is_none());
}

#[test]
fn hints_that_lead_inside_go() {
    let hints = IpHint(vec![A("10.0.0.1".parse().unwrap())]);
    let params = vec![(SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(hints))];
    let answer = read(65, vec![https(".", params)], vec![]);
    let records = records(&answer.wire);
    let RData::HTTPS(https) = &records[0].data else { panic!("another type") };
    assert!(https.svc_params.is_empty());
}

#[test]
fn another_name_stands_in() {
    let safe = HostName::parse("forcesafesearch.google.com").unwrap();
    let other = Asking { name: b"\x0fforcesafesearch\x06google\x03com\x00", ..asking(1) };
    let of_other = message(vec![a("forcesafesearch.google.com.", 60, "192.0.2.9")], vec![]);
    let of_other = Answer::of(of_other, &other).unwrap();
    let answer = Answer::standing_in(&asking(1), &of_other, &safe).unwrap();
    let message = Message::from_vec(&answer.wire.bytes).unwrap();
    assert_eq!(message.queries[0].name, name("www.example."));
    let types: Vec<RecordType> = message.answers.iter().map(Record::record_type).collect();
    assert_eq!((types, answer.wire.ttls.len()), (vec![RecordType::CNAME, RecordType::A], 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_upstream_sends_is_read_or_not(
        changes in proptest::collection::vec((0_usize..200, any::<u8>()), 0..6),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = Answer::read(&noise, &asking(1));
        let answers = vec![alias("www.example.", 50, "mid.example."), https(".", vec![]), a("mid.example.", 1, "192.0.2.1")];
        let mut bytes = message(answers, vec![soa(9, 9)]).to_vec().unwrap();
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if let Some(answer) = Answer::read(&bytes, &asking(1)) {
            prop_assert!(answer.wire.bytes.starts_with(&[0, 0]));
            prop_assert!(answer.wire.ttls.iter().all(|place| usize::from(*place) + 6 <= answer.wire.bytes.len()));
        }
    }
}
