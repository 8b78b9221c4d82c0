//! One filled-in page of each kind, held to the rules that every page keeps.
//!
//! With `SCHOOLGATE_PREVIEW=DIR` in the environment the pages are also written to DIR, to be looked at in a browser.

use askama::Template;

use super::agreement::{
    AgreementPage, AgreementRow, AgreementsPage, ChangeShown, ClauseShown, PartShown, QuestionPage, SignedPage,
};
use super::certificate::CertificatePage;
use super::frame::{Frame, PersonShown, SectionShown};
use super::help::{HelpPage, HelpPerson, OUTSIDE};
use super::home::{HomePage, OpenedRow, RefusedRow, Task};
use super::input::{Choice, Input, InputKind, Mistake};
use super::manage::{
    ClauseRow, DocumentRow, EditPage, EntriesPage, EntryRow, Finding, ManagePage, PeoplePage, PeoplePlan,
};
use super::message::MessagePage;
use super::policy::{
    ClausePage, ControlShown, EvidencePage, Known, LookUpForm, Overview, OverviewRow, PoliciesPage, PolicyClause,
    PolicyPage, PolicyPart, PolicyRow,
};
use super::refusal::{AccidentPage, AskForm, BlockedPage, ClauseQuoted, StalePage, UnreachablePage, WarnPage};
use super::report::{CaseAct, CasePage, PreviewPage, ReceiptPage, ReportFormPage, ReportKind, ReportsPage};
use super::request::{
    CaseRow, DecideForm, GrantRow, GrantsPage, QueuePage, QueueRow, RequestFormPage, RequestPage, RequestsPage,
    UrgentRow, UrgentShown,
};
use super::session::{BePage, BeRow, SessionRow, SessionsPage, SignInPage};
use super::{Happened, Link, Pair};
use crate::chart::{self, Bar};

fn frame(title: &str) -> Frame {
    let section = |href, label| SectionShown { href, label, is_current: href == "/requests" };
    Frame {
        school: "Riverside Primary".into(),
        title: title.into(),
        person: Some(PersonShown { name: "Tess Teacher".into(), capacity: "staff".into() }),
        token: "t0ken".into(),
        sections: vec![
            section("/", "Start"),
            section("/requests", "Ask"),
            section("/reports", "Report a concern"),
            section("/policies", "The rules"),
            section("/decisions", "Decide"),
        ],
        is_demo: true,
        notice: None,
        has_mistakes: false,
    }
}

fn clause() -> ClauseQuoted {
    ClauseQuoted {
        number: "5.3".into(),
        text: "Gambling has no place on the school's connection, for anybody, at any time.".into(),
        policy: "Staff acceptable use of ICT".into(),
        href: "/policies/staff-ict/gambling".into(),
    }
}

fn asking(mistakes: &[Mistake]) -> Vec<Input> {
    vec![
        Input::new("site", "Which site?", InputKind::Line).value("bet.example"),
        Input::new("class", "For which class?", InputKind::Select(vec![Choice::new("class:6B", "6B")]))
            .value("class:6B"),
        Input::new("until", "Until when?", InputKind::Short)
            .hint("The last day it is needed, for example 27/11/2026")
            .value("27/11/2026"),
        Input::new("why", "What do you need it for?", InputKind::Text(3))
            .hint("A sentence is enough")
            .mistaken(mistakes),
    ]
}

fn answers() -> Vec<Pair> {
    vec![
        Pair::new("Which site?", "bet.example"),
        Pair::new("For which class?", "6B"),
        Pair::new("Until when?", "Friday 27 November 2026"),
        Pair::new("What do you need it for?", "Odds and probability, Tuesday's maths lesson"),
    ]
}

fn trail() -> Vec<Happened> {
    vec![Happened { when: "today at 10:14".into(), words: "Tess Teacher asked".into() }]
}

