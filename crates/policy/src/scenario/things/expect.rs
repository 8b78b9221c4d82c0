//! What a scenario expects of a thing.

use jiff::Timestamp;
use schoolgate_base::{PersonId, Role};
use schoolgate_decide::things::{Action, CharacterKind, PasswordFault, Weakness};

use super::super::Scenario;
use super::super::given::{Given, dated};
use super::super::read::{bare, piece, pieces};
use super::super::world::{Name, not_understood};
use super::Outcome;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

const THEN: &str = "write `Then held by #clause and tells helen.head and not ivy.tech`, `Then released by headteacher`, \
                    `Then nothing is done` or the like";

/// One expectation.
pub(super) enum Expect {
    Action {
        action: Action,
        by: Option<String>,
    },
    /// Another clause speaks.
    NotBy(String),
    Nothing,
    Tells(Party),
    TellsNot(Party),
    TellsNobody,
    CopiedTo(Role),
    ReleasedBy(Role),
    NotReleasedBy(Role),
    Until(String),
    Within(String),
    Tagged(String),
    Accepted,
    Fault(PasswordFault),
    NeedNotChange,
    Due(jiff::civil::Date),
}

/// Whom a name stands for.
pub(super) enum Party {
    Person(PersonId),
    Office(Role),
}

/// What a name without a verb continues.
#[derive(Clone, Copy)]
enum Mode {
    Tells,
    TellsNot,
    Released,
    ReleasedNot,
    Copied,
}

/// All expectations of a scenario; `None` after a finding.
pub(super) fn read(scenario: &Scenario, given: &Given<'_>, findings: &mut Findings) -> Option<Vec<(Word, Expect)>> {
    let before = findings.len();
    let mut found = Vec::new();
    for line in &scenario.then {
        let mut mode = None;
        for part in pieces(line) {
            let (part, until) = match part.text.split_once(" until ") {
                Some((head, until)) if head.contains('#') => (piece(&part, head), Some(until.trim().to_owned())),
                _ => (part, None),
            };
            found.extend(until.map(|until| (part.clone(), Expect::Until(until))));
            match expectation(&part, &mut mode, given) {
                Some(expect) => found.push((part, expect)),
                None => findings.push(not_understood(&part, THEN)),
            }
        }
    }
    (before == findings.len() && !found.is_empty()).then_some(found)
}

fn expectation(part: &Word, mode: &mut Option<Mode>, given: &Given<'_>) -> Option<Expect> {
    let text = part.text.trim().trim_start_matches("it is ").trim_start_matches("is ");
    if let Some(expect) = action(text).or_else(|| plain(text)) {
        *mode = None;
        return Some(expect);
    }
    const MODES: [(&str, Mode); 9] = [
        ("tells ", Mode::Tells),
        ("told ", Mode::Tells),
        ("not tells ", Mode::TellsNot),
        ("released by ", Mode::Released),
        ("not released by ", Mode::ReleasedNot),
        ("not by ", Mode::ReleasedNot),
        ("copied to ", Mode::Copied),
        ("not to ", Mode::TellsNot),
        ("and not ", Mode::TellsNot),
    ];
    let verb = MODES.iter().find_map(|(verb, mode)| Some((text.strip_prefix(verb)?, *mode)));
    let name = match (verb, text.strip_prefix("not ")) {
        (Some((rest, found)), _) => {
            *mode = Some(found);
            rest
        }
        (None, Some(rest)) => {
            *mode = Some(match mode {
                Some(Mode::Released | Mode::ReleasedNot) => Mode::ReleasedNot,
                _ => Mode::TellsNot,
            });
            rest
        }
        (None, None) => text,
    };
    let current = (*mode)?;
    let party = party(&piece(part, name), given)?;
    Some(match (current, party) {
        (Mode::Tells, party) => Expect::Tells(party),
        (Mode::TellsNot, party) => Expect::TellsNot(party),
        (Mode::Released, Party::Office(role)) => Expect::ReleasedBy(role),
        (Mode::ReleasedNot, Party::Office(role)) => Expect::NotReleasedBy(role),
        (Mode::Copied, Party::Office(role)) => Expect::CopiedTo(role),
        _ => return None,
    })
}

fn action(text: &str) -> Option<Expect> {
    if let Some(clause) = text.strip_prefix("not by #") {
        return Some(Expect::NotBy(format!("#{clause}")));
    }
    let (done, by) = match text.split_once(" by ") {
        Some((done, by)) => (done, Some(by.trim())),
        None => (text, None),
    };
    let action = Action::ALL.into_iter().find(|action| action.done() == done.trim())?;
    match by {
        None => Some(Expect::Action { action, by: None }),
        Some("default") => Some(Expect::Action { action, by: Some(String::new()) }),
        Some(by) => by.contains('#').then(|| Expect::Action { action, by: Some(by.to_owned()) }),
    }
}

