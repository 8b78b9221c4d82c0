//! The worst of foreign input: packs far larger than people write, circles, depth, length, and text that is neither
//! Markdown nor TOML.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what went wrong by failing")]

use schoolgate_policy::scenario::test;
use schoolgate_policy::show::{canonical_text, show};
use schoolgate_policy::{Built, Code, Colour, Context, PACK_MAX_BYTES, Pack, build, render};

const SCHOOL: &str = include_str!("../spec/school.toml");
const HEAD: &str = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\n+++\n\n";
const MANY: usize = 10_000;

fn built(document: &str) -> Built {
    build(
        &Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", format!("{HEAD}{document}"))]),
        Context::default(),
    )
}

fn count(built: &Built, code: Code) -> usize {
    built.diagnostics.iter().filter(|finding| finding.code == code).count()
}

/// A clause for each number, with the control that `control` writes.
fn clauses(control: impl Fn(usize) -> String) -> String {
    let clause = |number| format!("{{#c{number}}} Clause {number}.\n\n```control\n{}```\n\n", control(number));
    (0..MANY).map(clause).collect()
}

#[test]
fn ten_thousand_rules_for_one_category_compile_and_are_checked() {
    let built = built(&clauses(|_| "[[web]]\nblock = [\"gambling\"]\nfor = \"staff\"\n".to_owned()));
    assert_eq!(built.compiled.program.rules.len(), MANY);
    assert_eq!(built.diagnostics, []);
}

#[test]
fn ten_thousand_rules_for_as_many_sites_compile_and_are_checked() {
    let built = built(&clauses(|number| format!("[[web]]\nblock = [\"a{number}.example\"]\nfor = \"staff\"\n")));
    assert_eq!(built.compiled.program.rules.len(), MANY);
    assert_eq!(built.diagnostics, []);
}

#[test]
fn ten_thousand_messages_of_one_sort_compile_and_are_checked() {
    let built =
        built(&clauses(|_| "[[mail]]\nkept_by = \"other-systems\"\nto = \"outside\"\nthen = \"refuse\"\n".to_owned()));
    assert_eq!(built.compiled.program.things.len(), MANY);
    assert_eq!(built.diagnostics, []);
}

#[test]
fn ten_thousand_pieces_of_content_compile_and_are_checked() {
    let document = clauses(|number| {
        format!("[[mail]]\nkept_by = \"other-systems\"\ncontains = \"k{number}\"\nfor = \"staff\"\nthen = \"refuse\"\n")
    });
    let contents: String = (0..MANY).map(|number| format!("[content.k{number}]\ntitle = \"k\"\n")).collect();
    let school = format!("{SCHOOL}\n{contents}");
    let pack = Pack::from_iter([("school.toml", school), ("p.md", format!("{HEAD}{document}"))]);
    let built = build(&pack, Context::default());
    assert_eq!(built.compiled.program.things.len(), MANY);
    assert_eq!(built.diagnostics, []);
}

#[test]
fn ten_thousand_that_refer_to_each_other_compile_and_are_checked() {
    let built = built(&clauses(|number| {
        let over = (number + 1) % MANY;
        format!("[[web]]\nblock = [\"gambling\"]\nfor = \"staff\"\nover = \"#c{over}\"\n")
    }));
    assert_eq!(built.compiled.program.rules.len(), MANY);
}

#[test]
fn ten_thousand_cases_compile_and_are_checked() {
    let built = built(&clauses(|number| match number % 4 {
        0 => "[[report]]\nkind = \"misuse\"\nto = [\"headteacher\", \"dsl\"]\nform = [\"what\"]\n".to_owned(),
        1 => format!(
            "[[register]]\nkind = \"list-{number}\"\nfields = [\"item\"]\nkeeps = [\"dsl\"]\nkeep = \"1 year\"\n"
        ),
        2 => format!("[[duty]]\nkind = \"d\"\nwho = [\"dsl\"]\nevery = \"week\"\nerases = \"list-{}\"\n", number - 1),
        _ => "[[request]]\nkind = \"leave\"\ndecide = { any = [\"headteacher\"] }\nform = [\"why\"]\n".to_owned(),
    }));
    assert_eq!(built.compiled.definitions.len(), MANY / 2);
    assert_eq!(built.compiled.duties.len(), MANY / 4);
    assert_eq!(count(&built, Code::KeepAndErase), MANY / 4);
}