fn session_pages() -> Vec<(&'static str, String)> {
    let sign_in = SignInPage {
        frame: frame("Sign in").mistaken(true),
        mistakes: vec![Mistake::new("password", "The name or the password is not right")],
        why: Some("Sign in to go on to news.example.".into()),
        next: "/agree".into(),
        inputs: vec![
            Input::new("name", "Your name for signing in", InputKind::Short).hint("For example tess.teacher"),
            Input::new("password", "Password", InputKind::Password)
                .mistaken(&[Mistake::new("password", "The name or the password is not right")]),
        ],
        ask_whom: "Ivy Tech (technician)".into(),
    };
    let sessions = SessionsPage {
        frame: frame("Where you are signed in"),
        rows: vec![SessionRow {
            id: "s1".into(),
            browser: "Chrome on Linux".into(),
            since: "today at 09:02".into(),
            address: "127.0.0.1".into(),
            claims_address: true,
            is_this: true,
        }],
    };
    let be = BePage {
        frame: frame("Be somebody"),
        mistakes: Vec::new(),
        people: ["Tess Teacher", "Ivy Tech", "Helen Head", "Dora Lead", "Gina Governor"]
            .map(|name| BeRow {
                id: name.to_lowercase().replace(' ', "."),
                name: name.into(),
                about: "A teacher of class 6B, who has not agreed to the rules yet".into(),
            })
            .into(),
        next: "/".into(),
        now: "Tuesday 24 November 2026, 10:10".into(),
        clock: Input::new("clock", "Day and time", InputKind::Short).value("2026-11-24 10:10"),
    };
    vec![("sign-in", sign_in.render().unwrap()), ("sessions", sessions.render().unwrap()), ("be", be.render().unwrap())]
}

fn first_pages() -> Vec<(&'static str, String)> {
    let home = HomePage {
        frame: Frame {
            notice: Some("bet.example is open for 6B until Friday 27 November 2026".into()),
            ..frame("Start")
        },
        refused: Some(vec![RefusedRow {
            when: "10:12".into(),
            host: "bet.example".into(),
            why: "Gambling, rule 5.3.".into(),
            href: "/blocked?t=x".into(),
            link: "See why, or ask for it",
        }]),
        waiting: vec![
            Task {
                href: "/agree".into(),
                name: "Staff acceptable use of ICT".into(),
                hint: "Read it and agree; three rules changed for you".into(),
                status: "By 1 December".into(),
            },
            Task {
                href: "/decisions".into(),
                name: "bet.example for 6B".into(),
                hint: "Tess Teacher asked".into(),
                status: "Due in 4 minutes".into(),
            },
        ],
        opened: vec![OpenedRow { site: "games.example".into(), words: "open for 6B until Friday".into() }],
        links: vec![Link::new("/requests/new/open-site", "Ask for a site"), Link::new("/reports", "Report a concern")],
        in_force: "Rules in force since 10:42.".into(),
    };
    let help = HelpPage {
        frame: frame("You can talk to someone").nameless(),
        leave_to: "https://www.bbc.co.uk/weather".into(),
        outside: OUTSIDE,
        inside: vec![HelpPerson { name: "Dora Lead".into(), office: "safeguarding lead".into() }],
    };
    let certificate = CertificatePage {
        frame: frame("Set up a device"),
        fingerprint: "3F:9A:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
            .into(),
        pac: "http://127.0.0.1:8080/proxy.pac".into(),
        state: "You reached this page through the school's proxy. That part works.".into(),
    };
    let message = MessagePage {
        frame: frame("Not saved"),
        heading: "This could not be saved".into(),
        text: "Our records cannot be written at the moment, so nothing was changed and nothing is lost. Browsing goes on under the rules in force.".into(),
        reference: "8f3a21".into(),
    };
    vec![
        ("home", home.render().unwrap()),
        ("help", help.render().unwrap()),
        ("certificate", certificate.render().unwrap()),
        ("message", message.render().unwrap()),
    ]
}

