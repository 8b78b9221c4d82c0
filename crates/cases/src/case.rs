//! A case as it is stored: what was asked or reported, where it stands, and everything that happened to it.
//!
//! The whole of it serialises to one JSON body, which records seal for reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{CaseId, ControlId, Group, Host, PersonId, Role, SchoolId};
use serde::{Deserialize, Serialize};

use crate::Flag;

/// One piece of people's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    pub school: SchoolId,
    /// What the case was begun under; steps and clocks come from there to its end.
    pub pin: Pin,
    pub opened_at: Timestamp,
    /// Who asked or reported.
    pub by: PersonId,
    pub values: Values,
    pub body: Body,
    pub state: CaseState,
    /// When an answer is due.
    pub due_at: Option<Timestamp>,
    /// Oldest first; never rewritten, only appended to.
    pub trail: Vec<Entry>,
}

/// The control and the edition of the policies that a case was begun under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pin {
    pub control: ControlId,
    /// Of the control's document: what people call it.
    pub version: Box<str>,
    /// An edition may change controls and leave the version as it was. 0 in cases from before editions were pinned.
    #[serde(default)]
    pub edition: u32,
}

/// What is particular to the family a case belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "case", rename_all = "kebab-case")]
pub enum Body {
    Request {
        /// The control whose block led here, when it came from a block page: an approval lifts that and no more.
        lifts: Option<ControlId>,
    },
    Report {
        /// Whom it is about.
        subjects: BTreeSet<PersonId>,
        flags: BTreeSet<Flag>,
    },
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// Nobody has decided or acknowledged yet, or not all who must.
    Open,
    /// A request: granted, and its time not over.
    Approved,
    Refused,
    Withdrawn,
    /// A request: what was granted is over, by its time or because somebody ended it.
    Ended,
    /// A report: a recipient has taken it on.
    Acknowledged,
    /// A report: dealt with.
    Closed,
}

impl CaseState {
    /// Whether nobody has anything left to do.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn | Self::Ended | Self::Closed)
    }
}

/// Who did something to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The asker or reporter, as themselves.
    Party(PersonId),
    /// Somebody in an office.
    Office { person: PersonId, role: Role },
    /// A clock or a publish.
    Program,
}

/// One thing that happened to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    pub by: Actor,
    pub act: Act,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    Opened,
    /// One approval; it opens something only when it is the last one needed.
    Approved {
        until: Option<Timestamp>,
        /// The office this approval counts for.
        counts_for: Role,
        stand_in: bool,
    },
    Refused {
        reason: String,
    },
    Withdrawn,
    /// What was granted is over.
    Ended {
        reason: String,
    },
    Acknowledged,
    /// A note; `for_parties` means the reporter may read it too.
    Noted {
        text: String,
        for_parties: bool,
    },
    /// One of the steps without which the policy lets nobody close it.
    Stepped {
        step: Box<str>,
    },
    Closed {
        outcome: String,
    },
}

/// The checked answers of a form, by field name.
pub type Values = BTreeMap<Box<str>, Value>;

/// One checked answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Site(Site),
    Class(Group),
    Person(PersonId),
    Text(String),
    Until(Timestamp),
    Choice(Box<str>),
    Tick(bool),
    Day(Date),
    Number(i64),
}

/// A site as somebody named it: its host, and the path when they gave one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    pub host: Host,
    /// Begins with `/`; `None` for the whole site. Without query or fragment, which may hold names.
    pub path: Option<Box<str>>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path.as_deref().unwrap_or(""))
    }
}
