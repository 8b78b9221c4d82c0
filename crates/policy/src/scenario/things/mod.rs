//! Scenarios about messages, files, drafts, sign-ins, devices and what is written.
//!
//! ```text
//! When     WHO "mails" WHOM {"and" WHOM} ["from private"] | WHO "contacts" WHOM "by" CHANNEL
//!        | "a file" ["of" PERSON] "in" STORE "is found" | WHO ACT "a file" ["of" PERSON] "in" STORE
//!        | WHO "publishes to" CHANNEL
//!        | WHO ("signs in" | "uses" | "is idle" | "joins" | "leaves" | "fails to sign in" | …) ["to"] [SYSTEM]
//!        | WHO "sets the password" '"' PASSWORD '"' | … "with the password of" DATE
//!        | WHOSE "device" ("joins" | "opens mail" | "installs" | "is plugged in" | "checks in" | …)
//!        | WHO "writes" TOPIC "in" SOURCE | WHO "tries" CATEGORY | WHO "visits" CATEGORY
//!          {TAIL}
//! WHOM     = PERSON | "a" GROUP | "outside" | "private"
//! ACT      = reads | writes | deletes | renames | copies | exports | prints | uploads | records | …
//! TAIL     = "with" CONTENT {"and" CONTENT} | "being" WORD {"and" WORD} | "attached" WORD | "showing" WORD
//!        | "lacking" WORD | "on" DEVICE | "for the" NUMBER "time" | "after" LENGTH | "of" NUMBER "recipients"
//!        | "older than" LENGTH | "unopened for" LENGTH | "unseen for" LENGTH | "for" LENGTH | "of" NUMBER "MB"
//! Then     DONE ["by" (#CLAUSE | "default")] | "nothing is done" | "tells" NAME {("," | "and" ["not"]) NAME}
//!        | "tells nobody" | "released by" OFFICE | "copied to" OFFICE | "until" [DATE] TIME | "within" '"' LENGTH '"'
//!        | "accepted" | "too short" | "must change" | "due" DATE
//! DONE     = allowed | noted | reported | tagged | stripped | asked | paused | verified | delayed | held | read-only
//!        | portal-only | locked | quarantined | refused | closed
//! ```
//!
//! The words behind `being`, `attached`, `showing` and `lacking` are those of the kind's own page. What a rule `needs` is
//! there unless the sentence says `lacking`. A message to several goes to each of them.

mod expect;
mod read;

use std::collections::BTreeSet;

use schoolgate_base::{Group, PersonId, Role};
use schoolgate_cases::{Concern, ReportDefinition, TieKind, route};
use schoolgate_decide::Snapshot;
use schoolgate_decide::things::{
    Heard, Judgement, Listener, PasswordFacts, PasswordFault, Renewal, Weakness, judge, judge_password, renewal,
};

use super::Scenario;
use super::given::Given;
use super::web::Failures;
use crate::syntax::Word;
use crate::syntax::reader::Findings;
use read::Described;

/// Whether a sentence is about a thing.
pub(super) fn is_about_one(when: &Word) -> bool {
    read::is_about_one(&when.text)
}

/// Runs a scenario; `None` when a sentence is not understood.
pub(super) fn run(scenario: &Scenario, given: &Given<'_>, findings: &mut Findings) -> Option<Failures> {
    let when = scenario.when.first()?;
    let described = read::read(when, given, findings)?;
    let expects = expect::read(scenario, given, findings)?;
    let snapshot = given.world.snapshot(described.who.as_deref(), given.now);
    let outcome = Outcome::of(&described, given, &snapshot);
    let failed = expects.into_iter().filter(|(_, expect)| !expect.holds(&outcome, given));
    Some(failed.map(|(word, _)| (word.span, word.text, outcome.words())).collect())
}

/// What became of a thing, over persons.
pub(super) struct Outcome {
    pub(super) judgement: Judgement,
    /// Everybody who hears, with the office because of which they do.
    pub(super) told: Vec<(PersonId, Option<Role>)>,
    /// Of a password about to be set.
    pub(super) faults: Option<Vec<(String, PasswordFault)>>,
    pub(super) renewal: Option<Renewal>,
}

impl Outcome {
    fn of(described: &Described, given: &Given<'_>, snapshot: &Snapshot) -> Self {
        let thing = described.thing(given);
        let judgement = judge(snapshot, &thing, given.now);
        let standing = schoolgate_decide::Standing {
            member: described.who.as_deref(),
            place: given.place.as_deref(),
            device_class: described.device.as_ref().or(given.device.as_ref()),
        };
        let faults = described.password.as_ref().map(|password| {
            let facts = PasswordFacts { standing, password, weaknesses: described.weaknesses.clone() };
            let faults = judge_password(snapshot, &facts, given.now);
            faults.into_iter().map(|(control, fault)| (control.clause.to_string(), fault)).collect()
        });
        let renewal = described.set_on.and_then(|day| renewal(snapshot, standing, day, given.now));
        let mut told = Vec::new();
        for heard in &judgement.heard {
            for person in listeners(heard, described, given) {
                if !told.contains(&person) {
                    told.push(person);
                }
            }
        }
        Self { judgement, told, faults, renewal }
    }

