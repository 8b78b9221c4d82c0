//! The tables say what the parser reads, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::collections::BTreeSet;

use schoolgate_base::ControlKind;

use super::{EVERY_CONTROL, FIELD, HEAD, Key, NOTES, SCHOOL, Takes, of};
use crate::check::{Context, build};
use crate::diagnostic::Code;
use crate::kinds::remind::MOMENTS;
use crate::pack::Pack;

/// No key of the language is near it, so the finding lists those that are known.
const STRANGE: &str = "zzzzzzzzzzzzzz";
const HEAD_LINES: &str = "policy = \"p\"\ntitle = \"P\"\nversion = \"1\"\n";

/// The keys that the reader of the table which holds the strange key asked for.
#[track_caller]
fn known(school: &str, head: &str, block: &str) -> BTreeSet<String> {
    let document = format!("+++\n{HEAD_LINES}{head}\n+++\n\n1.1 {{#a}} A.\n\n```control\n{block}\n```\n");
    let pack = Pack::from_iter([("school.toml", school.to_owned()), ("p.md", document)]);
    let built = build(&pack, Context::default());
    let finding = built
        .diagnostics
        .iter()
        .find(|finding| finding.code == Code::UnknownKey && finding.message.ends_with(&format!("`{STRANGE}`")));
    let help = finding.and_then(|finding| finding.help.clone()).unwrap_or_else(|| panic!("{:#?}", built.diagnostics));
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[track_caller]
fn check(keys: &[Key], known: &BTreeSet<String>, what: &str) {
    let table: BTreeSet<String> = keys.iter().map(|key| key.name.to_owned()).collect();
    assert_eq!(table.len(), keys.len(), "{what}: a key stands twice");
    assert_eq!(&table, known, "{what}");
}

fn inner(keys: &[Key], name: &str) -> Vec<Key> {
    match keys.iter().find(|key| key.name == name).unwrap().takes {
        Takes::Table(keys) | Takes::Tables(keys) | Takes::List(keys) => keys.to_vec(),
        Takes::Map(_, Takes::Table(keys) | Takes::Or(_, Takes::Table(keys))) => keys.to_vec(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn the_parser_asks_for_the_keys_of_each_kind() {
    for kind in ControlKind::ALL {
        let block = format!("[[{}]]\n{STRANGE} = 1", kind.as_str());
        check(&of(kind), &known("", "", &block), kind.as_str());
    }
}

#[test]
fn tables_inside_controls_have_their_keys() {
    for (kind, key) in [
        (ControlKind::Request, "decide"),
        (ControlKind::Request, "effect"),
        (ControlKind::Report, "escalate"),
        (ControlKind::Account, "password"),
    ] {
        let block = format!("[[{}]]\n{key} = {{ {STRANGE} = 1 }}", kind.as_str());
        check(&inner(&of(kind), key), &known("", "", &block), key);
    }
    let block = format!("[[report]]\nform = [{{ {STRANGE} = 1 }}]");
    check(&FIELD, &known("", "", &block), "a field");
}

#[test]
fn heads_and_notes_have_their_keys() {
    check(&HEAD, &known("", &format!("{STRANGE} = 1"), ""), "the head");
    check(&NOTES, &known("", "", &format!("{STRANGE} = 1")), "the notes");
    for key in ["history", "consulted"] {
        check(&inner(&HEAD, key), &known("", &format!("{key} = [{{ {STRANGE} = 1 }}]"), ""), key);
    }
    let signed: Vec<Key> = inner(&HEAD, "sign").into_iter().chain(EVERY_CONTROL).collect();
    check(&signed, &known("", &format!("sign = {{ {STRANGE} = 1 }}"), ""), "sign");
}

#[test]
fn school_has_its_keys() {
    check(&SCHOOL, &known(&format!("{STRANGE} = 1"), "", ""), "school.toml");
    for section in ["school", "calendar", "help"] {
        check(&inner(&SCHOOL, section), &known(&format!("[{section}]\n{STRANGE} = 1"), "", ""), section);
    }
    for section in ["groups", "roles", "places", "categories", "classes", "keepers", "content", "systems"] {
        check(&inner(&SCHOOL, section), &known(&format!("[{section}.x]\n{STRANGE} = 1"), "", ""), section);
    }
    for section in ["device_classes", "stores", "channels", "events"] {
        assert_eq!(known(&format!("[{section}.x]\n{STRANGE} = 1"), "", ""), ["title".to_owned()].into(), "{section}");
    }
    check(&inner(&SCHOOL, "always_open"), &known(&format!("[[always_open]]\n{STRANGE} = 1"), "", ""), "always_open");
}

#[test]
fn every_moment_has_its_meaning() {
    let at = of(ControlKind::Remind).into_iter().find(|key| key.name == "at").unwrap();
    let Takes::OneOf(words) = at.takes else { panic!("{at:?}") };
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    assert_eq!(names, MOMENTS.iter().map(|(word, _)| *word).collect::<Vec<_>>());
}
