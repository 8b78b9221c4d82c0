use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use schoolgate_base::Host;

use super::*;
use crate::{Entry, IndexBuilder, ListFormat, Usage, Ut1Outcome};

const CATEGORIES: [&str; 4] = ["adult", "gambling", "games", "news"];
const LISTS: [&str; 3] = ["ut1", "hosts", "school"];

fn open(bytes: Vec<u8>) -> Index {
    Index::open(Arc::new(bytes)).unwrap()
}

/// An index of `entry` lines with categories and lists by number.
fn index_of(entries: &[(&str, usize, usize)]) -> Index {
    open(bytes_of(entries))
}

fn bytes_of<T: AsRef<str>>(entries: &[(T, usize, usize)]) -> Vec<u8> {
    let mut builder = IndexBuilder::new();
    let categories = CATEGORIES.map(|name| builder.category(name).unwrap());
    let lists = LISTS.map(|name| builder.list(name).unwrap());
    for (entry, category, list) in entries {
        builder.add(Entry::parse(entry.as_ref()).unwrap(), categories[*category], lists[*list]).unwrap();
    }
    builder.build().unwrap()
}

fn shown(index: &Index, matches: Matches<'_>) -> Vec<String> {
    let category = |found: &Match| index.category_name(found.category).to_owned();
    matches
        .map(|found| {
            format!("{}+{} {} {}", found.labels, found.path_bytes, category(&found), index.list_name(found.list))
        })
        .collect()
}

#[track_caller]
fn check_host(index: &Index, host: &str, expected: &[&str]) {
    let matches = match Host::parse(host).unwrap() {
        Host::Name(name) => index.lookup_host(&name),
        Host::Address(address) => index.lookup_address(address),
    };
    assert_eq!(shown(index, matches), expected, "{host}");
}

#[track_caller]
fn check_url(index: &Index, host: &str, path: &str, expected: &[&str]) {
    let matches = match Host::parse(host).unwrap() {
        Host::Name(name) => index.lookup_url(&name, path),
        Host::Address(address) => index.lookup_address_url(address, path),
    };
    assert_eq!(shown(index, matches), expected, "{host}{path}");
}

#[test]
fn names_match_by_whole_labels_most_specific_first() {
    let index = index_of(&[
        ("example.com", 3, 0),
        ("bets.example.com", 1, 0),
        ("bets.example.com", 1, 1),
        ("bets.example.com", 0, 2),
        ("192.0.2.7", 0, 0),
        ("com.", 2, 2),
    ]);
    check_host(&index, "example.org", &[]);
    check_host(&index, "notexample.com", &["1+0 games school"]);
    check_host(&index, "www.example.com", &["2+0 news ut1", "1+0 games school"]);
    check_host(
        &index,
        "a.bets.example.com",
        &["3+0 adult school", "3+0 gambling ut1", "3+0 gambling hosts", "2+0 news ut1", "1+0 games school"],
    );
    check_host(&index, "192.0.2.7", &["0+0 adult ut1"]);
    check_host(&index, "::ffff:192.0.2.7", &["0+0 adult ut1"]);
    check_host(&index, "192.0.2.70", &[]);
    check_host(&index, "2001:db8::1", &[]);
}

#[test]
fn urls_match_by_whole_segments() {
    let index = index_of(&[
        ("example.com/games", 2, 0),
        ("example.com/games/poker/", 1, 0),
        ("video.example/watch?v=abc", 0, 2),
        ("192.0.2.7/bin.sh", 0, 0),
        ("example.com", 3, 0),
    ]);
    check_url(&index, "example.com", "/", &[]);
    check_url(&index, "example.com", "/gamesome", &[]);
    check_url(&index, "example.com", "/games", &["2+5 games ut1"]);
    check_url(&index, "www.example.com", "/GAMES/%70oker/1?x", &["2+11 gambling ut1", "2+5 games ut1"]);
    check_url(&index, "video.example", "/watch?v=abc&t=1", &["2+11 adult school"]);
    check_url(&index, "video.example", "/watch?v=abcd", &[]);
    check_url(&index, "192.0.2.7", "/bin.sh", &["0+6 adult ut1"]);
    check_host(&index, "example.com", &["2+0 news ut1"]);
}

#[test]
fn urls_of_an_address_can_be_looked_up() {
    let index = index_of(&[("[2001:db8::1]/x", 0, 0)]);
    check_url(&index, "2001:db8::1", "/x/y", &["0+1 adult ut1"]);
    assert!(index.has_address_urls("2001:db8::1".parse().unwrap()));
    assert!(!index.has_address_urls("2001:db8::2".parse().unwrap()));
}

#[test]
fn huge_paths_are_cut_not_refused() {
    let index = index_of(&[("example.com/a", 2, 0)]);
    check_url(&index, "example.com", &format!("/a/{}", "b/".repeat(1 << 20)), &["2+1 games ut1"]);
}

