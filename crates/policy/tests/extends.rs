//! What a pack takes on from others, and what becomes of clauses that change their id.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use schoolgate_policy::show::{canonical_text, show};
use schoolgate_policy::{Built, Context, Pack, build};

const SCHOOL: &str = include_str!("../spec/school.toml");

fn head(policy: &str, more: &str) -> String {
    format!("+++\npolicy = \"{policy}\"\ntitle = \"{policy}\"\nversion = \"1\"\n{more}+++\n\n")
}

fn pack(own: &str, base: &str) -> Pack {
    let own = head("own", "extends = \"base\"\n") + own;
    let base = Pack::from_iter([("p.md", head("base", "") + base), ("tests.md", "Given nobody".to_owned())]);
    let school = SCHOOL.replace("[school]\n", "[school]\nextends = [\"../base\"]\n");
    Pack::from_iter([("school.toml", school), ("own.md", own)]).extended([("base".to_owned(), base)])
}

fn built(pack: &Pack) -> Built {
    build(pack, Context::default())
}

fn codes(built: &Built) -> Vec<&'static str> {
    let codes = built.diagnostics.iter().map(|finding| finding.code.as_str());
    codes.filter(|code| *code != "clause-without-control").collect()
}

#[test]
fn a_clause_that_is_replaced_is_neither_shown_nor_signed() {
    let pack = pack(
        "{#new} Our own words.\n\n```control\nreplaces = \"base#old\"\n```\n",
        "## One\n\n{#old} Their words.\n\n{#stays} These stay.\n",
    );
    let built = built(&pack);
    assert_eq!(codes(&built), [""; 0]);
    let base = built.parsed.documents.iter().find(|document| document.front.policy.text == "base").unwrap();
    let text = canonical_text(base);
    assert!(!text.contains("Their words") && text.contains("#stays \nThese stay."), "{text}");
    let shown = format!("{:?}", show(base, &built.compiled).unwrap());
    assert!(!shown.contains("Their words") && shown.contains("These stay."), "{shown}");
    assert_eq!(built.compiled.program.clauses.len(), 2);
}

#[test]
fn a_base_that_is_not_in_the_pack_is_missed() {
    let mut pack = pack("{#new} New.\n", "{#old} Old.\n");
    pack.remove("extends/base/p.md");
    assert_eq!(codes(&built(&pack)), ["unknown-policy", "base-missing"]);
}

#[test]
fn a_clause_with_another_id_is_not_gone_when_it_says_what_it_was() {
    let gone = |before: &str, after: &str| {
        let before = built(&pack("{#new} New.\n", before));
        let after = pack("{#new} New.\n", after);
        codes(&build(&after, Context { before: Some(&before.parsed), ..Context::default() }))
    };
    assert_eq!(gone("{#old} Old.\n", "{#other} Old.\n"), ["clause-gone"]);
    assert_eq!(gone("{#old} Old.\n", "{#other} Old.\n\n```control\nwas = [\"old\"]\n```\n"), [""; 0]);
}

#[test]
fn a_clause_that_is_replaced_now_is_not_gone() {
    let base = "{#old} Old.\n\n{#stays} Stays.\n";
    let before = built(&pack("{#new} New.\n", base));
    let after = pack("{#new} New.\n\n```control\nreplaces = \"#old\"\n```\n", base);
    let context = Context { before: Some(&before.parsed), ..Context::default() };
    assert_eq!(codes(&build(&after, context)), [""; 0]);
}

#[test]
fn names_of_a_base_are_known_unless_the_school_has_its_own() {
    let base_school = "[school]\nid = \"b\"\nname = \"B\"\n\n[calendar]\nzone = \"Europe/London\"\nterms = []\n\n\
                       [roles.nurse]\ntitle = \"school nurse\"\n[roles.headteacher]\ntitle = \"principal\"\n\n\
                       [keepers]\nbase-system = \"a system of theirs\"\n";
    let text = "{#hurt} Tell the nurse.\n\n```control\n[[report]]\nkind = \"hurt\"\nto = [\"nurse\"]\nform = [\"what\"]\n```\n\n\
                {#kept} Kept elsewhere.\n\n```control\nkept_by = \"base-system\"\n```\n";
    let base = Pack::from_iter([("p.md", head("base", "") + text), ("school.toml", base_school.to_owned())]);
    let school = SCHOOL.replace("[school]\n", "[school]\nextends = [\"../base\"]\n");
    let own = head("own", "extends = \"base\"\n") + "{#new} New.\n";
    let pack = Pack::from_iter([("school.toml", school), ("own.md", own)]).extended([("base".to_owned(), base)]);
    let built = built(&pack);
    assert_eq!(codes(&built), ["unknown-keeper"], "what keeps something there keeps nothing here");
    let title = |role: &str| built.parsed.school.role_title(&schoolgate_base::Role::new(role));
    assert_eq!((title("nurse").as_str(), title("headteacher").as_str()), ("school nurse", "headteacher"));
}
