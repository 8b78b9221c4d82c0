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
    vec![
        ("manage", home.render().unwrap()),
        ("edit", edit.render().unwrap()),
        ("entries", entries.render().unwrap()),
        ("people", people.render().unwrap()),
    ]
}
