use std::collections::BTreeMap;

use proptest::prelude::*;

use super::huffman::{cost_bits, lengths_of};
use super::{Alphabet, KeyHash, Keyed, Parts, build};
use crate::wire::Reader;

fn dictionary(alphabet: Alphabet, keys: &BTreeMap<String, u16>) -> (Vec<u8>, Parts) {
    let keyed = keys.iter().map(|(key, &number)| Keyed { key: key.as_bytes(), number });
    let bytes = build(alphabet, keyed.collect::<Vec<_>>().into_iter());
    let parts = Parts::read(alphabet, &mut Reader::new(&bytes, 0)).unwrap();
    (bytes, parts)
}

#[track_caller]
fn check_against(alphabet: Alphabet, keys: &BTreeMap<String, u16>, probes: &[String]) {
    let (bytes, parts) = dictionary(alphabet, keys);
    let dictionary = parts.over(&bytes);
    for (key, number) in keys {
        assert!(dictionary.may_contain(KeyHash::of(key.as_bytes())), "{key}");
        assert_eq!(dictionary.get(key.as_bytes()), Some(*number), "{key}");
    }
    for probe in probes {
        assert_eq!(dictionary.get(probe.as_bytes()), keys.get(probe).copied(), "{probe}");
    }
}

#[test]
fn empty_dictionary_holds_nothing() {
    check_against(Alphabet::Host, &BTreeMap::new(), &["com".into(), String::new()]);
}

#[test]
fn one_key_and_its_neighbours() {
    let keys = BTreeMap::from([("com.example".to_owned(), 0)]);
    check_against(Alphabet::Host, &keys, &["com".into(), "com.exampl".into(), "com.example0".into(), "com.f".into()]);
}

#[test]
fn many_keys_with_one_long_prefix() {
    let prefix = "com.a-very-popular-site.".to_owned() + &"x".repeat(200);
    let keys: BTreeMap<String, u16> = (0..2_000).map(|n| (format!("{prefix}{n}"), n)).collect();
    check_against(Alphabet::Host, &keys, &[prefix.clone(), format!("{prefix}2000"), format!("{prefix}5a")]);
    let prefix = prefix + "/" + &"y".repeat(300);
    let keys: BTreeMap<String, u16> = (0..2_000).map(|n| (format!("{prefix}{n}"), n)).collect();
    check_against(Alphabet::Url, &keys, &[prefix.clone(), format!("{prefix}2000"), format!("{prefix}5a")]);
}

#[test]
fn skewed_counts_stay_within_the_code_limit() {
    let mut counts = [0_u32; 40];
    let (mut a, mut b) = (1_u32, 1_u32);
    for count in &mut counts {
        *count = a;
        (a, b) = (b, a.saturating_add(b));
    }
    let lengths = lengths_of(&counts);
    assert!(lengths.iter().all(|length| *length <= 15));
    let kraft: u32 = lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum();
    assert_eq!(kraft, 1 << 15);
    assert!(cost_bits(&lengths, &counts).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn host_keys_match_a_sorted_map(
        keys in proptest::collection::btree_map("[a-c.-]{1,4}[a-z0-9_.-]{0,20}", 0..1_000_u16, 0..300),
        probes in proptest::collection::vec("[a-c.-]{1,6}", 50),
    ) {
        check_against(Alphabet::Host, &keys, &probes);
    }

    #[test]
    fn url_keys_match_a_sorted_map(
        keys in proptest::collection::btree_map("[!-@\\[-~]{1,40}", any::<u16>(), 0..100),
        probes in proptest::collection::vec("[!-@\\[-~]{1,3}", 50),
    ) {
        check_against(Alphabet::Url, &keys, &probes);
    }

    #[test]
    fn damaged_bytes_never_panic(
        keys in proptest::collection::btree_map("[a-z.]{1,20}", 0..40_u16, 1..200),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let (mut bytes, _) = dictionary(Alphabet::Host, &keys);
        for (at, byte) in damage {
            *at.get_mut(&mut bytes) = byte;
        }
        if let Ok(parts) = Parts::read(Alphabet::Host, &mut Reader::new(&bytes, 0)) {
            for key in keys.keys() {
                parts.over(&bytes).get(key.as_bytes());
            }
        }
    }
}