fn plain(text: &str) -> Option<Expect> {
    match text {
        "nothing is done" | "nothing" => return Some(Expect::Nothing),
        "tells nobody" => return Some(Expect::TellsNobody),
        "accepted" => return Some(Expect::Accepted),
        "too short" => return Some(Expect::Fault(PasswordFault::TooShort { least: 0 })),
        "need not change" => return Some(Expect::NeedNotChange),
        _ => {}
    }
    if let Some(until) = text.strip_prefix("until ") {
        return Some(Expect::Until(until.to_owned()));
    }
    if let Some(within) = text.strip_prefix("within ") {
        return Some(Expect::Within(within.trim_matches('"').to_owned()));
    }
    if let Some(tag) = text.strip_prefix("tagged with ") {
        return Some(Expect::Tagged(tag.trim_matches('"').to_owned()));
    }
    if let Some(due) = text.strip_prefix("due ") {
        return Some(Expect::Due(dated(due).0?));
    }
    if let Some(kind) = text.strip_prefix("without a ").or_else(|| text.strip_prefix("without an ")) {
        let kind = CharacterKind::ALL.iter().find(|(name, _)| *name == kind)?.1;
        return Some(Expect::Fault(PasswordFault::Without(kind)));
    }
    let weakness = Weakness::ALL.iter().find(|(name, _)| *name == text)?.1;
    Some(Expect::Fault(PasswordFault::Weak(weakness)))
}

fn party(word: &Word, given: &Given<'_>) -> Option<Party> {
    if let Ok(id) = PersonId::new(bare(&word.text))
        && given.world.people.contains_key(&id)
    {
        return Some(Party::Person(id));
    }
    match given.world.look_up(&word.text) {
        Some(Name::Role(role)) => Some(Party::Office(role)),
        _ => None,
    }
}

impl Expect {
    pub(super) fn holds(&self, outcome: &Outcome, given: &Given<'_>) -> bool {
        let judgement = &outcome.judgement;
        match self {
            Self::Action { action: Action::Refuse, by } if outcome.faults.is_some() => {
                let faults = outcome.faults.iter().flatten();
                let mut clauses = faults.map(|(clause, _)| clause);
                clauses.any(|clause| by.as_ref().is_none_or(|by| names(clause, by)))
            }
            Self::Action { action: Action::Change, .. } if outcome.renewal.is_some() => {
                outcome.renewal.as_ref().is_some_and(|renewal| renewal.is_due)
            }
            Self::Action { action, by } => {
                judgement.action == Some(*action)
                    && by.as_ref().is_none_or(|by| match &judgement.by {
                        Some(control) => names(&control.clause.to_string(), by),
                        None => by.is_empty(),
                    })
            }
            Self::NotBy(clause) => judgement.by.as_ref().is_none_or(|by| !names(&by.clause.to_string(), clause)),
            Self::Nothing => judgement.action.is_none(),
            Self::Tells(party) => outcome.tells(party),
            Self::TellsNot(party) => !outcome.tells(party),
            Self::TellsNobody => outcome.told.is_empty(),
            Self::CopiedTo(role) => judgement.copies.contains(role),
            Self::ReleasedBy(role) => judgement.release.contains(role),
            Self::NotReleasedBy(role) => !judgement.release.contains(role),
            Self::Until(text) => judgement.until.is_some_and(|at| is_at(text, at, given)),
            Self::Within(text) => {
                let times = judgement.heard.iter().filter_map(|heard| heard.hearing.within.as_ref());
                times.into_iter().any(|within| within.to_string() == *text)
            }
            Self::Tagged(text) => judgement.tags.iter().any(|tag| **tag == **text),
            Self::Accepted => outcome.faults.as_ref().is_some_and(Vec::is_empty),
            Self::Fault(wanted) => outcome.faults.iter().flatten().any(|(_, fault)| is_like(fault, wanted)),
            Self::NeedNotChange => outcome.renewal.as_ref().is_none_or(|renewal| !renewal.is_due),
            Self::Due(day) => outcome.renewal.as_ref().is_some_and(|renewal| renewal.due == *day),
        }
    }
}

impl Outcome {
    fn tells(&self, party: &Party) -> bool {
        self.told.iter().any(|(person, role)| match party {
            Party::Person(wanted) => person == wanted,
            Party::Office(wanted) => role.as_ref() == Some(wanted),
        })
    }
}

/// Whether `by`, such as `#gambling` or `staff-ict#gambling`, names this clause.
fn names(clause: &str, by: &str) -> bool {
    clause == by || by.starts_with('#') && clause.ends_with(by)
}

fn is_like(fault: &PasswordFault, wanted: &PasswordFault) -> bool {
    match (fault, wanted) {
        (PasswordFault::TooShort { .. }, PasswordFault::TooShort { .. }) => true,
        _ => fault == wanted,
    }
}

fn is_at(text: &str, at: Timestamp, given: &Given<'_>) -> bool {
    let local = given.world.compiled.school.calendar.local(at);
    let (date, time) = dated(text);
    let same = time.is_none_or(|time| (time.hour(), time.minute()) == (local.hour(), local.minute()));
    same && date.is_none_or(|date| date == local.date()) && (date.is_some() || time.is_some())
}
