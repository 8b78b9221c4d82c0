//! What changed between two editions of a policy, for a person who agreed to the earlier one.

use schoolgate_base::ClauseId;
use serde::Serialize;

use super::{ClauseView, PartView, PolicyView};

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    pub from: String,
    pub to: String,
    /// In the order of the later edition; removed clauses last.
    pub clauses: Vec<ClauseChange>,
}

/// What happened to one clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum ClauseChange {
    Added {
        id: ClauseId,
        number: String,
        text: String,
    },
    Removed {
        id: ClauseId,
        number: String,
        text: String,
    },
    /// Other words.
    Reworded {
        id: ClauseId,
        number: String,
        before: String,
        after: String,
    },
    /// The same words, kept in another way.
    KeptOtherwise {
        id: ClauseId,
        number: String,
        before: Vec<String>,
        after: Vec<String>,
    },
}

impl PolicyChange {
    /// Whether what people agree to is other than before, so that they are asked again.
    pub fn is_material(&self) -> bool {
        self.clauses.iter().any(|change| !matches!(change, ClauseChange::KeptOtherwise { .. }))
    }

    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }
}

/// Compares two editions. A clause is the same clause while its id is, or while it says which id it had; a new number
/// alone is no change.
pub fn changes(before: &PolicyView, after: &PolicyView) -> PolicyChange {
    let (old, new) = (clauses(before), clauses(after));
    let mut found = Vec::new();
    for clause in &new {
        let (id, number) = (clause.id.clone(), clause.number.clone());
        match old.iter().find(|earlier| is_same(earlier, clause)) {
            None => found.push(ClauseChange::Added { id, number, text: clause.text.clone() }),
            Some(earlier) if squeeze(&earlier.text) != squeeze(&clause.text) => {
                let (before, after) = (earlier.text.clone(), clause.text.clone());
                found.push(ClauseChange::Reworded { id, number, before, after });
            }
            Some(earlier) => {
                let (before, after) = (kept(earlier), kept(clause));
                if before != after {
                    found.push(ClauseChange::KeptOtherwise { id, number, before, after });
                }
            }
        }
    }
    let gone = old.iter().filter(|earlier| !new.iter().any(|clause| is_same(earlier, clause)));
    found.extend(gone.map(|clause| ClauseChange::Removed {
        id: clause.id.clone(),
        number: clause.number.clone(),
        text: clause.text.clone(),
    }));
    PolicyChange { from: before.version.clone(), to: after.version.clone(), clauses: found }
}

fn is_same(earlier: &ClauseView, clause: &ClauseView) -> bool {
    let id = &earlier.id.clause;
    *id == clause.id.clause || clause.was.contains(id)
}

fn clauses(view: &PolicyView) -> Vec<&ClauseView> {
    let clause = |part: &'_ PartView| matches!(part, PartView::Clause(_));
    view.parts
        .iter()
        .filter(|part| clause(part))
        .filter_map(|part| match part {
            PartView::Clause(clause) => Some(&**clause),
            PartView::Heading { .. } | PartView::Prose { .. } => None,
        })
        .collect()
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kept(clause: &ClauseView) -> Vec<String> {
    let controls = clause.controls.iter().map(|control| format!("{}: {}", control.keeper, control.words));
    controls.chain(clause.kept_by.iter().cloned()).collect()
}
