//! The parser reads anything without failing, and which rules meet is exactly what deciding every request shows.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;
use schoolgate_base::{Capacity, Group, Host, PersonId, SchoolId};
use schoolgate_decide::snapshot::{FORMAT, Live, Member, People, Root};
use schoolgate_decide::{CategoryTable, Facts, Seen, Snapshot, Who, decide_explained};
use schoolgate_policy::scenario::test;
use schoolgate_policy::show::{canonical_text, show};
use schoolgate_policy::{Built, Code, Colour, Context, Pack, build, render};

const SCHOOL: &str = include_str!("../spec/school.toml");
const HEAD: &str =
    "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\nsign = { gate = true }\n+++\n";

/// Text that looks enough like a policy to reach deep into the parser.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("+++\n".to_owned()),
        Just("```control\n".to_owned()),
        Just("```\n".to_owned()),
        Just("[[web]]\n".to_owned()),
        Just("[[request]]\ndecide = { any = [\"it-technician\"] }\n".to_owned()),
        Just("[[report]]\nto = [\"dsl\"]\nabout = { dsl = [] }\n".to_owned()),
        Just("[[register]]\nkind = \"k\"\nfields = [\"item\"]\nkeeps = [\"dsl\"]\ndue = \"1 year\"\n".to_owned()),
        Just("[[duty]]\nkind = \"d\"\nwho = [\"dsl\"]\nevery = \"term\"\n".to_owned()),
        Just("effect = [{ lifts = \"#own-time\" }, { opens = \"logs\" }]\n".to_owned()),
        Just("upon = \"#own-time\"\nwithin = \"1 week\"\n".to_owned()),
        Just("block = [\"gambling\", \"é\"]\n".to_owned()),
        Just("when = \"5 minutes in lessons\"\n".to_owned()),
        Just("- 5.1 {#own-time} Text\n".to_owned()),
        Just("5.1 {#own".to_owned()),
        Just("## 5 Heading\n".to_owned()),
        Just("Given a teacher, Tuesday 2026-11-24\n".to_owned()),
        Just("When she opens bet.example\n".to_owned()),
        Just("When #own-time is looked at\n".to_owned()),
        Just("When she enters #own-time for item \"é\n".to_owned()),
        Just("When a report #own-time is closed without \"\n".to_owned()),
        Just("When she is asked to agree\n".to_owned()),
        Just("Then due 2026-12-01 and late, not to dsl until x\n".to_owned()),
        Just("Then blocked by #x\n".to_owned()),
        "\\PC{0,12}",
        "[ \\t\\r\\n\"'\\[\\]{}=#.-]{0,8}",
    ];
    proptest::collection::vec(scrap, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_can_be_read(school in scraps(), document in scraps(), tests in scraps()) {
        let pack = Pack::from_iter([("school.toml", school), ("p.md", document), ("tests.md", tests)]);
        let built = build(&pack, Context::default());
        let tested = test(&pack, &built);
        render(&built.diagnostics, &pack, Colour::Plain);
        render(&tested.diagnostics, &pack, Colour::Terminal);
        for document in &built.parsed.documents {
            canonical_text(document);
            show(document, &built.compiled);
        }
    }

    #[test]
    fn a_good_head_lets_clauses_be_read(document in scraps()) {
        let pack = Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", format!("{HEAD}{document}"))]);
        let built = build(&pack, Context::default());
        for diagnostic in &built.diagnostics {
            let text = pack.text(diagnostic.span.file);
            prop_assert!(diagnostic.span.start <= text.len() && diagnostic.span.end <= text.len());
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn meetings_are_what_deciding_shows(rules in proptest::collection::vec(rule(), 1..5)) {
        check_meetings(&rules);
    }
}

/// Lines of the packs that come with the product.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut lines = Vec::new();
    read_lines(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies"), &mut lines);
    lines
});

fn read_lines(folder: &Path, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_lines(&path, lines);
        } else if path.extension().is_some_and(|extension| extension == "md" || extension == "toml") {
            lines.extend(std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned));
        }
    }
}

