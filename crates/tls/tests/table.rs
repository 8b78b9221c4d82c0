//! `docs/tls.md` says of each row of the check table which test keeps it, or why nothing does. Here it is held to that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rows: 35 of the verifier, 11 of the protocol, 10 of the CA, 5 of the system, 5 of the edge.
const ROWS: [(char, usize); 5] = [('V', 35), ('P', 11), ('C', 10), ('S', 5), ('E', 5)];

/// How a row begins that no test keeps.
const NOT_MET: &str = "Not met:";

fn ids() -> BTreeSet<String> {
    ROWS.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number:02}"))).collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The last column of each row, by id.
fn rows() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("docs/tls.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        if ids().contains(cells[0]) {
            let before = rows.insert(cells[0].to_owned(), cells[cells.len() - 1].to_owned());
            assert_eq!(before, None, "{} is there twice", cells[0]);
        }
    }
    rows
}

/// The names of all functions under `folder`.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names =
                text.lines().filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
            found.extend(names.filter_map(|rest| Some(rest.split_once(['(', '<'])?.0.to_owned())));
        }
    }
}

#[test]
fn every_row_of_the_check_table_has_a_test_or_a_reason() {
    let rows = rows();
    let missing: Vec<_> = ids().into_iter().filter(|id| !rows.contains_key(id)).collect();
    assert!(missing.is_empty(), "docs/tls.md has no row for {missing:?}");
    let mut found = BTreeSet::new();
    for folder in ["tls/src", "tls/tests", "proxy/tests"] {
        functions(&root().join("crates").join(folder), &mut found);
    }
    for (id, kept) in rows {
        // Some tests keep several rows, and have the ids of all of them before their name.
        let part = id.to_lowercase();
        let names = kept.split('`').skip(1).step_by(2);
        let own: Vec<_> = names.filter(|name| name.split('_').any(|word| word == part)).collect();
        assert!(!own.is_empty() || kept.starts_with(NOT_MET), "{id} has neither a test of its own nor a reason");
        for name in own {
            assert!(found.contains(name), "{id} names `{name}`, which is nowhere");
        }
    }
}

/// A test of a row that the table does not name would not be found by whoever reads it.
#[test]
fn every_test_of_a_row_is_in_the_table() {
    let rows = rows();
    let mut found = BTreeSet::new();
    for folder in ["tls/src", "tls/tests", "proxy/tests"] {
        functions(&root().join("crates").join(folder), &mut found);
    }
    for name in found {
        let Some(id) = name.split('_').next().map(str::to_uppercase) else { continue };
        if let Some(kept) = rows.get(&id) {
            assert!(kept.contains(&format!("`{name}`")), "{id} does not name `{name}`");
        }
    }
}
