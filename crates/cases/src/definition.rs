//! What a policy says about a kind of case: who may ask or report, who decides or hears, by when, with which form.
//!
//! These are the compiled controls `request` and `report`. They name offices, never persons.

use std::collections::BTreeMap;
use std::fmt;

use schoolgate_base::{ControlId, Group, Role, Within};
use serde::{Deserialize, Serialize};

use crate::{Case, Effect, Site, Value};

/// One compiled control of the family *cases*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "case", rename_all = "kebab-case")]
pub enum Definition {
    Request(RequestDefinition),
    Report(ReportDefinition),
}

/// Who may ask for what, who decides, for how long, and what an approval does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDefinition {
    pub control: ControlId,
    /// The version of the policy this was compiled from, such as `2.9`; cases pin it.
    pub version: Box<str>,
    /// The word of the policy: `open-site`.
    pub kind: Box<str>,
    /// As people read it: `Ask for a site`.
    pub title: Box<str>,
    pub clause: ClauseText,
    /// Whoever is in one of these audiences may ask; empty means everybody.
    pub ask: Vec<Group>,
    pub decide: Decide,
    /// Offices that decide when nobody in `decide` can, or when the answer is overdue.
    #[serde(default)]
    pub stand_in: Vec<Role>,
    pub form: Vec<Field>,
    /// The longest time an approval may last, from the moment of asking.
    #[serde(default)]
    pub longest: Option<Within>,
    /// What an approval does; nothing where the approval itself is what was asked for.
    #[serde(default)]
    pub effects: Vec<Effect>,
    #[serde(default)]
    pub answer_within: Option<Within>,
    /// How long it is kept after it is over; for ever where nothing is said.
    #[serde(default)]
    pub keep: Option<Within>,
}

/// Who may report what, to whom, who instead when it concerns them, and which way out of the school there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDefinition {
    pub control: ControlId,
    pub version: Box<str>,
    /// The word of the policy: `concern-about-adult`.
    pub kind: Box<str>,
    /// As people read it: `Report a concern about an adult`.
    pub title: Box<str>,
    pub clause: ClauseText,
    /// Whoever is in one of these audiences may report; empty means everybody.
    #[serde(default)]
    pub ask: Vec<Group>,
    pub to: Vec<Role>,
    /// Who hears instead when the report is about the holder of an office.
    #[serde(default)]
    pub about: BTreeMap<Role, Vec<Role>>,
    /// Who hears as well when a flag is ticked.
    #[serde(default)]
    pub also: BTreeMap<Flag, Vec<Role>>,
    /// The way out of the school for a flag: `LADO, within 1 working day`.
    #[serde(default)]
    pub outside: BTreeMap<Flag, Box<str>>,
    #[serde(default)]
    pub within: Option<Within>,
    /// Who hears when nobody has taken it on.
    #[serde(default)]
    pub escalate: Option<Escalate>,
    /// What has to be done before it can be closed.
    #[serde(default)]
    pub steps: Vec<Box<str>>,
    /// How it can end; with none, whoever closes it says so in their own words.
    #[serde(default)]
    pub outcomes: Vec<Box<str>>,
    /// Whether files may be sent with it.
    #[serde(default = "yes")]
    pub takes_files: bool,
    #[serde(default)]
    pub keep: Option<Within>,
    pub form: Vec<Field>,
}

fn yes() -> bool {
    true
}

/// Who hears of a report that nobody has taken on for so long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalate {
    pub after: Within,
    pub to: Vec<Role>,
}

/// Who is told of something, or may see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    Role(Role),
    /// Whom it is about.
    Them,
}

/// The clause a definition makes true, as it is shown beside the form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClauseText {
    /// As printed: `6.1`.
    #[serde(default)]
    pub number: Option<Box<str>>,
    pub text: Box<str>,
}

/// Who decides a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    pub how: How,
    pub roles: Vec<Role>,
    /// How many different persons must approve; only with [`How::Any`], at least 1.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// How the offices of [`Decide`] work together. A person approves once, whatever offices they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Any of them.
    Any,
    /// Each of them, in any order.
    All,
    /// Each of them, one after the other.
    InOrder,
}

/// Something that may be true of a report and changes its route: `child_safety`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flag(Box<str>);

