//! What an approval does beside being given: opens a site, puts somebody into a group, lifts a clause, begins a duty,
//! opens what is private.
//!
//! Plans are computed from the case alone, for compiling them again at each publish. Carrying them out, and recording
//! each look into what was opened, is the shell's.

use jiff::Timestamp;
use schoolgate_base::{CaseId, ClauseId, ControlId, Group, PersonId};
use serde::{Deserialize, Serialize};

use crate::request::{approved_at, grant_end};
use crate::{Case, CaseState, GrantAudience, Moment, RequestDefinition, Value};

/// What an approval does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Effect {
    /// Opens the site in the form's `site` field for an audience, until the form's `until`.
    OpenSite { audience: Audience },
    /// Puts somebody into a group.
    Join { group: Group, audience: Audience },
    /// The rules of a clause do not hold for somebody; `only_towards` the form's person, where that is said.
    Lift { clause: ClauseId, audience: Audience, only_towards: bool },
    /// Begins a duty.
    Task { duty: ClauseId, audience: Audience },
    /// Opens what is private of somebody to the asker.
    Open { store: Store, of: Audience },
}

impl Effect {
    /// Whether it lasts until a time; a duty has clocks of its own.
    pub fn is_dated(&self) -> bool {
        !matches!(self, Self::Task { .. })
    }
}

/// What is private, and opened by authorised access only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    Mailbox,
    /// What a person read and wrote, as the doors saw it.
    Content,
    /// Who did what when, without content.
    Logs,
    Files,
}

impl Store {
    pub const ALL: [(&'static str, Self); 4] =
        [("mailbox", Self::Mailbox), ("content", Self::Content), ("logs", Self::Logs), ("files", Self::Files)];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, store)| *store == self).map_or("", |(word, _)| word)
    }
}

/// For whom an approval takes effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The class named in the form.
    Class,
    Asker,
    /// The person named in the form.
    Person,
    /// A fixed audience.
    Group(Group),
}

impl Audience {
    fn of(&self, case: &Case) -> Option<GrantAudience> {
        match self {
            Self::Asker => Some(GrantAudience::Person(case.by.clone())),
            Self::Group(group) => Some(GrantAudience::Group(group.clone())),
            Self::Person => named_person(case).map(GrantAudience::Person),
            Self::Class => case.values.values().find_map(|value| match value {
                Value::Class(group) => Some(GrantAudience::Group(group.clone())),
                _ => None,
            }),
        }
    }

    /// Of a site: whoever asked is in it, because they try it before the lesson.
    pub(crate) fn with_asker(&self, case: &Case) -> Vec<GrantAudience> {
        let asker = GrantAudience::Person(case.by.clone());
        let others = self.of(case).filter(|audience| *audience != asker);
        std::iter::once(asker.clone()).chain(others).collect()
    }
}

fn named_person(case: &Case) -> Option<PersonId> {
    case.values.values().find_map(|value| match value {
        Value::Person(person) => Some(person.clone()),
        _ => None,
    })
}

/// One effect of an approved case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectPlan {
    pub case: CaseId,
    /// The request control that allows it.
    pub by: ControlId,
    pub does: Planned,
    pub audience: GrantAudience,
    pub from: Timestamp,
    /// Of a duty that it begins: the end of what was asked, if the duty has no length of its own.
    pub until: Timestamp,
}

/// What is done for the audience of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Planned {
    Join { group: Group },
    Lift { clause: ClauseId, towards: Option<PersonId> },
    Task { duty: ClauseId },
    Open { store: Store, of: PersonId },
}

/// What an approved case does beside opening a site, which is [`crate::grant_plan`]. Nothing of an effect whose person
/// or class the form was left without.
pub fn effect_plans(definition: &RequestDefinition, case: &Case, moment: Moment<'_>) -> Vec<EffectPlan> {
    let Some(from) = approved_at(case).filter(|_| case.state == CaseState::Approved) else { return Vec::new() };
    let until = grant_end(definition, case, moment);
    let plan = |(does, audience)| EffectPlan {
        case: case.id.clone(),
        by: case.pin.control.clone(),
        does,
        audience,
        from,
        until,
    };
    definition.effects.iter().filter_map(|effect| planned(effect, case)).map(plan).collect()
}

fn planned(effect: &Effect, case: &Case) -> Option<(Planned, GrantAudience)> {
    match effect {
        Effect::OpenSite { .. } => None,
        Effect::Join { group, audience } => Some((Planned::Join { group: group.clone() }, audience.of(case)?)),
        Effect::Lift { clause, audience, only_towards } => {
            let towards = if *only_towards { Some(named_person(case)?) } else { None };
            Some((Planned::Lift { clause: clause.clone(), towards }, audience.of(case)?))
        }
        Effect::Task { duty, audience } => Some((Planned::Task { duty: duty.clone() }, audience.of(case)?)),
        Effect::Open { store, of } => {
            let GrantAudience::Person(of) = of.of(case)? else { return None };
            Some((Planned::Open { store: *store, of }, GrantAudience::Person(case.by.clone())))
        }
    }
}

#[cfg(test)]
mod tests;
