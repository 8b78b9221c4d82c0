//! The pack for staff holds together: nothing to complain about, every scenario passes, every demand is answered.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::collections::BTreeSet;
use std::path::Path;

use schoolgate_policy::scenario::{offices, question, test};
use schoolgate_policy::show::{PartView, Standing, show};
use schoolgate_policy::{Built, Colour, Context, Pack, build, render};

fn pack() -> Pack {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff");
    let files = ["school.toml", "staff-ict.md", "tests.md"];
    files.into_iter().map(|name| (name, std::fs::read_to_string(folder.join(name)).unwrap())).collect()
}

fn built(pack: &Pack) -> Built {
    let offices = offices(pack, &build(pack, Context::default()));
    build(pack, Context { offices: Some(&offices), today: Some("2026-11-21".parse().unwrap()), before: None })
}

#[test]
fn the_checker_has_nothing_to_say() {
    let pack = pack();
    let built = built(&pack);
    assert!(built.diagnostics.is_empty(), "{}", render(&built.diagnostics, &pack, Colour::Plain));
}

#[test]
fn every_scenario_passes() {
    let pack = pack();
    let tested = test(&pack, &built(&pack));
    assert!(tested.is_passed(), "{}\n{}", render(&tested.diagnostics, &pack, Colour::Plain), tested.text());
    assert!(tested.results.len() >= 60);
}

#[test]
fn every_demand_is_answered_once() {
    let pack = pack();
    let built = built(&pack);
    let answers = built.parsed.documents.iter().flat_map(|document| &document.clauses).flat_map(|c| &c.notes.answers);
    let found: Vec<String> = answers.map(|word| word.text.clone()).collect();
    let wanted: BTreeSet<String> = (68..=133).chain(145..=155).map(|number| format!("HC-{number:03}")).collect();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn no_clause_is_kept_by_nobody() {
    let pack = pack();
    let built = built(&pack);
    let view = show(&built.parsed.documents[0], &built.compiled).unwrap();
    for part in &view.parts {
        if let PartView::Clause(clause) = part {
            assert_ne!(clause.standing, Standing::Nobody, "{}", clause.id);
            assert!(!clause.html.contains("control"), "{}", clause.html);
        }
    }
}

#[test]
fn an_explanation_reads_well() {
    let pack = pack();
    let built = built(&pack);
    let explanation =
        question(&pack, &built, "tess.teacher, Tuesday 2026-11-24 10:10", "https://shop.example/").unwrap();
    insta::assert_snapshot!(explanation.text());
}
