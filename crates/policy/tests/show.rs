//! What people see of a policy, agree to, and are told when it changes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use schoolgate_policy::show::{ClauseChange, PartView, PolicyView, canonical_text, changes, show, text};
use schoolgate_policy::{Built, Colour, Context, Pack, build, render};

const SCHOOL: &str = include_str!("../spec/school.toml");

fn built(version: &str, body: &str) -> Built {
    let head = format!("+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"{version}\"\n+++\n");
    build(&Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", format!("{head}{body}"))]), Context::default())
}

fn view(version: &str, body: &str) -> PolicyView {
    let built = built(version, body);
    show(&built.parsed.documents[0], &built.compiled).unwrap()
}

fn canonical(body: &str) -> String {
    canonical_text(&built("1", body).parsed.documents[0])
}

#[test]
fn controls_are_words_and_html_is_safe() {
    let body = "# P\n\n## 4 Rules\n\n4.1 {#gambling} No *gambling* <script>alert(1)</script>, \
                [really](javascript:alert(1)).\n\n```control\n[[web]]\nblock = [\"gambling\"]\nfor = \"staff\"\n```\n";
    let view = view("1", body);
    let PartView::Clause(clause) = &view.parts[2] else { panic!("{view:#?}") };
    assert!(clause.html.contains("<em>gambling</em>"), "{}", clause.html);
    assert!(!clause.html.contains("<script") && !clause.html.contains("javascript:"), "{}", clause.html);
    assert_eq!(clause.controls[0].keeper, "the web filter");
    assert_eq!(clause.controls[0].words, "blocked for staff at all times: gambling");
}

#[test]
fn a_policy_says_who_answers_for_it_and_until_when() {
    let head = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\nowner = \"headteacher\"\nadopted = 2026-09-21\n\
                review = \"every 3 years\"\n+++\n\n1 {#one} A rule.\n";
    let pack = Pack::from_iter([("school.toml", SCHOOL), ("p.md", head)]);
    let built = build(&pack, Context::default());
    let view = show(&built.parsed.documents[0], &built.compiled).unwrap();
    let about: Vec<_> = view.about.iter().map(|fact| (fact.what, fact.is.as_str())).collect();
    let (adopted, again) = ("21 September 2026", "21 September 2029");
    let says = [("Looked after by", "the headteacher"), ("Adopted", adopted), ("To be looked at again by", again)];
    assert_eq!(about[..3], says);
    assert!(text(&view).contains("To be looked at again by: 21 September 2029"));
}

#[test]
fn a_clause_keeps_its_list_and_its_paragraphs() {
    let body = "- 4.1 {#one} First line\n  goes on:\n\n  * an item\n  * another\n\n  ```control\n  [[web]]\n  \
                block = [\"gambling\"]\n  ```\n\n- 4.2 {#two} Second.\n\nAnd more of the second.\n";
    let built = built("1", body);
    let clauses = &built.parsed.documents[0].clauses;
    assert_eq!(clauses.len(), 2);
    assert_eq!(clauses[0].text, "First line\ngoes on:\n\n* an item\n* another");
    assert_eq!(clauses[0].controls.len(), 1);
    assert_eq!(clauses[1].text, "Second.\n\nAnd more of the second.");
}

#[test]
fn what_is_agreed_to_does_not_depend_on_layout_or_controls() {
    let one = canonical("## 4 Rules\n\n4.1 {#a} Some words\nover two lines.\n");
    let same =
        canonical("## 4 Rules\n\n4.1 {#a}   Some *words* over two\nlines.\n\n```control\ninformation = true\n```\n");
    assert_eq!(one, same);
    assert_ne!(one, canonical("## 4 Rules\n\n4.1 {#a} Other words over two lines.\n"));
    insta::assert_snapshot!(one);
}

#[test]
fn changes_name_what_a_person_has_to_know() {
    let before = view("1", "1.1 {#a} The same.\n\n1.2 {#b} Before.\n\n1.3 {#c} Gone.\n");
    let after = view("2", "1.1 {#b} After.\n\n1.2 {#a} The   same.\n\n1.4 {#d} New.\n");
    let change = changes(&before, &after);
    let found: Vec<String> = change
        .clauses
        .iter()
        .map(|change| match change {
            ClauseChange::Added { id, .. } => format!("+{}", id.clause),
            ClauseChange::Removed { id, .. } => format!("-{}", id.clause),
            ClauseChange::Reworded { id, before, after, .. } => format!("{}: {before} > {after}", id.clause),
            ClauseChange::KeptOtherwise { id, .. } => format!("~{}", id.clause),
        })
        .collect();
    assert_eq!(found, ["b: Before. > After.", "+d", "-c"]);
    assert!(change.is_material());
}

#[test]
fn another_control_alone_is_no_material_change() {
    let before = view("1", "1.1 {#a} No gambling.\n");
    let after = view("2", "1.1 {#a} No gambling.\n\n```control\n[[web]]\nblock = [\"gambling\"]\n```\n");
    let change = changes(&before, &after);
    assert!(!change.is_empty() && !change.is_material());
}

#[test]
fn a_finding_reads_like_a_compilers() {
    let body = "4.1 {#gambling} No gambling.\n\n```control\n[[web]]\nblock = [\"gamling\"]\nwhen = \"lessons\"\n```\n\n\
                4.2 {#ask} Ask.\n\n```control\n[[request]]\nkind = \"open-site\"\ndecide = { any = [\"dsl\"] }\n\
                answer_within = \"5 minits in lessons\"\n```\n";
    let head = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\n+++\n";
    let pack = Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", format!("{head}{body}"))]);
    let built = build(&pack, Context::default());
    insta::assert_snapshot!(render(&built.diagnostics, &pack, Colour::Plain));
}

#[test]
fn a_clause_that_says_which_id_it_had_is_the_same() {
    let before = view("1", "{#kind} Be kind.\n\n```control\ninformation = true\n```\n");
    let renamed = "{#kindness} Be kind.\n\n```control\nwas = [\"kind\"]\ninformation = true\n```\n";
    assert!(changes(&before, &view("2", renamed)).clauses.is_empty());
    let other = "{#kindness} Be kind.\n\n```control\ninformation = true\n```\n";
    assert_eq!(changes(&before, &view("2", other)).clauses.len(), 2);
}

#[test]
fn what_an_agreement_does_not_do_by_itself_is_said_beside_it() {
    let words = |sign: &str| {
        let view = view("1", &format!("1 {{#agree}} Agree.\n\n```control\n[[sign]]\nwho = [\"staff\"]\n{sign}\n```\n"));
        let PartView::Clause(clause) = &view.parts[0] else { panic!("{view:#?}") };
        clause.controls[0].words.clone()
    };
    assert!(!words("gate = true").contains("for now"));
    for sign in ["form = \"paper\"", "again = \"every year\"", "with = \"parent\""] {
        assert!(words(sign).contains("for now by a click at each new version"), "{sign}");
    }
}
