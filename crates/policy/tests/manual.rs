//! The manual: what lies in `docs/manual` is what the code says, and its examples are ones the parser takes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]
#![allow(clippy::disallowed_methods, reason = "`cargo xtask docs` asks this test to write the pages anew")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schoolgate_policy::manual::pages;
use schoolgate_policy::{Code, Colour, Context, Diagnostic, Pack, build, render};

const SCHOOL: &str = "[school]\nid = \"m\"\nname = \"M\"\n\n[calendar]\nzone = \"Europe/London\"\nterms = []\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual")
}

/// A list of pages as mdBook reads it.
fn summary() -> String {
    let pages = pages();
    let line = |path: &str, title: &str| {
        let depth = path.matches('/').count();
        format!("{}* [{title}]({path})\n", "  ".repeat(depth))
    };
    let lines: String = pages.iter().map(|page| line(&page.path, &page.title)).collect();
    format!("# The policy language\n\n{lines}")
}

#[test]
fn the_pages_in_docs_are_those_of_the_code() {
    let mut wanted: Vec<(String, String)> = pages().into_iter().map(|page| (page.path, page.markdown)).collect();
    wanted.push(("SUMMARY.md".to_owned(), summary()));
    let is_asked = std::env::var_os("SCHOOLGATE_WRITE_MANUAL").is_some();
    let mut stale = BTreeSet::new();
    for (path, text) in wanted {
        let place = folder().join(&path);
        if fs::read_to_string(&place).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if is_asked {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, text).unwrap();
        } else {
            stale.insert(path);
        }
    }
    assert!(stale.is_empty(), "write them anew with `cargo xtask docs`: {stale:?}");
}

/// Names that an example uses are its own; its keys, words and forms are the language's.
#[test]
fn the_parser_takes_every_example_of_a_kind() {
    let language = [
        Code::TomlSyntax,
        Code::UnknownKey,
        Code::MissingKey,
        Code::WrongType,
        Code::UnknownWord,
        Code::UnknownKind,
        Code::BadLength,
        Code::BadDate,
        Code::BadSite,
        Code::RuleSaysNothing,
    ];
    let mut document = "+++\npolicy = \"m\"\ntitle = \"M\"\nversion = \"1\"\naudience = [\"staff\"]\n+++\n".to_owned();
    let mut count = 0;
    for page in pages().iter().filter(|page| page.path.starts_with("kinds/")) {
        for example in page.markdown.split("```toml\n").skip(1) {
            count += 1;
            let example = example.split("```").next().unwrap();
            document.push_str(&format!("\n{{#example-{count}}} Of {}.\n\n```control\n{example}\n```\n", page.path));
        }
    }
    assert!(count >= 13, "only {count} examples");
    // In one document, because an example may refer to another: a duty erases what a register keeps.
    let pack = Pack::from_iter([("school.toml", SCHOOL), ("m.md", document.as_str())]);
    let built = build(&pack, Context::default());
    let wrong = built.diagnostics.into_iter().filter(|found| language.contains(&found.code));
    let wrong: Vec<Diagnostic> = wrong.collect();
    assert!(wrong.is_empty(), "{}", render(&wrong, &pack, Colour::Plain));
}
