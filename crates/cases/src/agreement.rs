//! Who has to agree to a policy now, and how.
//!
//! Computed from what somebody signed and when, never stored, so that it cannot be forgotten. That the agreement holds
//! the gate shut, and what the page shows, is the shell's.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schoolgate_base::{ControlId, Group, PolicyId, Role, Within};
use serde::{Deserialize, Serialize};

use crate::Moment;
use crate::open::may_use;

/// Who has to agree to what: a compiled `sign` control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub control: ControlId,
    pub policy: PolicyId,
    pub version: Box<str>,
    pub title: Box<str>,
    /// Whoever is in one of these.
    pub who: Vec<Group>,
    /// Unsigned means no internet.
    pub is_gate: bool,
    /// How long the gate stays open after this version comes into force; without it, not at all.
    pub within: Option<Within>,
    pub again: Again,
    #[serde(default)]
    pub form: AgreeForm,
    /// Who countersigns: somebody of this group, such as a parent.
    #[serde(default)]
    pub with: Option<Group>,
    /// The office that files it.
    #[serde(default)]
    pub receipt: Option<Role>,
}

/// When people agree again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// At each new version.
    AnyChange,
    /// At a version whose author says that it changes something for people, or that adds or changes a clause's words.
    MaterialChange,
    /// After so long, and at a material change.
    Every(Within),
    /// At each sign-in.
    EveryLogIn,
    /// Never again, whatever changes.
    Once,
}

/// How people agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreeForm {
    #[default]
    Click,
    /// On paper, filed by an office.
    Paper,
    /// Each clause for itself.
    Items,
    /// After a few short questions.
    Quiz,
}

impl AgreeForm {
    pub const ALL: [(&'static str, Self); 4] =
        [("click", Self::Click), ("paper", Self::Paper), ("items", Self::Items), ("quiz", Self::Quiz)];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, form)| *form == self).map_or("", |(word, _)| word)
    }
}

/// What somebody agreed to last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFact {
    pub version: Box<str>,
    pub at: Timestamp,
    /// Whether the words of the policy are still those they agreed to.
    pub is_same_words: bool,
}

/// Why somebody has to agree now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Must {
    /// They never did.
    First,
    /// Something has changed since.
    Changed,
    /// It is too long ago.
    TimePassed,
    /// They have just signed in.
    LogIn,
}

/// Whether somebody in these groups has to agree now, and why. `signed` is what they agreed to last; `signed_in_at` is
/// the beginning of their session, if they are in one.
pub fn must_agree(
    agreement: &Agreement,
    groups: &BTreeSet<Group>,
    signed: Option<&SignedFact>,
    signed_in_at: Option<Timestamp>,
    moment: Moment<'_>,
) -> Option<Must> {
    if !may_use(&agreement.who, groups) {
        return None;
    }
    let Some(signed) = signed else { return Some(Must::First) };
    let is_changed = signed.version != agreement.version && !signed.is_same_words;
    match &agreement.again {
        Again::Once => None,
        Again::AnyChange => (signed.version != agreement.version).then_some(Must::Changed),
        Again::MaterialChange => is_changed.then_some(Must::Changed),
        Again::Every(_) if is_changed => Some(Must::Changed),
        Again::Every(within) => (moment.deadline(within, signed.at) <= moment.now).then_some(Must::TimePassed),
        Again::EveryLogIn => signed_in_at.is_none_or(|session| signed.at < session).then_some(Must::LogIn),
    }
}

#[cfg(test)]
mod tests;