#[test]
fn names_of_categories_and_lists_are_kept() {
    let mut builder = IndexBuilder::new();
    let list = builder.list("ut1").unwrap();
    let files: [(&str, &[u8]); 6] = [
        ("publicite/domains", b"ads.example\nads.example\nbad line\n"),
        ("publicite/usage", b"black\n"),
        ("ads", b"publicite"),
        ("pub", b"ads\n"),
        ("lost", b"nowhere"),
        ("publicite/expressions", b"(ads|banner)"),
    ];
    let imports = builder.import_ut1(files, list).unwrap();
    let Ut1Outcome::Entries(import) = &imports[0].outcome else { panic!("{imports:?}") };
    assert_eq!((import.lines, import.entries, import.problem_count), (3, 2, 1));
    assert_eq!(imports[4].outcome, Ut1Outcome::AliasOfNothing("nowhere".into()));
    assert_eq!(imports[5].outcome, Ut1Outcome::Expressions);

    let index = open(builder.build().unwrap());
    let (id, category) = index.categories().next().unwrap();
    assert_eq!((&*category.name, category.entries, category.usage.black), ("publicite", 1, true));
    for name in ["publicite", "ads", "pub"] {
        assert_eq!(index.category_id(name), Some(id));
    }
    assert_eq!(index.category_id("lost"), None);
    assert_eq!(index.lists().collect::<Vec<_>>().len(), 1);
    assert_eq!(category.usage, Usage { black: true, white: false });
}

#[test]
fn same_entries_give_the_same_bytes() {
    let entries = [("a.example", 0, 0), ("b.example/x", 1, 1), ("c.example", 2, 2), ("a.example", 3, 1)];
    let mut turned = entries;
    turned.reverse();
    assert_eq!(bytes_of(&entries), bytes_of(&turned));
}

#[test]
fn many_different_sets_keep_apart() {
    // More than 256 sets, so that numbers take two bytes.
    let mut builder = IndexBuilder::new();
    let categories: Vec<_> = (0..10).map(|n| builder.category(&format!("c{n}")).unwrap()).collect();
    let list = builder.list("made").unwrap();
    for set in 1..1_000_u32 {
        for (bit, &category) in categories.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1) {
            assert!(bit < 10);
            builder.add(Entry::parse(&format!("n{set}.example")).unwrap(), category, list).unwrap();
        }
    }
    let index = open(builder.build().unwrap());
    for set in 1..1_000_u32 {
        let name = HostName::parse(&format!("n{set}.example")).unwrap();
        let found = index.lookup_host(&name).fold(0, |bits, found| bits | 1 << found.category.0);
        assert_eq!(found, set);
    }
}

#[test]
fn other_bytes_are_refused_with_a_reason() {
    let good = bytes_of(&[("a.example", 0, 0)]);
    let refuse = |bytes: Vec<u8>| Index::open(Arc::new(bytes)).unwrap_err();
    assert_eq!(refuse(Vec::new()), OpenError::Magic);
    assert_eq!(refuse(b"something else".to_vec()), OpenError::Magic);
    let mut older = good.clone();
    older[8] = 0;
    assert_eq!(refuse(older), OpenError::Format { found: 0 });
    let len = good.len() as u64;
    let cut = good[..good.len() - 1].to_vec();
    assert_eq!(refuse(cut), OpenError::Length { found: len - 1, expected: len });
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(refuse(flipped), OpenError::Checksum);
}

/// What the index should answer, the slow way.
#[derive(Default)]
struct Oracle {
    hosts: BTreeMap<String, BTreeSet<(usize, usize)>>,
    urls: BTreeMap<(String, String), BTreeSet<(usize, usize)>>,
}

impl Oracle {
    fn new(entries: &[(String, usize, usize)]) -> Self {
        let mut oracle = Self::default();
        for (text, category, list) in entries {
            let set = match Entry::parse(text).unwrap() {
                Entry::Host(name) => oracle.hosts.entry(name.to_string()).or_default(),
                Entry::Address(address) => oracle.hosts.entry(address.to_string()).or_default(),
                Entry::Url(host, path) => oracle.urls.entry((host.to_string(), path.as_str().to_owned())).or_default(),
            };
            set.insert((*category, *list));
        }
        oracle
    }

    fn host(&self, name: &HostName) -> Vec<(usize, usize, usize)> {
        let hit = |suffix: &str| {
            let labels = suffix.split('.').count();
            self.hosts
                .get(suffix)
                .into_iter()
                .flatten()
                .map(move |&(category, list)| (labels, category, list))
                .collect::<Vec<_>>()
        };
        name.suffixes().flat_map(hit).collect()
    }