fn agreement_pages() -> Vec<(&'static str, String)> {
    let clause = |number: &str, text: &str| ClauseShown {
        anchor: format!("c{number}"),
        number: number.into(),
        html: format!("<p>{text}</p>"),
    };
    let agreement = AgreementPage {
        frame: frame("Staff acceptable use of ICT"),
        title: "Staff acceptable use of ICT".into(),
        policy: "staff-ict".into(),
        version: "2.9".into(),
        signed_version: "2.8".into(),
        minutes: "6 minutes".into(),
        wanted: "news.example".into(),
        changed: vec![ChangeShown {
            what: "Changed",
            number: "5.1".into(),
            html: "<p>Use the school's connection for yourself only outside your working time.</p>".into(),
            before: "<p>Do not use it for yourself.</p>".into(),
        }],
        unchanged_words: "The other 24 rules are as you agreed to them.".into(),
        parts: vec![PartShown {
            heading: "5 Personal and private use".into(),
            intro: String::new(),
            clauses: vec![
                clause("5.1", "Use the school's connection for yourself only outside your working time."),
                clause("5.2", "Buying and selling, for yourself or for others, waits until you are at home."),
                clause("5.3", "Gambling has no place on the school's connection, for anybody, at any time."),
            ],
        }],
        text_hash: "ab12".into(),
        onward: "sealed".into(),
    };
    let question = QuestionPage {
        frame: frame("A question"),
        whom: "one of these people".into(),
        people: vec!["Helen Head, headteacher".into()],
    };
    let signed = SignedPage {
        frame: frame("Thank you"),
        heading: "Thank you".into(),
        what: "You agreed to “Staff acceptable use of ICT”, version 2.9, today at 10:12".into(),
        onward: "https://news.example/".into(),
        onward_host: "news.example".into(),
    };
    let list = AgreementsPage {
        frame: frame("What you have agreed to"),
        rows: vec![AgreementRow {
            href: "/policies/staff-ict".into(),
            title: "Staff acceptable use of ICT".into(),
            version: "2.9".into(),
            when: "24 November 2026 at 10:12".into(),
            hash: "ab12cd34ef56".into(),
        }],
    };
    vec![
        ("agreement", agreement.render().unwrap()),
        ("question", question.render().unwrap()),
        ("signed", signed.render().unwrap().replace("http-equiv=\"refresh\"", "name=\"preview\"")),
        ("agreements", list.render().unwrap()),
    ]
}

fn refusal_pages() -> Vec<(&'static str, String)> {
    let mistakes = vec![Mistake::new("why", "Answer “What do you need it for?”")];
    let blocked = |mistakes: Vec<Mistake>| {
        BlockedPage {
        frame: frame("bet.example is not open to you here").mistaken(!mistakes.is_empty()),
        heading: "bet.example is not open to you here".into(),
        because: String::new(),
        clause: Some(clause()),
        site: "bet.example".into(),
        category: "gambling".into(),
        list: "ut1 of 20 November 2026".into(),
        until: "15:15, when lessons end".into(),
        who_helps: "Ivy Tech (technician) or Olive Online (online safety lead)".into(),
        sealed: "x".into(),
        ask: Some(AskForm { action: "/requests/new/open-site".into(), inputs: asking(&mistakes), promise: "You have an answer within 5 minutes in lessons. It opens only for the class you name, and closes by itself.".into() }),
        why_no_ask: String::new(),
        mistakes,
    }
    };
    let warn = WarnPage {
        frame: frame("Do you need shop.example now?"),
        site: "shop.example".into(),
        clause: Some(clause()),
        category: "shopping".into(),
        minutes: 15,
        sealed: "x".into(),
    };
    let accident = AccidentPage { frame: frame("Thank you for saying so") };
    let unreachable = UnreachablePage {
        frame: frame("badcert.example could not be opened"),
        site: "badcert.example".into(),
        words: "It could not prove that it is badcert.example: its certificate ran out on 1 May 2026.".into(),
        again: "https://badcert.example/".into(),
        who_helps: "Ivy Tech (technician)".into(),
    };
    let stale = StalePage { frame: frame("This page has gone out of date") };
    vec![
        ("blocked", blocked(Vec::new()).render().unwrap()),
        ("blocked-mistake", blocked(mistakes).render().unwrap()),
        ("warn", warn.render().unwrap()),
        ("accident", accident.render().unwrap()),
        ("unreachable", unreachable.render().unwrap()),
        ("stale", stale.render().unwrap()),
    ]
}

