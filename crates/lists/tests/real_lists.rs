//! The real lists, where the shared data lies beside the workspace; a small folder of the same shape where it does not.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use schoolgate_base::{Host, HostName};
use schoolgate_lists::{Entry, Index, IndexBuilder, ListFormat, UrlPath, Ut1Import, Ut1Outcome, read_list};

/// A UT1 folder: path and bytes of each file.
type Folder = Vec<(String, Vec<u8>)>;

fn ut1() -> (Folder, bool) {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    // Where tests find the data is no setting of the product.
    #[allow(clippy::disallowed_methods)]
    let data = std::env::var("SCHOOLGATE_SHARED_DATA").map_or(beside, PathBuf::from);
    match File::open(data.join("domains/ut1-2026-08-17.tar.zst")) {
        Ok(archive) => (unpack(archive), true),
        Err(_) => (small_folder(), false),
    }
}

fn unpack(archive: File) -> Folder {
    let mut folder = Vec::new();
    for entry in tar::Archive::new(zstd::Decoder::new(archive).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let path = path.split_once('/').map_or_else(|| path.clone(), |(_, rest)| rest.to_owned());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        folder.push((path, bytes));
    }
    folder
}

fn small_folder() -> Folder {
    let mut folder = vec![
        ("ads".to_owned(), b"publicite".to_vec()),
        ("gambling/usage".to_owned(), b"black\n".to_vec()),
        ("gambling/urls".to_owned(), b"site.example/bets\nsite.example/Bets/poker/\n".to_vec()),
    ];
    for category in ["gambling", "games", "publicite"] {
        let names = (0..5_000).map(|n| format!("{category}-{}.example\n", n * 7 % 4_999));
        folder.push((format!("{category}/domains"), names.collect::<String>().into_bytes()));
    }
    folder
}

fn build(folder: &Folder) -> (Index, usize, Vec<Ut1Import>) {
    let mut builder = IndexBuilder::new();
    let list = builder.list("ut1").unwrap();
    let files = folder.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let imports = builder.import_ut1(files, list).unwrap();
    let bytes = builder.build().unwrap();
    let len = bytes.len();
    (Index::open(Arc::new(bytes)).unwrap(), len, imports)
}

/// Entry → categories, read once more the plain way.
fn oracle(folder: &Folder) -> BTreeMap<Entry, BTreeSet<String>> {
    let mut oracle: BTreeMap<Entry, BTreeSet<String>> = BTreeMap::new();
    for (path, bytes) in folder {
        if let Some((category, "domains" | "urls")) = path.split_once('/') {
            read_list(ListFormat::Plain, bytes, &mut |entry| {
                oracle.entry(entry).or_default().insert(category.to_owned());
            });
        }
    }
    oracle
}

#[test]
fn every_listed_entry_is_found_with_its_categories() {
    let (folder, _) = ut1();
    let (index, _, _) = build(&folder);
    for (entry, expected) in oracle(&folder) {
        let exact = |labels: usize, path: &UrlPath| {
            let (labels, path_bytes) = (labels as u8, path.as_str().len() as u16);
            move |found: &schoolgate_lists::Match| found.labels == labels && found.path_bytes == path_bytes
        };
        let root = UrlPath::default();
        let found: BTreeSet<String> = match &entry {
            Entry::Host(name) => index.lookup_host(name).filter(exact(name.label_count(), &root)).collect::<Vec<_>>(),
            Entry::Address(address) => index.lookup_address(*address).collect(),
            Entry::Url(Host::Name(name), path) => {
                index.lookup_url(name, path.as_str()).filter(exact(name.label_count(), path)).collect()
            }
            Entry::Url(Host::Address(address), path) => {
                index.lookup_address_url(*address, path.as_str()).filter(exact(0, path)).collect()
            }
        }
        .into_iter()
        .map(|found| index.category_name(found.category).to_owned())
        .collect();
        assert_eq!(found, expected, "{entry:?}");
    }
}

#[test]
fn nothing_is_said_of_names_that_are_not_listed() {
    let (folder, _) = ut1();
    let (index, _, _) = build(&folder);
    let oracle = oracle(&folder);
    for n in 0..50_000_u32 {
        let name = HostName::parse(&format!("x{}.absent-{}.test", n % 7, n.wrapping_mul(2_654_435_761))).unwrap();
        assert!(index.lookup_host(&name).is_empty(), "{name}");
    }
    // Neighbours of listed names are the hard cases.
    for entry in oracle.keys().step_by(50) {
        let Entry::Host(listed) = entry else { continue };
        for near in [format!("{listed}x"), format!("x{listed}"), listed.as_str()[1..].to_owned()] {
            let Ok(near) = HostName::parse(&near) else { continue };
            let expected = near
                .suffixes()
                .filter_map(|suffix| HostName::parse(suffix).ok())
                .any(|suffix| oracle.contains_key(&Entry::Host(suffix)));
            assert_eq!(!index.lookup_host(&near).is_empty(), expected, "{near}");
        }
    }
}

#[test]
fn a_folder_takes_few_bytes_and_loses_no_line_silently() {
    let (folder, is_real) = ut1();
    let (index, bytes, imports) = build(&folder);
    let a_name = bytes as f64 / (index.host_count() as f64 + index.url_count() as f64);
    assert!(a_name <= 7.0 || !is_real, "{a_name} bytes a name");
    for import in &imports {
        if let Ut1Outcome::Entries(import) = &import.outcome {
            assert_eq!(import.lines, import.entries + import.comments + import.problem_count);
        }
    }
    assert!(index.category_id("ads").is_some_and(|ads| index.category_name(ads) == "publicite"));
}
