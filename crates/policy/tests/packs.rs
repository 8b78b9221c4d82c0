//! The packs that come with the product: nothing is found in them, with the offices of a small school filled.

use std::path::Path;

use jiff::civil::date;
use schoolgate_base::{PersonId, Role};
use schoolgate_cases::Offices;
use schoolgate_policy::{Colour, Context, Pack, build, render};

/// The head is a deputy safeguarding lead too, as in many small schools.
fn offices() -> Offices {
    let mut offices = Offices::default();
    for (role, person) in [
        ("headteacher", "helen.head"),
        ("deputy-dsl", "helen.head"),
        ("dsl", "dora.lead"),
        ("senior-leader", "dora.lead"),
        ("senior-leader", "bea.business"),
        ("business-manager", "bea.business"),
        ("it-technician", "ivy.tech"),
        ("online-safety-lead", "olive.online"),
        ("ict-leader", "olive.online"),
        ("chair-of-governors", "carl.chair"),
        ("trust-safeguarding-lead", "gina.governor"),
    ] {
        offices.add(Role::new(role), PersonId::new(person).unwrap(), false);
    }
    offices
}

fn read(folder: &Path) -> Pack {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn nothing_is_found_in_the_packs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut count = 0;
    for pack in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        count += 1;
        let pack = read(&pack);
        let offices = offices();
        let built = build(&pack, Context { offices: Some(&offices), today: Some(date(2026, 11, 24)) });
        assert!(built.diagnostics.is_empty(), "{}", render(&built.diagnostics, &pack, Colour::Plain));
    }
    assert!(count > 0);
}
