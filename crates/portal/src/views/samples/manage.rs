//! Looking after the rules.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let home = ManagePage {
        frame: frame("Look after the rules"),
        in_force: "Rules in force since today at 10:42.".into(),
        documents: vec![DocumentRow {
            policy: "staff-ict".into(),
            file: "staff-ict.md".into(),
            title: "Staff acceptable use of ICT".into(),
            version: "2.9".into(),
            clauses: vec![ClauseRow {
                anchor: "gambling".into(),
                number: "5.3".into(),
                start: "Gambling has no place on the school's…".into(),
            }],
        }],
    };
    let edit = EditPage {
        frame: frame("Rule 5.3").mistaken(true),
        title: "Rule 5.3 of Staff acceptable use of ICT".into(),
        action: "/manage/staff-ict/gambling".into(),
        name: "staff-ict.md".into(),
        base: "ab12".into(),
        is_refused: true,
        verdict: "The checker found a fault. The rules in force since 10:42 stay as they are.".into(),
        findings: vec![Finding {
            severity: "Fault",
            class: "error",
            code: "unknown-category".into(),
            what: "There is no category “gamblin”".into(),
            place: "staff-ict.md, line 31".into(),
            why: "no list and no class in school.toml has this name".into(),
            source: "31 | block = [\"gamblin\"]\n   |           ^^^^^^^^^".into(),
            instead: "Write “gambling” instead.".into(),
        }],
        inputs: vec![
            Input::new("text", "What people read", InputKind::Text(3))
                .value("Gambling has no place on the school's connection."),
            Input::new("controls", "What the system does", InputKind::Source(6))
                .value("[[web]]\nblock = [\"gamblin\"]\nfor = \"everyone\"\n"),
        ],
    };
    let entries = EntriesPage {
        frame: frame("The school's own list of sites"),
        mistakes: Vec::new(),
        rows: vec![EntryRow {
            id: "e1".into(),
            site: "puzzle.example".into(),
            is: "not games".into(),
            why: "Maths puzzles".into(),
            added: "today, by Ivy Tech".into(),
        }],
        inputs: vec![
            Input::new("site", "Which site?", InputKind::Line),
            Input::new("category", "Category", InputKind::Select(vec![Choice::new("games", "games")])),
            Input::new(
                "is_in",
                "The site",
                InputKind::Radios(vec![
                    Choice::new("yes", "is of this category"),
                    Choice::new("no", "is not of this category"),
                ]),
            ),
        ],
    };
    let people = PeoplePage {
        frame: frame("People"),
        mistakes: Vec::new(),
        summary: "34 people.".into(),
        inputs: Vec::new(),
        plan: Some(PeoplePlan {
            counts: vec![Pair::new("New", "2"), Pair::new("Changed", "1"), Pair::new("Would leave", "9 of 34")],
            lines: vec!["Pia Pupil would leave".into()],
            brake: Some("More than a tenth of the school would leave. Is this file complete?".into()),
            questions: vec![Input::new("sure", "Yes, 9 people have left the school", InputKind::Tick)],
            leaving: "9".into(),
            csv: "id,name\n".into(),
        }),
    };
    let gateway = GatewayPage {
        frame: frame("The gateway"),
        has_gateway: true,
        processes: vec![ProcessRow {
            role: "signer".into(),
            about: "Holds the key of the school's certificates",
            tag: "Runs",
            style: "govuk-tag--green",
            state: "since today at 10:42".into(),
            before: "2 restarts; the last time it ended with “signal: 9 (SIGKILL)”".into(),
        }],
        gateways: vec![GatewayCard {
            known: vec![("The device proved it on the connection", "75 %".into())],
            crowded: "2 % came from addresses with several people behind them.".into(),
            leaves: "12 certificates".into(),
            roots: "140 authorities of Mozilla's programme and one of this machine or of the school's own choice"
                .into(),
            withdrawn: "3 lists of withdrawn certificates, read today at 10:42".into(),
            withdrawn_problem: "`a.crl` is signed by nobody we know".into(),
            left_out: vec![("CN=Sold With Its Key".into(), "its key is in strangers' hands".into())],
        }],
        left_alone: vec![LeftAloneRow {
            host: "exams.example".into(),
            why: "It asks its visitors for a certificate of their own",
            since: "yesterday".into(),
            until: "22 December".into(),
        }],
    };
    vec![
        ("gateway", gateway.render().unwrap()),
        ("manage", home.render().unwrap()),
        ("edit", edit.render().unwrap()),
        ("entries", entries.render().unwrap()),
        ("people", people.render().unwrap()),
    ]
}