    fn words(&self) -> String {
        let mut text = match (self.judgement.action, &self.judgement.by) {
            (None, _) => "nothing is done".to_owned(),
            (Some(action), Some(by)) => format!("{} by #{}", action.done(), by.clause.clause),
            (Some(action), None) => format!("{} by default", action.done()),
        };
        if let Some(faults) = &self.faults {
            let faults: Vec<String> = faults.iter().map(|(_, fault)| fault_words(fault)).collect();
            text = if faults.is_empty() { "accepted".to_owned() } else { format!("refused: {}", faults.join(", ")) };
        }
        if let Some(renewal) = &self.renewal {
            let must = if renewal.is_due { "must change" } else { "need not change" };
            text.push_str(&format!(", {must}, due {}", renewal.due));
        }
        let told: Vec<String> = self.told.iter().map(|(person, _)| person.to_string()).collect();
        if !told.is_empty() {
            text.push_str(&format!(", tells {}", told.join(", ")));
        }
        let copies: Vec<&str> = self.judgement.copies.iter().map(Role::as_str).collect();
        if !copies.is_empty() {
            text.push_str(&format!(", copied to {}", copies.join(", ")));
        }
        let release: Vec<&str> = self.judgement.release.iter().map(Role::as_str).collect();
        if !release.is_empty() {
            text.push_str(&format!(", released by {}", release.join(", ")));
        }
        text
    }
}

fn fault_words(fault: &PasswordFault) -> String {
    match fault {
        PasswordFault::TooShort { least } => format!("too short ({least} at least)"),
        PasswordFault::Without(kind) => {
            format!("without a {}", word_of(kind, &schoolgate_decide::things::CharacterKind::ALL))
        }
        PasswordFault::Weak(weakness) => word_of(weakness, &Weakness::ALL).to_owned(),
    }
}

fn word_of<T: PartialEq>(value: &T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, other)| other == value).map_or("", |(word, _)| word)
}

/// The persons whom a rule tells: never the one it is about, unless the rule speaks to them.
fn listeners(heard: &Heard, described: &Described, given: &Given<'_>) -> Vec<(PersonId, Option<Role>)> {
    let hearing = &heard.hearing;
    let offices = &given.world.offices;
    let subject = described.who.as_ref().map(|member| member.person.clone());
    let roles: Vec<Role> = hearing
        .to
        .iter()
        .filter_map(|listener| match listener {
            Listener::Office(role) => Some(role.clone()),
            _ => None,
        })
        .collect();
    // A finding is a report that the program makes.
    let report = ReportDefinition { to: roles, about: hearing.about.clone(), ..finding(heard) };
    let concern = Concern { subjects: subject.iter().cloned().collect(), ..Concern::default() };
    let found = route(&report, &concern, offices);
    let mut told: Vec<(PersonId, Option<Role>)> =
        found.recipients.into_iter().map(|recipient| (recipient.person, Some(recipient.role))).collect();
    for listener in &hearing.to {
        match listener {
            Listener::Office(_) => {}
            Listener::Themself => told.extend(subject.clone().map(|person| (person, None))),
            Listener::Owner => told.extend(described.owner.clone().map(|person| (person, None))),
            Listener::Manager => {
                let manages = offices.ties.iter().filter(|tie| tie.kind == TieKind::Manages);
                let managers = manages.filter(|tie| Some(&tie.to) == subject.as_ref());
                told.extend(managers.map(|tie| (tie.from.clone(), None)));
            }
            Listener::ClassTeacher => told.extend(class_teachers(described, given)),
        }
    }
    told
}

fn class_teachers(described: &Described, given: &Given<'_>) -> Vec<(PersonId, Option<Role>)> {
    let Some(pupil) = &described.who else { return Vec::new() };
    let classes: BTreeSet<&Group> = pupil.groups.iter().filter(|group| given.world.is_class(group)).collect();
    let world = &given.world;
    let teaches = |person: &super::world::Person| {
        world.capacity(person) == schoolgate_base::Capacity::Staff
            && person.groups.iter().any(|group| classes.contains(group))
    };
    let teachers = world.people.iter().filter(|(_, person)| teaches(person));
    teachers.map(|(id, _)| (id.clone(), None)).collect()
}

/// A report of nobody in particular, for its route.
fn finding(heard: &Heard) -> ReportDefinition {
    ReportDefinition {
        control: heard.control.clone(),
        version: "".into(),
        kind: "finding".into(),
        title: "".into(),
        clause: schoolgate_cases::ClauseText::default(),
        ask: Vec::new(),
        to: Vec::new(),
        about: std::collections::BTreeMap::new(),
        also: std::collections::BTreeMap::new(),
        outside: std::collections::BTreeMap::new(),
        within: heard.hearing.within.clone(),
        form: Vec::new(),
        escalate: None,
        steps: Vec::new(),
        outcomes: Vec::new(),
        takes_files: false,
        keep: None,
    }
}
