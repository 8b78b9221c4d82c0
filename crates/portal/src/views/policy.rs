//! The rules with their controls, and what shows that they are kept.

use askama::Template;
use schoolgate_policy::show::Fact;

use crate::views::Pair;
use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};

/// How we know that a control is kept. Never added up, never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Known {
    System,
    Checked,
    Promised,
    Nobody,
}

impl Known {
    pub(crate) const ALL: [Self; 4] = [Self::System, Self::Checked, Self::Promised, Self::Nobody];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::System => "Kept by a system",
            Self::Checked => "Checked by a person",
            Self::Promised => "Promised",
            Self::Nobody => "Nobody knows",
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::System => "A machine keeps it, and its records show that it does",
            Self::Checked => "A named person does it, and it is written down each time",
            Self::Promised => "People have agreed to it; nothing else shows that it is kept",
            Self::Nobody => "Nothing shows whether it is kept",
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Checked => "checked",
            Self::Promised => "promised",
            Self::Nobody => "unknown",
        }
    }
}

#[derive(Template)]
#[template(path = "policy/list.html")]
pub(crate) struct PoliciesPage {
    pub(crate) frame: Frame,
    pub(crate) in_force: String,
    pub(crate) rows: Vec<PolicyRow>,
    pub(crate) can_edit: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct PolicyRow {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) count: String,
}

#[derive(Template)]
#[template(path = "policy/show.html")]
pub(crate) struct PolicyPage {
    pub(crate) frame: Frame,
    pub(crate) policy: String,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) in_force: String,
    /// Who answers for it, and until when.
    pub(crate) about: Vec<Fact>,
    /// For those who look after the rules; everybody else reads the text alone.
    pub(crate) overview: Option<Overview>,
    pub(crate) parts: Vec<PolicyPart>,
}

#[derive(Debug, Clone)]
pub(crate) struct Overview {
    /// SVG from `chart`.
    pub(crate) chart: String,
    pub(crate) rows: Vec<OverviewRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct OverviewRow {
    pub(crate) how: Known,
    pub(crate) count: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct PolicyPart {
    pub(crate) heading: String,
    /// Safe HTML before the first clause; may be empty.
    pub(crate) intro: String,
    pub(crate) clauses: Vec<PolicyClause>,
}

#[derive(Debug, Clone)]
pub(crate) struct PolicyClause {
    pub(crate) anchor: String,
    pub(crate) number: String,
    /// From Markdown with raw HTML off.
    pub(crate) html: String,
    pub(crate) controls: Vec<ControlShown>,
}

/// A control in plain words.
#[derive(Debug, Clone)]
pub(crate) struct ControlShown {
    pub(crate) words: String,
    pub(crate) keeper: String,
    pub(crate) how: Known,
    /// The number, in a sentence; may be empty.
    pub(crate) evidence: String,
    /// Where the rows behind the number are; empty when there is no step.
    pub(crate) href: String,
}

#[derive(Template)]
#[template(path = "policy/clause.html")]
pub(crate) struct ClausePage {
    pub(crate) frame: Frame,
    pub(crate) policy: String,
    pub(crate) policy_title: String,
    pub(crate) anchor: String,
    pub(crate) number: String,
    pub(crate) html: String,
    /// `None` for whoever reads the text alone.
    pub(crate) controls: Option<Vec<ControlShown>>,
    pub(crate) can_edit: bool,
}

#[derive(Template)]
#[template(path = "policy/evidence.html")]
pub(crate) struct EvidencePage {
    pub(crate) frame: Frame,
    pub(crate) back: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    /// SVG from `chart`; may be empty.
    pub(crate) chart: String,
    pub(crate) caption: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Pair>>,
    pub(crate) note: String,
    pub(crate) look_up: Option<LookUpForm>,
}

/// Names come only after a reason.
#[derive(Debug, Clone)]
pub(crate) struct LookUpForm {
    pub(crate) action: String,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) inputs: Vec<Input>,
}
