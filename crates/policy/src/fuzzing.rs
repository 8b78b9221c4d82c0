//! What fuzz targets call: policies, school files and scenarios, as people write them and upload them.

use std::str::from_utf8;

use crate::pack::{FileId, Pack, SCHOOL_FILE, TESTS_FILE};
use crate::{Colour, Context, Diagnostic, build, fmt, render, scenario, starter};

/// Whatever is written in a document there is a tree of it; every finding has its place in the text and can be drawn; its
/// layout is its own layout and changes nothing that is found wrong.
pub fn policy_document(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut pack = starter();
    pack.insert("staff.md", text);
    let built = build(&pack, Context::default());
    check_findings(&built.diagnostics, &pack);
    assert!(!built.parsed.documents.is_empty());
    let laid_out = fmt::format(text);
    assert_eq!(fmt::format(&laid_out), laid_out, "the layout of a layout is another");
    pack.insert("staff.md", &laid_out);
    let again = build(&pack, Context::default());
    assert_eq!(again.is_fit(), built.is_fit(), "{laid_out}");
}

/// The same of what a school says of itself.
pub fn school_file(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut pack = starter();
    pack.insert(SCHOOL_FILE, text);
    let built = build(&pack, Context::default());
    check_findings(&built.diagnostics, &pack);
    let laid_out = fmt::format_school(text);
    assert_eq!(fmt::format_school(&laid_out), laid_out);
}

/// Sentences that are no scenarios are named with their place, and those that are come out one way or the other.
pub fn scenarios(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut pack = starter();
    pack.insert(TESTS_FILE, text);
    let built = build(&pack, Context::default());
    let tested = scenario::test(&pack, &built);
    check_findings(&tested.diagnostics, &pack);
    assert!(!tested.text().is_empty());
}

fn check_findings(diagnostics: &[Diagnostic], pack: &Pack) {
    for diagnostic in diagnostics {
        let spans = diagnostic.others.iter().map(|other| other.span).chain([diagnostic.span]);
        for span in spans.filter(|span| span.file != FileId::MISSING) {
            assert!(pack.text(span.file).get(span.start..span.end).is_some(), "{diagnostic:?}");
        }
        let _ = diagnostic.finding(pack);
    }
    let drawn = render(diagnostics, pack, Colour::Plain);
    assert!(diagnostics.is_empty() || !drawn.is_empty());
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("policy_document", super::policy_document),
            ("school_file", super::school_file),
            ("scenarios", super::scenarios),
        ];
        schoolgate_testkit::fuzz::hold(targets, 60_000);
    }
}