fn request_pages() -> Vec<(&'static str, String)> {
    let form = RequestFormPage {
        frame: frame("Ask for a site"),
        mistakes: Vec::new(),
        title: "Ask for a site".into(),
        clause_text: "If a site you need for a lesson is blocked, ask; it can be opened for the time you need it."
            .into(),
        clause_number: "6.1".into(),
        action: "/requests/new/open-site".into(),
        sealed: String::new(),
        inputs: asking(&[]),
        button: "Ask for this site".into(),
        promise: "You have an answer within 5 minutes in lessons.".into(),
    };
    let row = CaseRow {
        id: "c1".into(),
        what: "bet.example for 6B until Friday".into(),
        when: "today at 10:14".into(),
        state: "Waiting for an answer, due 10:19".into(),
    };
    let list = RequestsPage {
        frame: frame("What you have asked for"),
        new: vec![Link::new("/requests/new/open-site", "Ask for a site")],
        rows: vec![row],
    };
    let show = RequestPage {
        frame: frame("bet.example for 6B"),
        mistakes: Vec::new(),
        back: "/decisions",
        id: "c1".into(),
        title: "bet.example for 6B until Friday".into(),
        state: "Waiting for an answer, due 10:19".into(),
        answers: answers(),
        decide: Some(DecideForm {
            kinds: vec!["gambling sites, on “county list”".into()],
            lifts: "rule 5.3, gambling".into(),
            approve: vec![
                Input::new("until", "Open until", InputKind::Short)
                    .hint("At the latest Friday 4 December 2026")
                    .value("27/11/2026"),
            ],
            refuse: vec![Input::new("reason", "Why not?", InputKind::Text(2)).hint("Tess Teacher will read this")],
        }),
        can_withdraw: true,
        trail: trail(),
    };
    let queue = QueuePage {
        frame: frame("Requests to decide"),
        note: String::new(),
        rows: vec![QueueRow {
            id: "c1".into(),
            what: "bet.example for 6B until Friday".into(),
            who: "Tess Teacher".into(),
            when: "at 10:14".into(),
            why: "Odds and probability".into(),
            due: "Due at 10:19.".into(),
            is_late: false,
            stands_in: true,
        }],
    };
    let grants = GrantsPage {
        frame: frame("Open now"),
        rows: vec![GrantRow {
            id: "g1".into(),
            site: "bet.example".into(),
            audience: "6B and Tess Teacher".into(),
            until: "Friday 27 November 2026".into(),
            approved_by: "Ivy Tech".into(),
            can_close: true,
        }],
        urgent: Some(UrgentShown {
            rows: vec![UrgentRow { id: "u1".into(), site: "social.example".into(), until: "tomorrow at 10:20".into() }],
            mistakes: Vec::new(),
            inputs: vec![Input::new("site", "Which site?", InputKind::Line)],
        }),
    };
    vec![
        ("request-form", form.render().unwrap()),
        ("requests", list.render().unwrap()),
        ("request", show.render().unwrap()),
        ("decisions", queue.render().unwrap()),
        ("grants", grants.render().unwrap()),
    ]
}

