//! What doors send people to.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
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
        ask: Some(AskForm { action: "/requests/new/open-site".into(), once: String::new(), inputs: asking(&mistakes), promise: "You have an answer within 5 minutes in lessons. It opens only for the class you name, and closes by itself.".into() }),
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
