//! A decision, in the words in which a door records it.

use schoolgate_decide as decide;

use crate::{LockedHit, Reason, Verdict};

impl From<&decide::Decision> for Verdict {
    fn from(decision: &decide::Decision) -> Self {
        match (decision.verdict, &decision.reason) {
            (decide::Verdict::Allow, _) => Self::Allow,
            (decide::Verdict::Warn, _) => Self::Warn,
            (decide::Verdict::Block, decide::Reason::Urgent { .. }) => Self::Urgent,
            // What leads to the help page is only counted; nothing reaches here with this verdict.
            (decide::Verdict::Block | decide::Verdict::Help, _) => Self::Block,
            (decide::Verdict::Gate, _) => Self::Gate,
        }
    }
}

impl From<&decide::Reason> for Reason {
    fn from(reason: &decide::Reason) -> Self {
        match reason {
            decide::Reason::Rule { control, category, list } => {
                Self { control: Some(control.clone()), category: category.clone(), list: list.clone(), grant: None }
            }
            decide::Reason::Grant { id, control, .. } => {
                Self { control: Some(control.clone()), grant: Some(id.clone()), ..Self::default() }
            }
            decide::Reason::Urgent { id, .. } => Self { grant: Some(id.clone()), ..Self::default() },
            decide::Reason::Locked { .. }
            | decide::Reason::AlwaysOpen { .. }
            | decide::Reason::HelpList
            | decide::Reason::Unsigned { .. }
            | decide::Reason::NotSignedIn
            | decide::Reason::HelpTopic { .. }
            | decide::Reason::Default => Self::default(),
        }
    }
}

impl LockedHit {
    /// The list that a decision was made by.
    pub fn list_of(reason: &decide::Reason) -> Box<str> {
        match reason {
            decide::Reason::Locked { category } => category.clone(),
            _ => "locked".into(),
        }
    }
}
