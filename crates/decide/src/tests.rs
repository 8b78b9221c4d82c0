//! The order of a decision, one table per step, and the law that a learned fact never turns a decided verdict round.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use schoolgate_base::{Calendar, Capacity, ControlId, GrantId, Group, Host, HostName, PersonId, PolicyId, SchoolId};
use schoolgate_lists::{Entry, Index, IndexBuilder};

use crate::snapshot::{
    Audience, CategoryMarks, Grant, Help, Live, Member, MustSign, OpenTarget, OwnEntry, People, Program, Root, Target,
    UrgentBlock, WebRule,
};
use crate::{
    CategoryTable, Conditions, Decision, Facts, Inspect, Need, Outcome, Reason, Scope, Seen, Snapshot, Trace, Verdict,
    Who, decide, stricter,
};

const NOW: &str = "2026-11-24T10:10:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

fn rule(clause: &str, verdict: Verdict, target: Target, groups: &[&str]) -> WebRule {
    WebRule {
        control: format!("ict#{clause}/web").parse::<ControlId>().unwrap(),
        verdict: Some(verdict),
        conditions: Conditions::default(),
        scope: Scope {
            audience: Audience { groups: groups.iter().map(|g| Group::new(g)).collect(), ..Audience::default() },
            ..Scope::default()
        },
        target,
        over: Vec::new(),
    }
}

fn category(name: &str) -> Target {
    Target::Category(name.into())
}

fn member(person: &str, groups: &[&str]) -> Member {
    Member {
        person: PersonId::new(person).unwrap(),
        capacity: Capacity::Staff,
        groups: groups.iter().map(|g| Group::new(g)).collect(),
        pseudonym: "p".into(),
        must_sign: Vec::new(),
    }
}