fn report_pages() -> Vec<(&'static str, String)> {
    let inputs = vec![
        Input::new(
            "person",
            "Who is it about?",
            InputKind::Select(vec![Choice::new("", "Nobody of the school"), Choice::new("sam", "Sam Supply")]),
        )
        .optional(),
        Input::new("what", "What happened?", InputKind::Text(8)).hint("What you saw or heard, in your own words"),
        Input::new("child_safety", "A child may be at risk", InputKind::Tick).optional(),
    ];
    let kinds = vec![ReportKind {
        href: "/reports/new/concern-about-adult".into(),
        title: "Report a concern about an adult".into(),
        text: "Tell the head about misuse; tell the chair of governors if it is about the head.".into(),
    }];
    let row = CaseRow {
        id: "r1".into(),
        what: "A concern about an adult".into(),
        when: "today".into(),
        state: "not read yet".into(),
    };
    let list = ReportsPage { frame: frame("Report a concern"), kinds, mine: vec![row.clone()], received: vec![row] };
    let form = ReportFormPage {
        frame: frame("Report a concern about an adult"),
        mistakes: Vec::new(),
        title: "Report a concern about an adult".into(),
        clause_text: "Tell the head about misuse; tell the chair of governors if it is about the head.".into(),
        action: "/reports/new/concern-about-adult".into(),
        inputs,
    };
    let answers = vec![Pair::new("Who is it about?", "Helen Head"), Pair::new("What happened?", "Something")];
    let preview = PreviewPage {
        frame: frame("Who will read this"),
        readers: vec!["Carl Chair, chair of governors".into()],
        left_out: "Helen Head is not among them, because it is about Helen Head.".into(),
        outside: vec!["LADO, within 1 working day".into()],
        by_when: "by the end of today".into(),
        answers: answers.clone(),
        action: "/reports/new/concern-about-adult".into(),
        hidden: vec![Pair::new("what", "Something")],
    };
    let receipt = ReceiptPage {
        frame: frame("Your report is with them"),
        receipt: "7k3m9q".into(),
        readers: vec!["Carl Chair, chair of governors".into()],
        outside: vec!["LADO, within 1 working day".into()],
        by_when: "by the end of today".into(),
    };
    let case = CasePage {
        frame: frame("A concern about an adult"),
        mistakes: Vec::new(),
        id: "r1".into(),
        title: "A concern about an adult".into(),
        state: "Not taken on yet, due by the end of today".into(),
        readers: "Carl Chair".into(),
        answers,
        outside: vec!["LADO, within 1 working day".into()],
        act: Some(CaseAct {
            can_acknowledge: true,
            can_note: true,
            can_close: true,
            note: vec![
                Input::new("text", "Note", InputKind::Text(3)),
                Input::new("for_parties", "Whoever reported it may read this", InputKind::Tick),
            ],
            close: vec![Input::new("outcome", "What came of it?", InputKind::Text(3))],
        }),
        trail: trail(),
    };
    vec![
        ("reports", list.render().unwrap()),
        ("report-form", form.render().unwrap()),
        ("report-preview", preview.render().unwrap()),
        ("report-receipt", receipt.render().unwrap()),
        ("case", case.render().unwrap()),
    ]
}

fn control(how: Known, words: &str, evidence: &str) -> ControlShown {
    ControlShown {
        words: words.into(),
        keeper: "Kept by our own web gateway".into(),
        how,
        evidence: evidence.into(),
        href: "/policies/staff-ict/gambling/evidence".into(),
    }
}