/// Stretches of real packs, some of them cut in the middle of a line.
fn real() -> impl Strategy<Value = String> {
    let piece = (any::<proptest::sample::Index>(), 1..12_usize, any::<proptest::sample::Index>(), any::<bool>());
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| {
        let mut text = String::new();
        for (at, count, cut, is_whole) in pieces {
            let piece: Vec<&str> = LINES.iter().skip(at.index(LINES.len())).take(count).map(String::as_str).collect();
            let letters: Vec<char> = piece.join("\n").chars().collect();
            let end = if is_whole { letters.len() } else { cut.index(letters.len() + 1) };
            text.extend(&letters[..end]);
            text.push('\n');
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_real_packs_can_be_read(school in real(), document in real(), base in real(), tests in real()) {
        let pack = Pack::from_iter([
            ("school.toml", format!("{SCHOOL}\n{school}")),
            ("p.md", format!("{HEAD}{document}")),
            ("extends/base/q.md", base),
            ("tests.md", tests),
        ]);
        let built = build(&pack, Context::default());
        let tested = test(&pack, &built);
        for diagnostic in built.diagnostics.iter().chain(&tested.diagnostics) {
            let text = pack.text(diagnostic.span.file);
            prop_assert!(text.get(diagnostic.span.start..diagnostic.span.end).is_some(), "{diagnostic:?}");
        }
        render(&built.diagnostics, &pack, Colour::Plain);
        for document in &built.parsed.documents {
            canonical_text(document);
            show(document, &built.compiled);
        }
    }
}

/// A rule of a small world, as text.
#[derive(Debug, Clone)]
struct Rule {
    verdict: &'static str,
    target: &'static str,
    audience: &'static str,
    time: &'static str,
}

fn rule() -> impl Strategy<Value = Rule> {
    let verdict = prop_oneof![Just("allow"), Just("warn"), Just("block")];
    let target = prop_oneof![
        Just("gambling"),
        Just("shopping"),
        Just("social"),
        Just("personal"),
        Just("everything"),
        Just("a.example"),
        Just("b.a.example"),
        Just("=a.example"),
        Just("a.example/x"),
    ];
    let audience = prop_oneof![
        Just(""),
        Just("for = \"staff\""),
        Just("for = \"teachers\""),
        Just("for = \"volunteers\""),
        Just("for = \"class:6A\""),
        Just("for = [\"class:6B\", \"teachers\"]"),
        Just("for = \"pupil\""),
        Just("for = \"staff\"\nexcept = \"teachers\""),
    ];
    let time = prop_oneof![
        Just(""),
        Just("when = \"lessons\""),
        Just("when = \"lunch\""),
        Just("outside = \"lessons\""),
        Just("when = \"working-time\""),
        Just("when = \"lessons\"\noutside = \"working-time\""),
    ];
    (verdict, target, audience, time).prop_map(|(verdict, target, audience, time)| Rule {
        verdict,
        target,
        audience,
        time,
    })
}

fn small_pack(rules: &[Rule]) -> Pack {
    let mut text = HEAD.to_owned();
    for (at, Rule { verdict, target, audience, time }) in rules.iter().enumerate() {
        let control = format!("[[web]]\n{verdict} = [\"{target}\"]\n{audience}\n{time}\n");
        text.push_str(&format!("1.{at} {{#c{at}}} Clause.\n\n```control\n{control}```\n\n"));
    }
    Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", text)])
}

/// Decides every request of the small world and compares which rules ever hold, speak, and tie.
fn check_meetings(rules: &[Rule]) {
    let pack = small_pack(rules);
    let built = build(&pack, Context::default());
    let truth = brute_force(&built);
    let named = |code: Code| -> BTreeSet<usize> {
        let found = built.diagnostics.iter().filter(|diagnostic| diagnostic.code == code);
        found.filter_map(|diagnostic| clause_of(&pack, diagnostic.span.start)).collect()
    };
    let all: BTreeSet<usize> = (0..rules.len()).collect();
    let dead: BTreeSet<usize> = all.difference(&truth.live).copied().collect();
    assert_eq!(named(Code::UnreachableRule), dead, "{rules:#?}");
    let silent: BTreeSet<usize> = truth.live.difference(&truth.speaking).copied().collect();
    // Only those of them that are contradicted are reported.
    assert!(named(Code::ShadowedRule).is_subset(&silent), "{rules:#?}\n{:?}", named(Code::ShadowedRule));
    let contradicted: BTreeSet<usize> = silent.intersection(&truth.contradicted).copied().collect();
    // Of two clauses that say the opposite of the same to the same people, that is said instead.
    let twins: BTreeSet<usize> = named(Code::DisagreeingRules).intersection(&silent).copied().collect();
    let reported: BTreeSet<usize> = named(Code::ShadowedRule).union(&twins).copied().collect();
    assert_eq!(reported, contradicted, "{rules:#?}");
    let crossing = named(Code::CrossingRules).len() + named(Code::DisagreeingRules).len();
    if truth.ties == 0 {
        assert_eq!(crossing, 0, "{rules:#?}");
    }
}

#[test]
fn two_that_say_the_opposite_are_reported_once() {
    let rule =
        |verdict| Rule { verdict, target: "a.example", audience: "for = \"teachers\"", time: "when = \"lunch\"" };
    check_meetings(&[rule("warn"), rule("allow")]);
}

fn clause_of(pack: &Pack, at: usize) -> Option<usize> {
    let before = pack.get("p.md")?.get(..at)?;
    let id = before.rfind("{#c")?;
    before[id + 3..].split('}').next()?.parse().ok()
}

#[derive(Default)]
struct Truth {
    live: BTreeSet<usize>,
    speaking: BTreeSet<usize>,
    /// Lost at least once to another verdict.
    contradicted: BTreeSet<usize>,
    ties: usize,
}

fn brute_force(built: &Built) -> Truth {
    use schoolgate_decide::WhyNot;
    let mut truth = Truth::default();
    let mut lists = CategoryTable::default();
    for category in ["gambling", "shopping", "social"] {
        lists.insert(format!("{category}.test").parse().unwrap(), category, "list");
    }
    let root = Root { school: SchoolId::new("s").unwrap(), number: 1, format: FORMAT, made_at: Timestamp::UNIX_EPOCH };
    let program = Arc::new(built.compiled.program.clone());
    let snapshot = Snapshot::new(
        root,
        Arc::new(lists),
        Arc::clone(&program),
        Arc::new(People::default()),
        Arc::new(Live::default()),
    );
    let addresses = [
        ("gambling.test", "/"),
        ("shopping.test", "/"),
        ("social.test", "/"),
        ("other.test", "/"),
        ("a.example", "/"),
        ("a.example", "/x"),
        ("b.a.example", "/"),
        ("b.a.example", "/x"),
        ("c.a.example", "/"),
        ("c.a.example", "/x"),
    ];
    for member in members(built) {
        for now in times() {
            for (host, path) in addresses {
                let host = Host::parse(host).unwrap();
                let facts = Facts {
                    host: &host,
                    url: Seen::Seen(path),
                    who: Who::Known(&member),
                    place: None,
                    device_class: None,
                };
                let (outcome, considered) = decide_explained(&snapshot, &facts, now);
                let winner = outcome.decision().verdict;
                for one in &considered {
                    let (rule, verdict) = (one.rule, program.rules[one.rule].verdict);
                    let holds = !matches!(
                        one.lost,
                        Some(WhyNot::OtherAudience | WhyNot::OtherTime | WhyNot::OtherPlace | WhyNot::OtherDevice)
                    );
                    if !holds {
                        continue;
                    }
                    truth.live.insert(rule);
                    if verdict != Some(winner) {
                        truth.contradicted.insert(rule);
                    }
                    match one.lost {
                        None => drop(truth.speaking.insert(rule)),
                        Some(WhyNot::LessStrict) => truth.ties += 1,
                        Some(_) => {}
                    }
                }
            }
        }
    }
    truth
}

fn members(built: &Built) -> Vec<Member> {
    let sets: [&[&str]; 6] =
        [&[], &["teachers"], &["volunteers"], &["teachers", "volunteers"], &["class:6A"], &["class:6B"]];
    let mut members = Vec::new();
    for capacity in Capacity::ALL {
        for set in sets {
            let groups: Vec<Group> = set.iter().map(|name| Group::new(name)).collect();
            let closed = built.compiled.groups_of(capacity, &groups);
            if members.iter().any(|member: &Member| member.groups == closed) {
                continue;
            }
            members.push(Member {
                person: PersonId::new("p").unwrap(),
                capacity,
                groups: closed,
                pseudonym: "p".into(),
                must_sign: Vec::new(),
            });
        }
    }
    members
}

/// Each stretch between the times that the school's periods name, of each kind of day.
fn times() -> Vec<Timestamp> {
    let mut times = Vec::new();
    for day in ["2026-11-24", "2026-11-28", "2026-10-27", "2026-11-27"] {
        for time in ["00:10", "08:40", "09:10", "12:10", "12:40", "13:10", "15:20", "20:00"] {
            let text = format!("{day}T{time}[Europe/London]");
            times.push(text.parse::<jiff::Zoned>().unwrap().timestamp());
        }
    }
    times
}