pub(crate) fn program(rules: Vec<WebRule>) -> Program {
    Program {
        groups: [(Group::new("teachers"), Group::new("staff"))].into(),
        classes: [("personal".into(), vec!["shopping".into(), "gambling".into()])].into(),
        marks: CategoryMarks {
            locked: vec!["illegal".into()],
            never_granted: vec!["malware".into()],
            never_inspect: vec!["bank".into()],
        },
        help: Help {
            hosts: vec![host("help.example")],
            categories: vec!["self-harm".into()],
            engines: vec![host("search.example")],
            ..Help::default()
        },
        always_open: vec![OpenTarget { host: host("exams.example"), path: None, why: "examinations".into() }],
        rules,
        defaults: [(Capacity::Staff, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    }
}

fn world(program: Program, live: Live, teacher: Member) -> Snapshot {
    let mut lists = CategoryTable::default();
    for (name, category) in [
        ("bet.example", "gambling"),
        ("shop.example", "shopping"),
        ("bad.example", "malware"),
        ("vile.example", "illegal"),
        ("bank.example", "bank"),
        ("sad.example", "self-harm"),
    ] {
        lists.insert(host(name), category, "test list");
    }
    let root =
        Root { school: SchoolId::new("s").unwrap(), number: 1, format: crate::snapshot::FORMAT, made_at: at(NOW) };
    Snapshot::new(
        root,
        Arc::new(lists),
        program.into(),
        People { members: vec![teacher], ..People::default() }.into(),
        live.into(),
    )
}

fn outcome(snapshot: &Snapshot, name: &str, url: Seen<&str>) -> Outcome {
    let host = Host::Name(host(name));
    let who = Who::Known(snapshot.people.members.first().unwrap());
    decide(snapshot, &Facts { host: &host, url, who, place: None, device_class: None }, at(NOW))
}

#[track_caller]
fn check(snapshot: &Snapshot, name: &str, verdict: Verdict) -> Decision {
    let decision = outcome(snapshot, name, Seen::Seen("/")).into_decision();
    assert_eq!(decision.verdict, verdict, "{name}: {decision:?}");
    decision
}

fn grant(target: Target, from: &str, until: &str) -> Grant {
    Grant {
        id: GrantId::new("g1").unwrap(),
        control: "ict#ask/request".parse().unwrap(),
        lifts: None,
        target,
        audience: Audience { persons: vec![PersonId::new("tess").unwrap()], ..Audience::default() },
        from: at(from),
        until: at(until),
    }
}

fn tess() -> Member {
    member("tess", &["staff", "teachers"])
}

#[test]
fn what_is_stronger_speaks_first() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    let wide = grant(Target::Any, "2026-11-24T08:00:00Z", "2026-11-24T18:00:00Z");
    let urgent = UrgentBlock {
        id: GrantId::new("u1").unwrap(),
        target: Target::Domain(host("shop.example")),
        from: at("2026-11-24T10:00:00Z"),
        until: at("2026-11-25T10:00:00Z"),
    };
    let live = Live { grants: vec![wide], urgent: vec![urgent], ..Live::default() };
    let snapshot = world(program(rules), live, tess());
    check(&snapshot, "vile.example", Verdict::Block);
    check(&snapshot, "www.help.example", Verdict::Allow);
    check(&snapshot, "exams.example", Verdict::Allow);
    check(&snapshot, "shop.example", Verdict::Block);
    check(&snapshot, "sad.example", Verdict::Help);
    assert!(matches!(check(&snapshot, "bet.example", Verdict::Allow).reason, Reason::Grant { .. }));
    // Malware is never granted; the default of staff speaks.
    assert_eq!(check(&snapshot, "bad.example", Verdict::Allow).reason, Reason::Default);
}

#[test]
fn a_search_about_a_topic_of_help_opens_the_help_page() {
    let snapshot = world(program(Vec::new()), Live::default(), tess());
    let searched = |path: &str| outcome(&snapshot, "search.example", Seen::Seen(path)).into_decision();
    let decision = searched("/?q=i+want+to+kill+myself");
    assert_eq!((decision.verdict, decision.trace), (Verdict::Help, Trace::CountOnly));
    assert_eq!(searched("/?q=the+tudors").verdict, Verdict::Allow);
    // A tunnel to a search engine cannot know.
    assert!(matches!(
        outcome(&snapshot, "search.example", Seen::Unseen),
        Outcome::Needs { need: Need::Url, if_unseen } if if_unseen.verdict == Verdict::Allow
    ));
}

#[test]
fn whoever_has_not_signed_meets_the_gate_and_nothing_else() {
    let must_sign = vec![MustSign { policy: PolicyId::new("ict").unwrap(), version: "1".into(), from: at(NOW) }];
    let snapshot = world(program(Vec::new()), Live::default(), Member { must_sign, ..tess() });
    for name in ["news.example", "bet.example", "sad.example"] {
        check(&snapshot, name, Verdict::Gate);
    }
    check(&snapshot, "help.example", Verdict::Allow);
    check(&snapshot, "exams.example", Verdict::Allow);
    let news = Host::Name(host("news.example"));
    let facts = Facts { host: &news, url: Seen::Unseen, who: Who::Nobody, place: None, device_class: None };
    assert_eq!(decide(&snapshot, &facts, at(NOW)).decision().reason, Reason::NotSignedIn);
}

#[test]
fn an_agreement_that_falls_due_later_bounds_the_decision() {
    let due = at("2026-11-25T00:00:00Z");
    let must_sign = vec![MustSign { policy: PolicyId::new("ict").unwrap(), version: "2".into(), from: due }];
    let snapshot = world(program(Vec::new()), Live::default(), Member { must_sign, ..tess() });
    assert_eq!(check(&snapshot, "news.example", Verdict::Allow).valid_until, Some(due));
}

#[test]
fn more_specific_rules_win() {
    let rules = vec![
        rule("all", Verdict::Allow, Target::Any, &["staff"]),
        rule("class", Verdict::Warn, Target::Class("personal".into()), &["staff"]),
        rule("bets", Verdict::Block, category("gambling"), &["staff"]),
        rule("one-bet", Verdict::Allow, Target::Domain(host("good.bet.example")), &["staff"]),
        rule("shop-staff", Verdict::Block, category("shopping"), &["staff"]),
        rule("shop-teachers", Verdict::Warn, category("shopping"), &["teachers"]),
    ];
    let snapshot = world(program(rules), Live::default(), tess());
    check(&snapshot, "news.example", Verdict::Allow);
    check(&snapshot, "bet.example", Verdict::Block);
    check(&snapshot, "good.bet.example", Verdict::Allow);
    // `teachers` is declared within `staff`, so its rule is the narrower one although it is milder.
    check(&snapshot, "shop.example", Verdict::Warn);
}

#[test]
fn between_equals_the_stricter_wins_unless_one_is_stated_to() {
    let mut rules = vec![
        rule("a", Verdict::Warn, category("shopping"), &["staff"]),
        rule("b", Verdict::Block, category("shopping"), &["staff"]),
    ];
    check(&world(program(rules.clone()), Live::default(), tess()), "shop.example", Verdict::Block);
    rules[0].over = vec![rules[1].control.clone()];
    check(&world(program(rules), Live::default(), tess()), "shop.example", Verdict::Warn);
}

#[test]
fn conditions_join_over_all_rules_and_grants_do_not_lift_them() {
    let mut slow = rule("slow", Verdict::Warn, Target::Class("personal".into()), &["staff"]);
    slow.conditions = Conditions { rate_kbit: Some(500), inspect: Inspect::Wanted, ..Conditions::default() };
    let mut slower = rule("slower", Verdict::Block, category("gambling"), &["staff"]);
    slower.conditions = Conditions { rate_kbit: Some(200), safe_search: true, ..Conditions::default() };
    let open = grant(category("gambling"), "2026-11-24T08:00:00Z", "2026-11-24T18:00:00Z");
    for live in [Live::default(), Live { grants: vec![open], ..Live::default() }] {
        let snapshot = world(program(vec![slow.clone(), slower.clone()]), live, tess());
        let conditions = outcome(&snapshot, "bet.example", Seen::Seen("/")).into_decision().conditions;
        assert_eq!(conditions.rate_kbit, Some(200));
        assert!(conditions.safe_search);
        assert_eq!(conditions.inspect, Inspect::Wanted);
    }
}

#[test]
fn conditions_join_whatever_speaks() {
    let mut quiet = rule("quiet", Verdict::Allow, Target::Any, &[]);
    quiet.conditions =
        Conditions { safe_search: true, host_only_log: true, inspect: Inspect::Wanted, ..Conditions::default() };
    let block = UrgentBlock {
        id: GrantId::new("u1").unwrap(),
        target: Target::Domain(host("shop.example")),
        from: at("2026-11-24T08:00:00Z"),
        until: at("2026-11-25T08:00:00Z"),
    };
    let must_sign = vec![MustSign { policy: PolicyId::new("ict").unwrap(), version: "1".into(), from: at(NOW) }];
    let signed = world(program(vec![quiet.clone()]), Live { urgent: vec![block], ..Live::default() }, tess());
    let unsigned = world(program(vec![quiet]), Live::default(), Member { must_sign, ..tess() });
    for (snapshot, name, verdict) in [
        (&signed, "exams.example", Verdict::Allow),
        (&signed, "shop.example", Verdict::Block),
        (&unsigned, "news.example", Verdict::Gate),
    ] {
        let decision = outcome(snapshot, name, Seen::Seen("/a")).into_decision();
        assert_eq!((decision.verdict, decision.trace), (verdict, Trace::HostOnly), "{name}");
        assert!(decision.conditions.safe_search && decision.conditions.host_only_log, "{name}");
    }
    let open = outcome(&signed, "exams.example", Seen::Unseen).into_decision();
    assert_eq!(open.conditions.inspect, Inspect::Unset, "updates that trust their own roots stay open");
}

#[test]
fn never_inspect_wins() {
    let mut look = rule("look", Verdict::Allow, Target::Any, &[]);
    look.conditions.inspect = Inspect::Wanted;
    let snapshot = world(program(vec![look]), Live::default(), tess());
    assert_eq!(check(&snapshot, "bank.example", Verdict::Allow).conditions.inspect, Inspect::Never);
    assert_eq!(check(&snapshot, "news.example", Verdict::Allow).conditions.inspect, Inspect::Wanted);
}

#[test]
fn a_grant_begins_and_ends_by_itself() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    let cases = [
        ("2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z", Verdict::Allow, Some("2026-11-24T12:00:00Z")),
        ("2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z", Verdict::Block, Some("2026-11-24T11:00:00Z")),
        ("2026-11-24T08:00:00Z", NOW, Verdict::Block, None),
    ];
    for (from, until, verdict, valid_until) in cases {
        let live = Live { grants: vec![grant(category("gambling"), from, until)], ..Live::default() };
        let decision = check(&world(program(rules.clone()), live, tess()), "bet.example", verdict);
        assert_eq!(decision.valid_until, valid_until.map(at), "{from}");
    }
}