fn policy_pages() -> Vec<(&'static str, String)> {
    let counts = [(Known::System, 14), (Known::Checked, 0), (Known::Promised, 9), (Known::Nobody, 3)];
    let bars: Vec<Bar> = counts
        .iter()
        .map(|(how, count)| Bar {
            label: how.words().into(),
            value: *count,
            shown: count.to_string(),
            class: how.class(),
        })
        .collect();
    let gambling = || {
        control(Known::System, "Blocked for everybody at all times: gambling", "Refused 12 times in the last 30 days")
    };
    let policy = PolicyPage {
        frame: frame("Staff acceptable use of ICT"),
        policy: "staff-ict".into(),
        title: "Staff acceptable use of ICT".into(),
        version: "2.9".into(),
        in_force: "In force since today at 10:42.".into(),
        overview: Some(Overview {
            chart: chart::bars("Controls by how we know", &bars),
            rows: counts
                .iter()
                .map(|(how, count)| OverviewRow { how: *how, count: usize::try_from(*count).unwrap() })
                .collect(),
        }),
        parts: vec![PolicyPart {
            heading: "5 Personal and private use".into(),
            intro: String::new(),
            clauses: vec![
                PolicyClause {
                    anchor: "gambling".into(),
                    number: "5.3".into(),
                    html: "<p>Gambling has no place on the school's connection, for anybody, at any time.</p>".into(),
                    controls: vec![gambling(), control(Known::Promised, "Staff agree to it", "Promised by 41 of 52")],
                },
                PolicyClause {
                    anchor: "tone".into(),
                    number: "5.4".into(),
                    html: "<p>Write as you would speak in front of the class.</p>".into(),
                    controls: Vec::new(),
                },
            ],
        }],
    };
    let list = PoliciesPage {
        frame: frame("The rules"),
        in_force: "In force since today at 10:42.".into(),
        rows: vec![PolicyRow {
            id: "staff-ict".into(),
            title: "Staff acceptable use of ICT".into(),
            version: "2.9".into(),
            count: "26 rules".into(),
        }],
        can_edit: true,
    };
    let clause = ClausePage {
        frame: frame("Rule 5.3"),
        policy: "staff-ict".into(),
        policy_title: "Staff acceptable use of ICT".into(),
        anchor: "gambling".into(),
        number: "5.3".into(),
        html: "<p>Gambling has no place on the school's connection.</p>".into(),
        controls: Some(vec![gambling()]),
        can_edit: true,
    };
    let cell = |label: &str, value: &str| Pair::new(label, value);
    let evidence = EvidencePage {
        frame: frame("What shows that rule 5.3 is kept"),
        back: "/policies/staff-ict/gambling".into(),
        title: "What shows that rule 5.3 is kept".into(),
        summary: "Refused 12 times in the last 30 days, on 3 of 30 days.".into(),
        chart: chart::bars(
            "Refused, by day",
            &[
                Bar { label: "Mon 23 November".into(), value: 8, shown: "8".into(), class: "plain" },
                Bar { label: "Tue 24 November".into(), value: 4, shown: "fewer than 5".into(), class: "plain" },
            ],
        ),
        caption: "The latest, without names".into(),
        columns: vec!["When".into(), "Site".into(), "What came of it".into(), "How we know who".into()],
        rows: vec![vec![
            cell("When", "24 November, 10:12"),
            cell("Site", "bet.example"),
            cell("What came of it", "refused"),
            cell("How we know who", "signed in on this device's address"),
        ]],
        note: String::new(),
        look_up: Some(LookUpForm {
            action: "/policies/staff-ict/gambling/names".into(),
            mistakes: Vec::new(),
            inputs: vec![Input::new(
                "why",
                "Why do you need names?",
                InputKind::Radios(vec![
                    Choice::new("misuse", "I am looking into reported misuse"),
                    Choice::new("safety", "A child may be at risk"),
                ]),
            )],
        }),
    };
    vec![
        ("policies", list.render().unwrap()),
        ("policy", policy.render().unwrap()),
        ("clause", clause.render().unwrap()),
        ("evidence", evidence.render().unwrap()),
    ]
}

fn manage_pages() -> Vec<(&'static str, String)> {
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

pub(crate) fn all() -> Vec<(&'static str, String)> {
    [
        session_pages(),
        first_pages(),
        agreement_pages(),
        refusal_pages(),
        request_pages(),
        report_pages(),
        policy_pages(),
        manage_pages(),
    ]
    .concat()
}

#[test]
fn every_page_keeps_the_house_rules() {
    for (name, html) in all() {
        assert_eq!(html.matches("<h1").count(), 1, "{name} has one main heading");
        assert!(!html.contains(" style=") && !html.contains("onclick"), "{name} has nothing inline");
        assert!(html.contains(r#"<html lang="en""#), "{name} says its language");
        let forms = html.matches(r#"<form method="post""#).count();
        let tokens = html.matches(r#"<input type="hidden" name="token""#).count();
        assert_eq!(forms, tokens, "{name}: every form carries the token");
        assert_eq!(html.matches("<form").count(), forms, "{name}: every form is a POST");
        for id in html.split("<label").skip(1).filter_map(|rest| rest.split("for=\"").nth(1)?.split('"').next()) {
            assert!(html.contains(&format!(r#"id="{id}""#)), "{name}: the label for `{id}` has its question");
        }
    }
}

#[test]
fn the_help_page_knows_nobody() {
    let (_, help) = all().into_iter().find(|(name, _)| *name == "help").unwrap();
    assert!(!help.contains("Tess"));
}

#[test]
fn pages_can_be_looked_at() {
    let Some(dir) = std::env::var_os("SCHOOLGATE_PREVIEW").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&dir).unwrap();
    for (name, html) in all() {
        std::fs::write(dir.join(format!("{name}.html")), html.replace("/assets/", "assets/")).unwrap();
    }
}