    fn url(&self, name: &HostName, path: &str) -> Vec<(usize, usize, usize)> {
        let path = UrlPath::cut(path);
        let mut found = Vec::new();
        for suffix in name.suffixes() {
            for ((host, prefix), set) in self.urls.iter().rev() {
                let rest = path.as_str().strip_prefix(prefix.as_str());
                let whole = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '&', ';']));
                if host == suffix && whole {
                    found.extend(set.iter().map(|&(category, list)| (prefix.len(), category, list)));
                }
            }
        }
        found
    }
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "([ab]\\.){0,4}(com|org|example\\.com|b)",
        "([a-z0-9_-]{1,12}\\.){1,3}(com|org|net|co\\.uk)",
        "(a{60}\\.){0,3}[a-c]{1,3}\\.com",
    ]
}

fn entries() -> impl Strategy<Value = Vec<(String, usize, usize)>> {
    let text = prop_oneof![
        4 => names(),
        1 => (names(), "(/[ab]{1,2}){1,3}/?(\\?[ab]=[ab])?").prop_map(|(host, path)| host + &path),
    ];
    proptest::collection::vec((text, 0..CATEGORIES.len(), 0..LISTS.len()), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn answers_are_those_of_a_plain_map(
        entries in entries(),
        probes in proptest::collection::vec((names(), "(/[abAB]{1,2}|//|/\\.\\.){0,4}(\\?[ab]=[ab](&[ab])?)?"), 40),
    ) {
        let oracle = Oracle::new(&entries);
        let index = open(bytes_of(&entries));
        prop_assert_eq!(index.host_count(), oracle.hosts.len());
        prop_assert_eq!(index.url_count(), oracle.urls.len() as u64);
        let listed = entries.iter().map(|(text, _, _)| text.split_once('/').unwrap_or((text, "")));
        let listed = listed.map(|(host, path)| (host.to_owned(), path.to_owned()));
        for (host, path) in probes.iter().cloned().chain(listed) {
            let name = HostName::parse(&host).unwrap();
            let found = index.lookup_host(&name).map(|m| (usize::from(m.labels), usize::from(m.category.0), usize::from(m.list.0)));
            prop_assert_eq!(found.collect::<Vec<_>>(), oracle.host(&name), "{}", host);
            let has_urls = oracle.urls.keys().any(|(listed, _)| name.suffixes().any(|suffix| suffix == listed));
            prop_assert_eq!(index.has_urls(&name), has_urls, "{}", host);
            for (id, category) in index.categories() {
                let number = usize::from(id.0);
                let is_below = |listed: &str| name.suffixes().any(|suffix| suffix == listed);
                let mut below = oracle.urls.iter().filter(|((listed, _), _)| is_below(listed));
                let expected = below.any(|(_, pairs)| pairs.iter().any(|(category, _)| *category == number));
                let found = index.has_urls_in(&Host::Name(name.clone()), |name| *name == *category.name);
                prop_assert_eq!(found, expected, "{} {}", host, category.name);
            }
            let found = index.lookup_url(&name, &path).map(|m| (usize::from(m.path_bytes), usize::from(m.category.0), usize::from(m.list.0)));
            prop_assert_eq!(found.collect::<Vec<_>>(), oracle.url(&name, &path), "{}{}", host, path);
        }
    }

    #[test]
    fn cut_bytes_are_refused(entries in entries(), at in any::<prop::sample::Index>()) {
        let bytes = bytes_of(&entries);
        let cut = at.index(bytes.len());
        prop_assert!(Index::open(Arc::new(bytes[..cut].to_vec())).is_err());
    }

    #[test]
    fn hostile_bytes_with_a_true_checksum_never_panic(
        entries in entries(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
    ) {
        let mut bytes = bytes_of(&entries);
        for (at, byte) in damage {
            let at = HEADER_BYTES + at.index(bytes.len() - HEADER_BYTES);
            bytes[at] = byte;
        }
        let sum = checksum(&bytes[HEADER_BYTES..]);
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
        if let Ok(index) = Index::open(Arc::new(bytes)) {
            for (text, _, _) in &entries {
                let (host, path) = text.split_once('/').unwrap_or((text, ""));
                let name = HostName::parse(host).unwrap();
                let _ = index.lookup_host(&name).count() + index.lookup_url(&name, path).count();
            }
        }
    }

    #[test]
    fn lists_of_any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for format in [ListFormat::Plain, ListFormat::Hosts, ListFormat::Misp, ListFormat::guess(&bytes)] {
            let mut builder = IndexBuilder::new();
            let category = builder.category("any").unwrap();
            let list = builder.list("any").unwrap();
            let import = builder.import(format, &bytes, category, list).unwrap();
            prop_assert!(import.problems.len() as u64 <= import.problem_count);
            prop_assert!(Index::open(Arc::new(builder.build().unwrap())).is_ok());
        }
    }
}
