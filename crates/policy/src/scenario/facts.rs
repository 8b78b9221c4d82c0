//! What has happened before a scenario begins: who signed what, what was done, which events there are.
//!
//! `tess.teacher signed staff-ict on 2026-01-10` · `#filter-test was done 2026-11-20` · `home-visit is on 2026-12-01` ·
//! `#photo-exception happened 2026-11-20` · `ivy.tech entered #kit for item "laptop 7" holder tess.teacher`

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schoolgate_base::{ControlId, PersonId, PolicyId};
use schoolgate_cases::{Agreement, SignedFact};

use super::given::dated;
use super::read::{bare, piece};
use super::world::{World, not_understood};
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// Facts with a day.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) signed: Vec<Signature>,
    pub(super) done: Vec<Done>,
    pub(super) entered: Vec<Entered>,
    /// Events by name, and clauses with `#`.
    pub(super) happened: Vec<(Box<str>, Date)>,
}

/// That somebody agreed to a policy.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    /// `None`: whoever the scenario is about.
    pub(super) person: Option<PersonId>,
    pub(super) policy: PolicyId,
    /// `None`: the version in force.
    pub(super) version: Option<Box<str>>,
    pub(super) day: Date,
}

impl Facts {
    /// What somebody signed last: in a scenario an earlier version had other words.
    pub(super) fn signed(
        &self,
        person: &PersonId,
        agreement: &Agreement,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Option<SignedFact> {
        let theirs = self.signed.iter().filter(|signature| {
            signature.policy == agreement.policy && signature.person.as_ref().is_none_or(|own| own == person)
        });
        let morning = |day: Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp());
        let past = theirs.filter_map(|signature| Some((morning(signature.day)?, signature)));
        let (at, last) = past.filter(|(at, _)| *at <= now).max_by_key(|(at, _)| *at)?;
        let version = last.version.clone().unwrap_or_else(|| agreement.version.clone());
        Some(SignedFact { is_same_words: version == agreement.version, version, at })
    }
}

/// That a duty was done.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// `#clause` or `policy#clause`, with `/name` where it has several duties.
    pub(super) duty: Box<str>,
    /// `None`: whoever it falls to, or whoever the scenario is about.
    pub(super) person: Option<PersonId>,
    pub(super) day: Date,
}

/// An open entry of a register.
#[derive(Debug, Clone)]
pub(super) struct Entered {
    pub(super) register: Box<str>,
    pub(super) answers: Word,
}

/// Whether a reference of a sentence, `#clause`, `policy#clause` or either with `/name`, is to this control.
pub(super) fn refers_to(reference: &str, control: &ControlId) -> bool {
    let (clause, name) = reference.split_once('/').map_or((reference, None), |(clause, name)| (clause, Some(name)));
    let full = control.clause.to_string();
    let is_clause = match clause.strip_prefix('#') {
        Some(clause) => *control.clause.clause == *clause,
        None => full == clause,
    };
    is_clause && name.is_none_or(|name| control.name.as_deref() == Some(name))
}

