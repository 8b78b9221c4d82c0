//! Signing in.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
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