#[test]
fn ten_thousand_twins_are_each_reported_once() {
    let built = built(&clauses(|_| "information = true\n".to_owned()).replace("{#c1", "{#c2"));
    assert_eq!(built.parsed.documents[0].clauses.len(), MANY);
    assert!(count(&built, Code::DuplicateClause) > 1_000);
}

#[test]
fn thousands_of_typing_errors_are_reported_and_the_worst_are_shown() {
    let some = 1_500;
    let document: String = clauses(|number| {
        let unknown = format!("[[web]]\nblock = [\"gambing{number}\"]\nover = \"#d{number}\"\nfor = \"staff\"\n");
        if number < some { "information = true\n".to_owned() } else { unknown }
    });
    let end = document.find(&format!("{{#c{}}}", 2 * some)).unwrap();
    let pack = Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", format!("{HEAD}{}", &document[..end]))]);
    let built = build(&pack, Context::default());
    assert_eq!(count(&built, Code::UnknownCategory), some);
    assert_eq!(count(&built, Code::UnknownClause), some);
    let shown = render(&built.diagnostics, &pack, Colour::Plain);
    assert!(shown.contains("and 2000 more") && shown.ends_with("3000 errors\n"), "{}", &shown[shown.len() - 200..]);
}

#[test]
fn more_rules_than_can_be_compared_are_an_error_and_no_endless_wait() {
    let groups: String = (0..2_000).map(|number| format!("[groups.g{number}]\nwithin = \"staff\"\n")).collect();
    let verdict = |number: usize| if number.is_multiple_of(2) { "block" } else { "allow" };
    let rules: String = (0..2_000)
        .map(|number| {
            let verdict = verdict(number);
            format!("{{#c{number}}} C.\n\n```control\n[[web]]\n{verdict} = [\"social\"]\nfor = \"g{number}\"\n```\n\n")
        })
        .collect();
    let pack = Pack::from_iter([("school.toml", format!("{SCHOOL}\n{groups}")), ("p.md", format!("{HEAD}{rules}"))]);
    let built = build(&pack, Context::default());
    assert_eq!(count(&built, Code::TooManyRules), 1);
}

#[test]
fn parts_of_a_site_on_more_names_than_can_be_crossed_are_an_error() {
    let built = built(&clauses(|number| match number % 2 {
        0 => format!("[[web]]\nblock = [\"a.example/x{number}\"]\n"),
        _ => format!("[[web]]\nblock = [\"b{number}.a.example\"]\n"),
    }));
    assert_eq!(count(&built, Code::TooManyRules), 1);
}

#[test]
fn toml_that_is_none_leaves_the_markdown_readable() {
    let built = built(
        "{#one} One.\n\n```control\n[[web\nblock = \n```\n\n{#two} Two.\n\n```control\n[[web]]\nblock = [\"gambling\"]\n```\n",
    );
    assert!(count(&built, Code::TomlSyntax) > 0);
    assert_eq!(built.compiled.program.rules.len(), 1);
    assert_eq!(built.parsed.documents[0].clauses.len(), 2);
}

#[test]
fn a_huge_line_is_one_clause() {
    let built = built(&format!("{{#one}} {}\n", "word ".repeat(1_000_000)));
    assert_eq!(built.parsed.documents[0].clauses.len(), 1);
}

/// Deeper than any stack.
const DEEP: usize = 20_000;

fn all_of_it(document: &str) {
    let built = built(document);
    for document in &built.parsed.documents {
        canonical_text(document);
        show(document, &built.compiled);
    }
}

#[test]
fn lists_in_lists_are_no_harm() {
    all_of_it(&format!("{}{{#one}} One.\n", "- ".repeat(DEEP)));
    all_of_it(&(0..1_000).map(|depth| format!("{}- x{depth}\n", "  ".repeat(depth))).collect::<String>());
}

#[test]
fn quotes_in_quotes_are_no_harm() {
    all_of_it(&format!("{}{{#one}} One.\n", "> ".repeat(DEEP)));
}

#[test]
fn emphasis_in_emphasis_is_no_harm() {
    all_of_it(&format!("{{#one}} {}One.\n", "*a **b ".repeat(DEEP)));
    all_of_it(&format!("{{#one}} {}One{}.\n", "*a ".repeat(DEEP), "*".repeat(DEEP)));
}

