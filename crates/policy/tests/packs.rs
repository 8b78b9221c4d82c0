//! The packs hold together: nothing to complain about, every scenario passes, nobody is left wondering who keeps what.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::fs;
use std::path::{Path, PathBuf};

use schoolgate_policy::scenario::{offices, question, test};
use schoolgate_policy::show::{PartView, Standing, show};
use schoolgate_policy::{Built, Colour, Context, Diagnostic, Pack, Severity, build, render};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut found: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    assert!(found.len() >= 5, "{found:?}");
    found
}

fn read(folder: &Path, prefix: &str, pack: &mut Pack) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            read(&path, &format!("{prefix}{name}/"), pack);
        } else if name.ends_with(".md") || name.ends_with(".toml") {
            pack.insert(&format!("{prefix}{name}"), &fs::read_to_string(&path).unwrap());
        }
    }
}

fn pack(folder: &Path) -> Pack {
    let mut pack = Pack::default();
    read(folder, "", &mut pack);
    pack
}

fn built(pack: &Pack) -> Built {
    let offices = offices(pack, &build(pack, Context::default()));
    build(pack, Context { offices: Some(&offices), today: Some("2026-11-22".parse().unwrap()), before: None })
}

#[test]
fn the_checker_warns_of_nothing_and_every_scenario_passes() {
    for folder in folders() {
        let pack = pack(&folder);
        let built = built(&pack);
        let is_bad = |found: &&Diagnostic| found.severity != Severity::Note;
        let bad: Vec<Diagnostic> = built.diagnostics.iter().filter(is_bad).cloned().collect();
        assert!(bad.is_empty(), "{}\n{}", folder.display(), render(&bad, &pack, Colour::Plain));
        let tested = test(&pack, &built);
        let findings = render(&tested.diagnostics, &pack, Colour::Plain);
        assert!(tested.is_passed(), "{}\n{findings}\n{}", folder.display(), tested.text());
    }
}

#[test]
fn no_clause_is_kept_by_nobody() {
    for folder in folders() {
        let pack = pack(&folder);
        let built = built(&pack);
        for document in &built.parsed.documents {
            let view = show(document, &built.compiled).unwrap();
            for part in &view.parts {
                if let PartView::Clause(clause) = part {
                    // What an overlay only reminds of is promised where another policy takes it in.
                    let is_kept = clause.standing != Standing::Nobody || !clause.controls.is_empty();
                    assert!(is_kept, "{} {}", folder.display(), clause.id);
                    assert!(!clause.html.contains("[["), "{}", clause.html);
                }
            }
        }
    }
}

/// What the demo school begins with.
#[test]
fn the_main_policy_of_the_demo_stands_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff");
    let files = ["school.toml", "staff-ict.md", "tests.md"];
    let pack: Pack = files.into_iter().map(|name| (name, fs::read_to_string(folder.join(name)).unwrap())).collect();
    let built = built(&pack);
    assert!(built.is_fit(), "{}", render(&built.diagnostics, &pack, Colour::Plain));
    assert!(test(&pack, &built).is_passed());
    let explanation =
        question(&pack, &built, "tess.teacher, Tuesday 2026-11-24 10:10", "https://shop.example/").unwrap();
    insta::assert_snapshot!(explanation.text());
}