#[test]
fn a_grant_that_names_a_rule_lifts_no_other() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    for (lifts, verdict) in [("ict#bets/web", Verdict::Allow), ("ict#shops/web", Verdict::Block)] {
        let mut open = grant(category("gambling"), "2026-11-24T08:00:00Z", "2026-11-24T12:00:00Z");
        open.lifts = Some(lifts.parse().unwrap());
        check(
            &world(program(rules.clone()), Live { grants: vec![open], ..Live::default() }, tess()),
            "bet.example",
            verdict,
        );
    }
}

#[test]
fn the_schools_own_word_adds_and_takes_away_but_never_unlocks() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    let entry =
        |name: &str, category: &str, is_in| OwnEntry { host: host(name), path: None, category: category.into(), is_in };
    let own_entries = vec![
        entry("new-bets.example", "gambling", true),
        entry("bet.example", "gambling", false),
        entry("vile.example", "illegal", false),
    ];
    let snapshot = world(program(rules), Live { own_entries, ..Live::default() }, tess());
    check(&snapshot, "new-bets.example", Verdict::Block);
    check(&snapshot, "bet.example", Verdict::Allow);
    check(&snapshot, "vile.example", Verdict::Block);
}

#[test]
fn what_lists_call_a_category_counts_as_the_schools() {
    let mut program = program(vec![rule("bets", Verdict::Block, category("games-of-chance"), &["staff"])]);
    program.list_categories = [("gambling".into(), "games-of-chance".into())].into();
    let snapshot = world(program, Live::default(), tess());
    let decision = outcome(&snapshot, "bet.example", Seen::Seen("/")).into_decision();
    assert_eq!(decision.verdict, Verdict::Block);
    assert!(matches!(decision.reason, Reason::Rule { category: Some(named), .. } if &*named == "games-of-chance"));
}

