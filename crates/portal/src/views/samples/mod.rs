//! One filled-in page of each kind, held to the rules that every page keeps.
//!
//! With `SCHOOLGATE_PREVIEW=DIR` in the environment the pages are also written to DIR, to be looked at in a browser.

mod agreement;
mod first;
mod manage;
mod policy;
mod refusal;
mod report;
mod request;
mod session;

use askama::Template;
use schoolgate_policy::show::Fact;

use super::frame::{Frame, PersonShown, SectionShown};
use super::{Happened, Link, Pair};
use crate::chart::{self, Bar};
use crate::views::agreement::{
    AgreementPage, AgreementRow, AgreementsPage, ChangeShown, ClauseShown, EffectShown, PartShown, QuestionPage,
    SignedPage,
};
use crate::views::certificate::CertificatePage;
use crate::views::gateway::{GatewayCard, GatewayPage, LeftAloneRow, ProcessRow};
use crate::views::help::{HelpPage, HelpPerson, OUTSIDE};
use crate::views::home::{HomePage, OpenedRow, RefusedRow, Task};
use crate::views::input::{Choice, Input, InputKind, Mistake};
use crate::views::manage::{
    ClauseRow, DocumentRow, EditPage, EntriesPage, EntryRow, Finding, ManagePage, PeoplePage, PeoplePlan,
};
use crate::views::message::MessagePage;
use crate::views::policy::{
    ClausePage, ControlShown, EvidencePage, Known, LookUpForm, Overview, OverviewRow, PoliciesPage, PolicyClause,
    PolicyPage, PolicyPart, PolicyRow,
};
use crate::views::refusal::{AccidentPage, AskForm, BlockedPage, ClauseQuoted, StalePage, UnreachablePage, WarnPage};
use crate::views::report::{CaseAct, CasePage, PreviewPage, ReceiptPage, ReportFormPage, ReportKind, ReportsPage};
use crate::views::request::{
    CaseRow, DecideForm, GrantRow, GrantsPage, QueuePage, QueueRow, RequestFormPage, RequestPage, RequestsPage,
    UrgentRow, UrgentShown,
};
use crate::views::session::{BePage, BeRow, SessionRow, SessionsPage, SignInPage};

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

pub(crate) fn all() -> Vec<(&'static str, String)> {
    [
        session::pages(),
        first::pages(),
        agreement::pages(),
        refusal::pages(),
        request::pages(),
        report::pages(),
        policy::pages(),
        manage::pages(),
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
