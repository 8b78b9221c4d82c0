//! Tickets of MIT's KDC, shown by curl.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod realm;

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use schoolgate_identity::{Acceptor, NegotiateError, is_negotiate};
use schoolgate_runtime::Clock;

use crate::realm::{REALM, Realm};

#[track_caller]
fn check(kind: &str) {
    let realm = Realm::new(kind);
    let header = realm.proxy_authorization();
    let acceptor = Acceptor::new(&realm.keytab()).unwrap();
    let now = Clock::system().now();
    assert!(is_negotiate(header.as_bytes()));
    let principal = acceptor.accept(header.as_bytes(), now).unwrap();
    assert_eq!(&*principal.name, format!("tess@{REALM}"), "{kind}");
    let left = principal.until.duration_since(now);
    assert!(SignedDuration::ZERO < left && left <= SignedDuration::from_mins(61), "{left:?}");
    assert_eq!(acceptor.accept(header.as_bytes(), now), Err(NegotiateError::Replayed));
}

#[test]
fn tickets_of_aes256_sha1() {
    check("aes256-cts-hmac-sha1-96");
}

#[test]
fn tickets_of_aes128_sha1() {
    check("aes128-cts-hmac-sha1-96");
}

#[test]
fn tickets_of_aes256_sha384() {
    check("aes256-cts-hmac-sha384-192");
}

#[test]
fn tickets_of_aes128_sha256() {
    check("aes128-cts-hmac-sha256-128");
}

#[test]
fn a_ticket_counts_for_its_service_its_time_and_unchanged() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let header = realm.proxy_authorization();
    let acceptor = Acceptor::new(&realm.keytab()).unwrap();
    let now = Clock::system().now();
    let at = |now: Timestamp| acceptor.accept(header.as_bytes(), now);
    assert_eq!(at(now + SignedDuration::from_mins(6)), Err(NegotiateError::Skew));
    assert_eq!(at(now - SignedDuration::from_mins(6)), Err(NegotiateError::Skew));
    let other = Acceptor::new(&realm.other_keytab()).unwrap().accept(header.as_bytes(), now);
    assert!(matches!(other, Err(NegotiateError::Ticket | NegotiateError::Key)), "{other:?}");
    // Not a bit of it can be changed to say something else: it is refused, or says the same.
    let token = BASE64.decode(header.trim_start_matches("Negotiate ").as_bytes()).unwrap();
    let mut refused = 0;
    for place in 0..token.len() {
        let mut changed = token.clone();
        changed[place] ^= 1 << (place % 8);
        let changed = format!("Negotiate {}", BASE64.encode(&changed));
        match Acceptor::new(&realm.keytab()).unwrap().accept(changed.as_bytes(), now) {
            Ok(principal) => assert_eq!(&*principal.name, format!("tess@{REALM}")),
            Err(_) => refused += 1,
        }
    }
    assert!(token.len() * 8 / 10 < refused, "{refused} of {}", token.len());
    for cut in 0..token.len() {
        let cut = format!("Negotiate {}", BASE64.encode(&token[..cut]));
        assert!(acceptor.accept(cut.as_bytes(), now).is_err());
    }
    assert!(at(now).is_ok());
}