#[test]
fn the_most_specific_of_the_schools_own_words_decides() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    let entry = |name: &str, path: Option<&str>, is_in| OwnEntry {
        host: host(name),
        path: path.map(Into::into),
        category: "gambling".into(),
        is_in,
    };
    let mut own_entries = vec![
        entry("bet.example", None, true),
        entry("news.bet.example", None, false),
        entry("bet.example", Some("/about/"), false),
        entry("bet.example", Some("/about/odds"), true),
        entry("new.example", None, true),
        entry("new.example", None, false),
    ];
    for _ in 0..own_entries.len() {
        own_entries.rotate_left(1);
        let live = Live { own_entries: own_entries.clone(), ..Live::default() };
        let snapshot = world(program(rules.clone()), live, tess());
        for (name, path, verdict) in [
            ("bet.example", "/", Verdict::Block),
            ("news.bet.example", "/", Verdict::Allow),
            ("bet.example", "/about", Verdict::Allow),
            ("bet.example", "/about/odds/1", Verdict::Block),
            ("news.bet.example", "/about/odds", Verdict::Block),
            ("new.example", "/", Verdict::Block),
        ] {
            let decision = outcome(&snapshot, name, Seen::Seen(path)).into_decision();
            assert_eq!(decision.verdict, verdict, "{name}{path}");
        }
    }
}

#[test]
fn a_tunnel_is_told_when_the_address_could_matter() {
    let part = Target::Url { host: host("wiki.example"), path: "/bets".into() };
    let snapshot = world(program(vec![rule("part", Verdict::Block, part, &["staff"])]), Live::default(), tess());
    let Outcome::Needs { need, if_unseen } = outcome(&snapshot, "wiki.example", Seen::Unseen) else {
        panic!("the address matters here");
    };
    assert_eq!((need, if_unseen.verdict), (Need::Url, Verdict::Allow));
    assert_eq!(outcome(&snapshot, "wiki.example", Seen::Seen("/bets/1")).decision().verdict, Verdict::Block);
    assert_eq!(outcome(&snapshot, "wiki.example", Seen::Seen("/betsy")).decision().verdict, Verdict::Allow);
    assert!(matches!(outcome(&snapshot, "news.example", Seen::Unseen), Outcome::Decided(_)));
}

