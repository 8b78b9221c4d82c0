//! Agreements.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
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
        effects: vec![EffectShown {
            what: "streaming at lunch".into(),
            before: "blocked".into(),
            after: "allowed, at 2 Mbit/s".into(),
        }],
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
        others: vec![PartShown {
            heading: "5 Personal and private use".into(),
            intro: String::new(),
            clauses: vec![clause("5.4", "Whoever leads a team agrees on its working times with it.")],
        }],
        edition: 3,
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
