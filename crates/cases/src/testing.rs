//! A small school for tests: who holds what, the calendar, and the two definitions of the design's example.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, DateRange, Group, PersonId, Role, SchoolId};

use crate::{
    Audience, ClauseText, Decide, Effect, Field, Flag, How, Known, Moment, Offices, RawValues, ReportDefinition,
    RequestDefinition, Tie, TieKind,
};

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

pub(crate) fn roles(names: &[&str]) -> Vec<Role> {
    names.iter().map(|name| Role::new(name)).collect()
}

/// The head is also a deputy safeguarding lead, as in many small schools.
pub(crate) fn offices() -> Offices {
    let mut offices = Offices::default();
    for (role, name) in [
        ("headteacher", "helen"),
        ("deputy-dsl", "helen"),
        ("dsl", "dora"),
        ("it-technician", "ivy"),
        ("online-safety-lead", "olive"),
        ("chair-of-governors", "carl"),
        ("business-manager", "bea"),
    ] {
        offices.add(Role::new(role), person(name), false);
    }
    offices
}

pub(crate) fn tie(offices: &mut Offices, kind: TieKind, from: &str, to: &str) {
    offices.ties.push(Tie { kind, from: person(from), to: person(to) });
}

pub(crate) fn calendar() -> Calendar {
    let date = |text: &str| text.parse::<Date>().unwrap();
    Calendar {
        zone: TimeZone::get("Europe/London").unwrap(),
        terms: vec![DateRange { first: date("2026-09-02"), last: date("2026-12-18") }],
        holidays: Vec::new(),
        exceptions: BTreeMap::new(),
    }
}

/// On Tuesday 24 November 2026.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-24T{time}:00Z").parse().unwrap()
}

pub(crate) fn moment<'a>(calendar: &'a Calendar, time: &str) -> Moment<'a> {
    Moment { now: at(time), calendar, periods: &[] }
}

pub(crate) fn fields(names: &[&str]) -> Vec<Field> {
    names.iter().filter_map(|name| Field::known(name)).collect()
}

pub(crate) fn open_site(how: How, decide: &[&str], stand_in: &[&str]) -> RequestDefinition {
    RequestDefinition {
        control: "staff-ict#unblock/request/open-site".parse().unwrap(),
        version: "2.9".into(),
        kind: "open-site".into(),
        title: "Ask for a site".into(),
        clause: ClauseText::default(),
        ask: vec![Group::new("staff")],
        decide: Decide { how, roles: roles(decide), count: 1 },
        stand_in: roles(stand_in),
        form: fields(&["site", "class", "why", "until"]),
        longest: Some("14 days".parse().unwrap()),
        effects: vec![Effect::OpenSite { audience: Audience::Class }],
        answer_within: Some("5 minutes".parse().unwrap()),
        keep: None,
    }
}

pub(crate) fn concern_about_adult() -> ReportDefinition {
    ReportDefinition {
        control: "staff-ict#concerns/report/concern-about-adult".parse().unwrap(),
        version: "2.9".into(),
        kind: "concern-about-adult".into(),
        title: "Report a concern about an adult".into(),
        clause: ClauseText::default(),
        ask: Vec::new(),
        to: roles(&["headteacher"]),
        about: [
            (Role::new("headteacher"), roles(&["chair-of-governors"])),
            (Role::new("chair-of-governors"), roles(&["trust-safeguarding-lead"])),
            (Role::new("dsl"), roles(&["headteacher"])),
        ]
        .into(),
        also: [(Flag::new("child_safety"), roles(&["dsl", "deputy-dsl"]))].into(),
        outside: [(Flag::new("may_meet_harm_threshold"), "LADO, within 1 working day".into())].into(),
        within: Some("same day".parse().unwrap()),
        escalate: None,
        steps: Vec::new(),
        outcomes: Vec::new(),
        takes_files: true,
        keep: None,
        form: fields(&["person", "what", "child_safety", "may_meet_harm_threshold"]),
    }
}

pub(crate) struct School {
    pub(crate) id: SchoolId,
    pub(crate) classes: BTreeSet<Group>,
    pub(crate) persons: BTreeSet<PersonId>,
    pub(crate) groups: BTreeSet<Group>,
}

pub(crate) fn school() -> School {
    School {
        id: SchoolId::new("riverside").unwrap(),
        classes: [Group::new("class:6B")].into(),
        persons: ["tess", "sam", "helen", "dora", "carl", "ivy"].map(person).into(),
        groups: [Group::new("staff")].into(),
    }
}

impl School {
    pub(crate) fn known(&self) -> Known<'_> {
        Known { classes: &self.classes, persons: &self.persons }
    }
}

pub(crate) fn raw(pairs: &[(&str, &str)]) -> RawValues {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