/// Some lists name single pages of nearly every large site.
#[test]
fn what_is_always_open_is_looked_into_only_for_a_locked_address() {
    let mut lists = IndexBuilder::new();
    let list = lists.list("test list").unwrap();
    for (url, category) in [("exams.example/bets", "gambling"), ("files.example/vile", "illegal")] {
        let category = lists.category(category).unwrap();
        lists.add(Entry::parse(url).unwrap(), category, list).unwrap();
    }
    let lists = Arc::new(Index::open(Arc::new(lists.build().unwrap())).unwrap());
    let entry = |name: &str, category: &str| OwnEntry {
        host: host(name),
        path: Some("/x".into()),
        category: category.into(),
        is_in: true,
    };
    let own_entries = vec![entry("exams.example", "gambling"), entry("own.example", "illegal")];
    let mut program = program(Vec::new());
    for name in ["files.example", "own.example"] {
        program.always_open.push(OpenTarget { host: host(name), path: None, why: "work".into() });
    }
    let before = world(program, Live { own_entries, ..Live::default() }, tess());
    let Snapshot { root, program, people, live, .. } = before;
    let snapshot = Snapshot::new(root, lists, program, people, live);
    assert!(matches!(outcome(&snapshot, "exams.example", Seen::Unseen), Outcome::Decided(_)));
    for name in ["files.example", "own.example"] {
        assert!(matches!(outcome(&snapshot, name, Seen::Unseen), Outcome::Needs { need: Need::Url, .. }), "{name}");
    }
    let vile = outcome(&snapshot, "files.example", Seen::Seen("/vile")).into_decision();
    assert_eq!(vile.verdict, Verdict::Block);
}

#[test]
fn two_rules_that_say_the_same_are_lifted_one_by_one() {
    let rules = ["bets", "odds"].map(|name| rule(name, Verdict::Block, category("gambling"), &["staff"]));
    let lifting = |control: &str, until: &str| {
        let open = grant(category("gambling"), "2026-11-24T08:00:00Z", until);
        Grant { lifts: Some(control.parse().unwrap()), ..open }
    };
    let (short, long) = ("2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z");
    for one in ["ict#bets/web", "ict#odds/web"] {
        let live = Live { grants: vec![lifting(one, long)], ..Live::default() };
        check(&world(program(rules.to_vec()), live, tess()), "bet.example", Verdict::Block);
    }
    let live = Live { grants: vec![lifting("ict#bets/web", long), lifting("ict#odds/web", short)], ..Live::default() };
    let open = check(&world(program(rules.to_vec()), live, tess()), "bet.example", Verdict::Allow);
    assert_eq!(open.valid_until, Some(at(short)), "it closes when the first of the two ends");
}

#[test]
fn words_that_are_typed_or_cried_out_are_never_written_down() {
    let block = UrgentBlock {
        id: GrantId::new("u1").unwrap(),
        target: Target::Domain(host("search.example")),
        from: at("2026-11-24T08:00:00Z"),
        until: at("2026-11-25T08:00:00Z"),
    };
    let live = Live { urgent: vec![block], ..Live::default() };
    for (live, name, path) in [
        (Live::default(), "search.example", "/complete/search?q=how+to+kill+mysel"),
        (Live::default(), "suggestqueries.example", "/complete/search?q=how+to+kill+myself"),
        (live, "search.example", "/complete/search?q=the+tud"),
    ] {
        let snapshot = world(program(Vec::new()), live, tess());
        assert_eq!(outcome(&snapshot, name, Seen::Seen(path)).into_decision().trace, Trace::HostOnly, "{name}{path}");
    }
}

