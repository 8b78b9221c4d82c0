//! Asking and deciding.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let form = RequestFormPage {
        frame: frame("Ask for a site"),
        mistakes: Vec::new(),
        title: "Ask for a site".into(),
        clause_text: "If a site you need for a lesson is blocked, ask; it can be opened for the time you need it."
            .into(),
        clause_number: "6.1".into(),
        action: "/requests/new/open-site".into(),
        sealed: String::new(),
        once: String::new(),
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
            opens_site: true,
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