impl Flag {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The word of the policy and the name of the input: `site`.
    pub name: Box<str>,
    /// As people read it: `Which site?`.
    pub label: Box<str>,
    #[serde(default)]
    pub help: Option<Box<str>>,
    pub kind: FieldKind,
    pub required: bool,
    /// The most characters an answer may have.
    pub longest: u32,
}

/// What sort of answer a field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A host name or an address of a page.
    Site,
    /// A class: `6B`, kept as the group `class:6B`.
    Class,
    /// A person of the school, as their id. In a report: whom it is about.
    Person,
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// A day or a local time by which it ends.
    Until,
    /// One of these, as (value, label).
    Choice(Vec<(Box<str>, Box<str>)>),
    /// A box to tick. In a report, the [`Flag`] of the field's name.
    Tick,
    /// A day, past or to come.
    Day,
    /// A whole number.
    Number,
}

impl Field {
    /// The fields a policy may name by one word, with their usual labels; `None` for an unknown word.
    pub fn known(name: &str) -> Option<Self> {
        let (label, help, kind, required, longest) = match name {
            "site" => {
                ("Which site?", "For example maps.example, or the address of the page", FieldKind::Site, true, 2_000)
            }
            "class" => ("For which class?", "For example 6B", FieldKind::Class, true, 40),
            "person" => ("Who is it about?", "", FieldKind::Person, false, 96),
            "why" => ("What do you need it for?", "A sentence is enough", FieldKind::Text, true, 2_000),
            "until" => ("Until when?", "The last day it is needed, for example 27/11/2026", FieldKind::Until, true, 40),
            "what" => ("What happened?", "What you saw or heard, in your own words", FieldKind::Text, true, 10_000),
            "when" => ("When was it?", "As well as you remember", FieldKind::Line, false, 200),
            "where" => ("Where was it?", "", FieldKind::Line, false, 200),
            "child_safety" => ("A child may be at risk", "", FieldKind::Tick, false, 8),
            "may_meet_harm_threshold" => {
                ("An adult may have harmed a child, or may not be safe with children", "", FieldKind::Tick, false, 8)
            }
            _ => return None,
        };
        let help = (!help.is_empty()).then(|| help.into());
        Some(Self { name: name.into(), label: label.into(), help, kind, required, longest })
    }

    /// The words [`Field::known`] answers, for the checker to suggest from.
    pub const KNOWN: [&'static str; 10] =
        ["site", "class", "person", "why", "until", "what", "when", "where", "child_safety", "may_meet_harm_threshold"];
}

impl RequestDefinition {
    /// The sites that an approval of a case would open, with the fields that name them.
    pub fn sites<'c>(&self, case: &'c Case) -> impl Iterator<Item = (&'c Box<str>, &'c Site)> {
        let values = self.opens_site().then_some(&case.values).into_iter().flatten();
        values.filter_map(|(field, value)| match value {
            Value::Site(site) => Some((field, site)),
            _ => None,
        })
    }

    pub fn opens_site(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::OpenSite { .. }))
    }
}

impl Definition {
    /// How long a case is kept after it is over.
    pub fn keep(&self) -> Option<&Within> {
        match self {
            Self::Request(request) => request.keep.as_ref(),
            Self::Report(report) => report.keep.as_ref(),
        }
    }

    pub fn control(&self) -> &ControlId {
        match self {
            Self::Request(request) => &request.control,
            Self::Report(report) => &report.control,
        }
    }

    pub fn version(&self) -> &str {
        match self {
            Self::Request(request) => &request.version,
            Self::Report(report) => &report.version,
        }
    }

    pub fn title(&self) -> &str {
        match self {
            Self::Request(request) => &request.title,
            Self::Report(report) => &report.title,
        }
    }

    pub fn form(&self) -> &[Field] {
        match self {
            Self::Request(request) => &request.form,
            Self::Report(report) => &report.form,
        }
    }

    /// Every office the definition names, for the checker to look up.
    pub fn roles(&self) -> Vec<&Role> {
        match self {
            Self::Request(request) => request.decide.roles.iter().chain(&request.stand_in).collect(),
            Self::Report(report) => {
                let instead = report.about.iter().flat_map(|(role, roles)| std::iter::once(role).chain(roles));
                let late = report.escalate.iter().flat_map(|escalate| &escalate.to);
                report.to.iter().chain(instead).chain(report.also.values().flatten()).chain(late).collect()
            }
        }
    }
}