#[test]
fn help_comes_before_an_urgent_block_and_nobody_is_named_at_the_gate() {
    let block = |name: &str| UrgentBlock {
        id: GrantId::new("u1").unwrap(),
        target: Target::Domain(host(name)),
        from: at("2026-11-24T08:00:00Z"),
        until: at("2026-11-25T08:00:00Z"),
    };
    let live = Live { urgent: vec![block("sad.example"), block("search.example")], ..Live::default() };
    let must_sign = vec![MustSign { policy: PolicyId::new("ict").unwrap(), version: "1".into(), from: at(NOW) }];
    let blocked = world(program(Vec::new()), live, tess());
    let gated = world(program(Vec::new()), Live::default(), Member { must_sign, ..tess() });
    for (name, path) in [("sad.example", "/deep"), ("search.example", "/?q=how+to+kill+myself")] {
        let decision = outcome(&blocked, name, Seen::Seen(path)).into_decision();
        assert_eq!((decision.verdict, decision.trace), (Verdict::Help, Trace::CountOnly), "{name}");
        assert_eq!(decision.valid_until, Some(at("2026-11-25T08:00:00Z")));
        let decision = outcome(&gated, name, Seen::Seen(path)).into_decision();
        assert_eq!((decision.verdict, decision.trace), (Verdict::Gate, Trace::CountOnly), "{name}");
        let seen = Host::Name(host(name));
        let facts = Facts { host: &seen, url: Seen::Seen(path), who: Who::Unseen, place: None, device_class: None };
        assert_eq!(decide(&gated, &facts, at(NOW)).decision().trace, Trace::CountOnly, "{name}");
    }
    // A tunnel to the engine cannot know which of both it will be.
    assert!(matches!(outcome(&blocked, "search.example", Seen::Unseen), Outcome::Needs { need: Need::Url, .. }));
    assert_eq!(outcome(&blocked, "search.example", Seen::Seen("/?q=owls")).decision().verdict, Verdict::Block);
    assert_eq!(outcome(&gated, "news.example", Seen::Seen("/")).decision().trace, Trace::HostOnly);
}

#[test]
fn an_address_is_judged_alike_in_every_spelling() {
    let live = |path: &str| Target::Url { host: host("wiki.example"), path: path.into() };
    let mut program = program(vec![rule("live", Verdict::Block, live("/live"), &[])]);
    program.always_open.push(OpenTarget {
        host: host("wiki.example"),
        path: Some("/exam".into()),
        why: "exams".into(),
    });
    program.rules.push(rule("games", Verdict::Block, live("/games/../g%61mes"), &[]));
    let urgent = UrgentBlock {
        id: GrantId::new("u").unwrap(),
        target: live("/now"),
        from: at("2026-11-24T10:00:00Z"),
        until: at("2026-11-24T11:00:00Z"),
    };
    let own =
        OwnEntry { host: host("wiki.example"), path: Some("/bets".into()), category: "gambling".into(), is_in: true };
    program.rules.push(rule("bets", Verdict::Block, category("gambling"), &[]));
    let live = Live { urgent: vec![urgent], own_entries: vec![own], ..Live::default() };
    let snapshot = world(program, live, tess());
    let verdict = |path: &str| outcome(&snapshot, "wiki.example", Seen::Seen(path)).into_decision().verdict;
    for blocked in
        ["/live", "/%6Cive", "/./live", "//live", "/x/../live?y", "/%6eow", "/bets//", "/.//bets", "/exam/../games"]
    {
        assert_eq!(verdict(blocked), Verdict::Block, "{blocked}");
    }
    for open in ["/exam/../lives", "/exam/live"] {
        assert_eq!(verdict(open), Verdict::Allow, "{open}");
    }
}

#[test]
fn what_is_closed_is_not_opened_by_another_spelling() {
    let url = |path: &str| Target::Url { host: host("s.example"), path: path.into() };
    for (closed, spellings) in [
        ("/games/", ["/games", "/games;x", "/GAMES/1", "/games%2Fplay", "/%2Fgames", "/games%3Bx", "/x%5C..%5Cgames"]),
        (
            "/watch?v=abc",
            [
                "/watch?v=abc&t=1",
                "/watch/?v=abc",
                "/Watch?v=abc",
                "/%2Fwatch?v=abc;t",
                "/watch?v=%61bc&",
                "/watch?t=1&v=abc",
                "/watch?v=abc#t",
            ],
        ),
    ] {
        let block = UrgentBlock {
            id: GrantId::new("u1").unwrap(),
            target: url(closed),
            from: at(NOW),
            until: at("2026-11-25T10:00:00Z"),
        };
        let live = Live { urgent: vec![block], ..Live::default() };
        let own =
            OwnEntry { host: host("s.example"), path: Some(closed.into()), category: "gambling".into(), is_in: true };
        let own = Live { own_entries: vec![own], ..Live::default() };
        let by_rule = program(vec![rule("url", Verdict::Block, url(closed), &[])]);
        let by_category = program(vec![rule("bets", Verdict::Block, category("gambling"), &[])]);
        for snapshot in [
            world(program(Vec::new()), live, tess()),
            world(by_rule, Live::default(), tess()),
            world(by_category, own, tess()),
        ] {
            for spelling in spellings {
                let verdict = outcome(&snapshot, "s.example", Seen::Seen(spelling)).into_decision().verdict;
                assert_eq!(verdict, Verdict::Block, "{spelling} of {closed}");
            }
        }
    }
}