impl World<'_> {
    /// Takes a sentence about what has happened. `false`: it is not one.
    pub(super) fn tell_fact(&mut self, part: &Word, findings: &mut Findings) -> bool {
        let text = part.text.strip_prefix("and ").unwrap_or(&part.text);
        if let Some((who, rest)) =
            text.split_once("signed ").filter(|(_, rest)| !text.contains("not signed") && !rest.starts_with("in"))
        {
            self.tell_signed(part, who.trim(), rest, findings);
            return true;
        }
        if let Some((duty, rest)) = text.split_once(" was done").filter(|(duty, _)| duty.contains('#')) {
            self.tell_done(part, duty.trim(), rest, findings);
            return true;
        }
        if let Some((_, rest)) = text.split_once(" entered ").filter(|(_, rest)| rest.contains('#')) {
            self.tell_entered(part, rest, findings);
            return true;
        }
        let verbs = [" happened", " is on "];
        if let Some((what, rest)) = verbs.iter().find_map(|verb| text.split_once(verb)) {
            self.tell_happened(part, what.trim(), rest, findings);
            return true;
        }
        false
    }

    fn tell_signed(&mut self, part: &Word, who: &str, rest: &str, findings: &mut Findings) {
        let (what, day) = rest.split_once(" on ").unwrap_or((rest, ""));
        let (policy, version) =
            what.trim().split_once(' ').map_or((what.trim(), None), |(policy, version)| (policy, Some(version.trim())));
        let Some(day) = dated(day).0 else {
            findings.push(not_understood(part, "say when: `tess.teacher signed staff-ict on 2026-01-10`"));
            return;
        };
        let agreements = &self.compiled.agreements;
        let Some(agreement) = agreements.iter().find(|agreement| agreement.policy.as_str() == policy) else {
            let mut finding = Diagnostic::new(
                Code::ScenarioWorld,
                piece(part, policy).span,
                format!("nobody is asked to sign `{policy}`"),
            );
            let names = agreements.iter().map(|agreement| agreement.policy.as_str());
            finding.help = nearest(policy, names).map(|near| format!("did you mean `{near}`?"));
            findings.push(finding);
            return;
        };
        let policy = agreement.policy.clone();
        let Ok(person) = self.somebody(part, who, findings) else { return };
        self.facts.signed.push(Signature { person, policy, version: version.map(Into::into), day });
    }

    fn tell_done(&mut self, part: &Word, duty: &str, rest: &str, findings: &mut Findings) {
        let Some(day) = dated(rest).0 else {
            findings.push(not_understood(part, "say when: `#filter-test was done 2026-11-20`"));
            return;
        };
        let duties = &self.compiled.duties;
        if !duties.iter().any(|known| refers_to(duty, &known.control)) {
            let mut finding =
                Diagnostic::new(Code::ScenarioWorld, piece(part, duty).span, format!("there is no duty `{duty}`"));
            let names: Vec<String> = duties.iter().map(|duty| format!("#{}", duty.control.clause.clause)).collect();
            finding.help =
                nearest(duty, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            findings.push(finding);
            return;
        }
        let by = rest.split_once("by ").map_or("", |(_, by)| by.split_whitespace().next().unwrap_or(""));
        let Ok(person) = self.somebody(part, by, findings) else { return };
        self.facts.done.push(Done { duty: duty.into(), person, day });
    }

    fn tell_entered(&mut self, part: &Word, rest: &str, findings: &mut Findings) {
        let (register, answers) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let registers = &self.compiled.registers;
        if !registers.iter().any(|known| refers_to(register, &known.control)) {
            let word = piece(part, register);
            let message = format!("clause `{register}` has no register");
            let names: Vec<String> = registers.iter().map(|one| format!("#{}", one.control.clause.clause)).collect();
            let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, message);
            finding.help =
                nearest(register, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            findings.push(finding);
            return;
        }
        self.facts.entered.push(Entered { register: register.into(), answers: piece(part, answers) });
    }

    fn tell_happened(&mut self, part: &Word, what: &str, rest: &str, findings: &mut Findings) {
        let Some(day) = dated(rest).0 else {
            findings.push(not_understood(
                part,
                "say when: `home-visit is on 2026-12-01`, `#photo-exception happened 2026-11-20`",
            ));
            return;
        };
        let word = piece(part, what);
        let events = &self.compiled.school.events;
        if what.contains('#') {
            if self.clause_known(&word, findings).is_none() {
                return;
            }
        } else if !events.contains_key(what) {
            let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, format!("there is no event `{what}`"));
            finding.help = Some(match nearest(what, events.keys().map(|name| &**name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name it in `[events]` of school.toml".to_owned(),
            });
            findings.push(finding);
            return;
        }
        self.facts.happened.push((what.into(), day));
    }

    /// A person of the world; `Ok(None)` where the sentence names nobody.
    fn somebody(&self, part: &Word, who: &str, findings: &mut Findings) -> Result<Option<PersonId>, ()> {
        let who = bare(who);
        if matches!(who, "" | "who" | "she" | "he" | "they") {
            return Ok(None);
        }
        let known = PersonId::new(who).ok().filter(|person| self.people.contains_key(person));
        if known.is_none() {
            findings.push(
                Diagnostic::new(Code::ScenarioWorld, piece(part, who).span, format!("there is no person `{who}`"))
                    .help("tell who it is in a `world` block: `tess.teacher is a teacher`"),
            );
            return Err(());
        }
        Ok(known)
    }
}