#[test]
fn brackets_in_brackets_are_no_harm() {
    all_of_it(&format!("{{#one}} {}One.\n", "[".repeat(DEEP)));
    all_of_it(&format!("{{#one}} {}One{}.\n", "[".repeat(DEEP), "](a)".repeat(DEEP)));
}

#[test]
fn tables_in_tables_are_no_harm() {
    let control = |toml: &str| all_of_it(&format!("{{#one}} One.\n\n```control\n{toml}\n```\n"));
    control(&format!("a = {}", "[".repeat(DEEP)));
    control(&format!("a = {}1{}", "[".repeat(DEEP), "]".repeat(DEEP)));
    control(&format!("a = {}", "{a=".repeat(DEEP)));
    control(&format!("{} = 1", vec!["a"; DEEP].join(".")));
    control(&format!("[{}]", vec!["a"; DEEP].join(".")));
}

#[test]
fn a_pack_of_eight_megabytes_is_read_and_a_larger_one_is_not() {
    let paragraph = "Be kind to others, and ask when you do not know.\n\n";
    let room = PACK_MAX_BYTES - SCHOOL.len() - 1_000;
    let text = format!("{{#one}} One.\n\n{}", paragraph.repeat(room / paragraph.len()));
    let whole = built(&text);
    assert_eq!(count(&whole, Code::PackTooLarge), 0);
    assert!(whole.parsed.documents[0].clauses[0].text.len() > room / 2);
    assert_eq!(count(&built(&format!("{text}{}", paragraph.repeat(50))), Code::PackTooLarge), 1);
}

#[test]
fn ten_thousand_sentences_are_read() {
    let pack = Pack::from_iter([
        ("school.toml", SCHOOL.to_owned()),
        ("p.md", format!("{HEAD}{{#one}} One.\n\n```control\n[[web]]\nblock = [\"gambling\"]\n```\n")),
        ("tests.md", "Given a teacher, Tuesday 2026-11-24\nWhen she opens bet.example\nThen allowed\n\n".repeat(2_500)),
    ]);
    assert_eq!(test(&pack, &build(&pack, Context::default())).results.len(), 2_500);
}

#[test]
fn policies_that_extend_each_other_in_a_long_circle_end() {
    let document = |number: usize| {
        let next = (number + 1) % 1_000;
        format!(
            "+++\npolicy = \"p{number}\"\ntitle = \"P\"\nversion = \"1\"\nextends = \"p{next}\"\n+++\n\n{{#one}} One.\n\n```control\nreplaces = \"#one\"\n```\n"
        )
    };
    let mut pack = Pack::from_iter([("school.toml", SCHOOL)]);
    for number in 0..1_000 {
        pack.insert(&format!("p{number}.md"), &document(number));
    }
    let built = build(&pack, Context::default());
    assert_eq!(count(&built, Code::ExtendsCycle), 1);
    assert_eq!(built.parsed.documents.iter().map(|document| document.clauses.len()).sum::<usize>(), 1);
}

#[test]
fn classes_of_classes_end() {
    let twice = |number: usize| format!("k{number} = [\"k{}\", \"k{}\"]\n", number + 1, number + 1);
    let chain: String = (0..1_000).map(twice).collect();
    let school = SCHOOL.replace("[classes]\n", &format!("[classes]\none = [\"two\"]\ntwo = [\"one\"]\n{chain}"));
    let pack = Pack::from_iter([("school.toml", school), ("p.md", format!("{HEAD}{{#one}} One.\n"))]);
    let built = build(&pack, Context::default());
    assert_eq!(count(&built, Code::ClassCycle), 2 + 1_000 - 8);
    assert_eq!(count(&built, Code::UnknownCategory), 2);
}

#[test]
fn ten_thousand_groups_and_offices_are_read() {
    let groups: String = (0..MANY)
        .map(|number| format!("[groups.g{number}]\nwithin = \"staff\"\nage = \"18 and over\"\n[roles.r{number}]\n"))
        .collect();
    let pack =
        Pack::from_iter([("school.toml", format!("{SCHOOL}\n{groups}")), ("p.md", format!("{HEAD}{{#one}} One.\n"))]);
    let built = build(&pack, Context::default());
    assert!(built.compiled.school.groups.len() > MANY);
    assert_eq!(count(&built, Code::AgeGap), MANY - 1);
}
