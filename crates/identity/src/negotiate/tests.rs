use proptest::prelude::*;

use super::der::Der;
use super::*;

fn now() -> Timestamp {
    "2026-11-24T10:00Z".parse().unwrap()
}

fn acceptor() -> Acceptor {
    let keys =
        [17, 18, 19, 20].map(|kind| Key { kind, version: 1, key: vec![7; if kind % 2 == 1 { 16 } else { 32 }].into() });
    Acceptor { keys: keys.into(), replays: Mutex::default() }
}

#[track_caller]
fn check(header: &[u8], expected: NegotiateError) {
    assert_eq!(acceptor().accept(header, now()), Err(expected));
}

#[test]
fn what_is_no_kerberos_is_named() {
    check(b"Basic dGVzcw==", NegotiateError::Token);
    check(b"Negotiate", NegotiateError::Token);
    check(b"Negotiate !!!", NegotiateError::Token);
    check(b"Negotiate TlRMTVNTUAABAAAA", NegotiateError::Mechanism);
    check(b"negotiate YIIB", NegotiateError::Message);
    check(&[b"Negotiate ", &[b'A'; 70_000][..]].concat(), NegotiateError::Token);
    assert!(is_negotiate(b"NEGOTIATE abc") && !is_negotiate(b"Negotiated abc"));
}

#[test]
fn a_message_counts_once_and_is_remembered_while_it_would_count_again() {
    let mut replays = Replays::default();
    assert_eq!(replays.take(b"a", now(), now()), Ok(()));
    assert_eq!(replays.take(b"b", now(), now()), Ok(()));
    assert_eq!(replays.take(b"a", now(), now()), Err(NegotiateError::Replayed));
}

#[test]
fn a_full_memory_takes_nothing_until_something_counts_no_more() {
    let mut replays = Replays::new(2);
    let later = |minutes| now() + SignedDuration::from_mins(minutes);
    assert_eq!(replays.take(b"a", now(), now()), Ok(()));
    assert_eq!(replays.take(b"b", later(4), later(4)), Ok(()));
    assert_eq!(replays.take(b"c", later(4), later(4)), Err(NegotiateError::Full));
    assert_eq!(replays.take(b"a", now(), later(5)), Err(NegotiateError::Replayed));
    assert_eq!(replays.take(b"c", later(6), later(6)), Ok(()));
    assert_eq!(replays.take(b"b", later(4), later(6)), Err(NegotiateError::Replayed));
}

fn keytab(entries: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![5, 2];
    for entry in entries {
        bytes.extend_from_slice(&i32::try_from(entry.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

fn entry(kind: u8, key: &[u8], long: Option<u32>) -> Vec<u8> {
    let mut entry = vec![0, 2, 0, 1, b'R', 0, 4, b'H', b'T', b'T', b'P', 0, 1, b'h'];
    entry.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 3, 0, kind, 0, u8::try_from(key.len()).unwrap()]);
    entry.extend_from_slice(key);
    entry.extend(long.into_iter().flat_map(u32::to_be_bytes));
    entry
}

#[test]
fn keytabs_are_read() {
    let strong = entry(18, &[1; 32], Some(300));
    let old = entry(23, &[1; 16], None);
    let mut with_hole = keytab(&[&old, &strong]);
    with_hole.extend_from_slice(&(-4_i32).to_be_bytes());
    with_hole.extend_from_slice(&[0; 4]);
    with_hole.extend_from_slice(&keytab(&[&entry(17, &[1; 16], None)])[2..]);
    let keys: Vec<_> = keytab::read(&with_hole).unwrap().iter().map(|key| (key.kind, key.version)).collect();
    assert_eq!(keys, [(18, 300), (17, 3)]);
    assert_eq!(keytab::read(b"\x05\x01").err(), Some(KeytabError::Version));
    assert_eq!(keytab::read(&keytab(&[&old])).err(), Some(KeytabError::NoKey));
    assert_eq!(keytab::read(&keytab(&[&strong[..20]])).err(), Some(KeytabError::Entry(1)));
    assert_eq!(keytab::read(&with_hole[..with_hole.len() - 1]).err(), Some(KeytabError::Entry(4)));
    assert_eq!(keytab::read(&keytab(&vec![&strong[..]; 65])).err(), Some(KeytabError::TooMany));
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let header = [b"Negotiate ", BASE64.encode(&bytes).as_bytes()].concat();
        prop_assert!(acceptor().accept(&header, now()).is_err());
        let _ = Ticket::read(&bytes);
        let _ = Authenticator::read(&bytes);
        let _ = ApRequest::read(Der(&bytes));
        let _ = keytab::read(&[&[5, 2], &bytes[..]].concat());
        for kind in 17..=20 {
            let key = vec![7; if kind % 2 == 1 { 16 } else { 32 }];
            prop_assert_eq!(cipher::decrypt(kind, &key, cipher::USAGE_TICKET, &bytes), None);
        }
    }
}