#[test]
fn what_is_opened_is_open_in_both_readings_of_an_address() {
    let mut program = program(vec![rule("all", Verdict::Block, Target::Any, &[])]);
    let open = |path: &str| OpenTarget { host: host("s.example"), path: Some(path.into()), why: "exams".into() };
    program.always_open.push(open("/exam"));
    let snapshot = world(program, Live::default(), tess());
    let verdict = |path: &str| outcome(&snapshot, "s.example", Seen::Seen(path)).into_decision().verdict;
    for path in ["/exam", "/exam/a%2Fb"] {
        assert_eq!(verdict(path), Verdict::Allow, "{path}");
    }
    for path in ["/exam%2Fa", "/exam/..%2Fgames", "/%2Fexam"] {
        assert_eq!(verdict(path), Verdict::Block, "{path}");
    }
}

#[test]
fn two_people_on_one_address_get_the_stricter() {
    let rules = vec![rule("bets", Verdict::Block, category("gambling"), &["staff"])];
    let snapshot = world(program(rules), Live::default(), tess());
    let blocked = outcome(&snapshot, "bet.example", Seen::Seen("/")).into_decision();
    let allowed = outcome(&snapshot, "news.example", Seen::Seen("/")).into_decision();
    assert_eq!(stricter(allowed.clone(), blocked.clone()).verdict, Verdict::Block);
    assert_eq!(stricter(blocked.clone(), allowed.clone()).verdict, Verdict::Block);
    let host_only = Conditions { host_only_log: true, ..Conditions::default() };
    let held_back = stricter(blocked, Decision { conditions: host_only, ..allowed });
    assert_eq!((held_back.verdict, held_back.trace), (Verdict::Block, Trace::HostOnly));
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::Any),
        Just(category("gambling")),
        Just(Target::Class("personal".into())),
        Just(Target::Domain(host("bet.example"))),
        Just(Target::Host(Host::Name(host("a.bet.example")))),
        Just(Target::Url { host: host("bet.example"), path: "/a".into() }),
        Just(Target::Url { host: host("a.bet.example"), path: "/a/b".into() }),
    ]
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Allow), Just(Verdict::Warn), Just(Verdict::Block)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Design §3: learning a fact never turns a decided verdict round.
    #[test]
    fn learning_the_address_never_turns_a_decided_verdict(
        rules in prop::collection::vec((any_verdict(), any_target(), any::<bool>()), 0..6),
        granted in prop::option::of(any_target()),
        urgent in prop::option::of(any_target()),
        name in prop_oneof![Just("bet.example"), Just("a.bet.example"), Just("news.example"), Just("exams.example")],
        path in prop_oneof![Just("/"), Just("/a"), Just("/a/b?q=1"), Just("/ab")],
    ) {
        let rules = rules.into_iter().enumerate().map(|(number, (verdict, target, narrow))| {
            rule(&format!("c{number}"), verdict, target, if narrow { &["teachers"] } else { &["staff"] })
        });
        let grants = granted.map(|target| grant(target, "2026-11-24T08:00:00Z", "2026-11-24T18:00:00Z"));
        let urgent = urgent.map(|target| UrgentBlock {
            id: GrantId::new("u").unwrap(), target, from: at(NOW), until: at("2026-11-25T10:00:00Z"),
        });
        let live = Live {
            grants: grants.into_iter().collect(), urgent: urgent.into_iter().collect(), ..Live::default()
        };
        let snapshot = world(program(rules.collect()), live, tess());
        if let Outcome::Decided(before) = outcome(&snapshot, name, Seen::Unseen) {
            let after = outcome(&snapshot, name, Seen::Seen(path)).into_decision();
            prop_assert_eq!(before.verdict, after.verdict);
            prop_assert_eq!(before.reason, after.reason);
        }
    }
}
