//! Rules about described things: a message, a file, a draft, a sign-in, a device, something written.
//!
//! A door describes what it sees as a [`Thing`]: marks by aspect (`to`: `parent`; `contains`: `personal-data`), what is
//! lacking, and amounts. [`judge()`] is one pure function for all six kinds (`mail`, `file`, `publish`, `account`,
//! `device`, `search`): which words a kind has is the language's business, not the engine's.
//!
//! Of the rules that fit, those that another fitting rule goes over and those that a live leave lifts fall away. The
//! strictest of the rest speaks; all of them are heard, so that a copy is sent even where another rule holds.

mod judge;
mod password;
mod thing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use schoolgate_base::{ClauseId, ControlId, ControlKind, GrantId, PersonId, Role, Within};
use serde::{Deserialize, Serialize};

use crate::scope::Scope;
use crate::snapshot::Audience;

pub use judge::{Heard, Judgement, judge};
pub use password::{
    CharacterKind, PasswordFacts, PasswordFault, PasswordRule, Renewal, Weakness, judge_password, renewal,
};
pub use thing::Thing;

/// One rule about things of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingRule {
    pub control: ControlId,
    /// The person is who acts: sender, actor, author, holder of the account or device.
    #[serde(flatten)]
    pub scope: Scope,
    /// All of these hold.
    pub conditions: Vec<Condition>,
    pub action: Action,
    #[serde(default)]
    pub hearing: Hearing,
    /// Offices that let go what is held.
    #[serde(default)]
    pub release: Vec<Role>,
    #[serde(default)]
    pub copy: Vec<Role>,
    #[serde(default)]
    pub tag: Option<Box<str>>,
    #[serde(default)]
    pub delay: Option<Delay>,
    /// The stretch of time in which [`Amount::Times`] and [`Amount::Seconds`] are counted.
    #[serde(default)]
    pub window: Option<Within>,
    /// A sentence for the person who acts.
    #[serde(default)]
    pub says: Option<Box<str>>,
    /// Controls this one is stated to win over.
    #[serde(default)]
    pub over: Vec<ControlId>,
}

/// One factor of a rule's condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The thing has one of these marks, or more.
    Any {
        aspect: Aspect,
        marks: BTreeSet<Box<str>>,
    },
    /// One of these, or more, is lacking.
    Lacking(BTreeSet<Box<str>>),
    AtLeast {
        amount: Amount,
        count: u64,
    },
}

/// On which side of a thing a mark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Where a message comes from: groups, `outside`, `private`.
    From,
    /// Whom it goes to, or the channel something is published in.
    To,
    /// The channel of a contact; whose a file is (`owner`, `other`).
    By,
    /// Content, as `school.toml` names it.
    Contains,
    /// What hangs on a message.
    Attached,
    /// What it is, or the circumstances.
    Is,
    /// Where: the store of a file, the source of what was written.
    In,
    /// What somebody does.
    Does,
    /// What a draft shows.
    Shows,
    System,
    /// Categories and classes of sites that somebody tried and did not get.
    Blocked,
    Visited,
}

/// Something counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// How many such in the rule's stretch of time, this one included.
    Times,
    /// Seconds of it in the rule's stretch of time.
    Seconds,
    Recipients,
    Megabytes,
    /// Days since it was made.
    AgeDays,
    /// Days since anybody opened it.
    UnopenedDays,
    /// Days since it was seen.
    UnseenDays,
    /// Seconds without anybody touching it.
    IdleSeconds,
}

/// What is done, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Allow,
    /// Kept in the log.
    Note,
    /// A finding for those who hear.
    Report,
    /// Marked, and let go.
    Tag,
    /// Let go without what must not go.
    Strip,
    /// The person confirms, or says why.
    Ask,
    /// Returned once for second thoughts.
    Pause,
    /// A second factor first.
    Verify,
    Delay,
    /// The password is changed first.
    Change,
    /// Waits for somebody who releases it.
    Hold,
    ReadOnly,
    /// Nothing but the portal.
    PortalOnly,
    Lock,
    /// Put apart, with a way back.
    Quarantine,
    Refuse,
    /// The account is closed.
    Close,
}

impl Action {
    pub const ALL: [Self; 17] = [
        Self::Allow,
        Self::Note,
        Self::Report,
        Self::Tag,
        Self::Strip,
        Self::Ask,
        Self::Pause,
        Self::Verify,
        Self::Delay,
        Self::Change,
        Self::Hold,
        Self::ReadOnly,
        Self::PortalOnly,
        Self::Lock,
        Self::Quarantine,
        Self::Refuse,
        Self::Close,
    ];

    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Note => "note",
            Self::Report => "report",
            Self::Tag => "tag",
            Self::Strip => "strip",
            Self::Ask => "ask",
            Self::Pause => "pause",
            Self::Verify => "verify",
            Self::Delay => "delay",
            Self::Change => "change",
            Self::Hold => "hold",
            Self::ReadOnly => "read-only",
            Self::PortalOnly => "portal-only",
            Self::Lock => "lock",
            Self::Quarantine => "quarantine",
            Self::Refuse => "refuse",
            Self::Close => "close",
        }
    }

    /// What became of the thing, as scenarios and pages say it.
    pub fn done(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Note => "noted",
            Self::Report => "reported",
            Self::Tag => "tagged",
            Self::Strip => "stripped",
            Self::Ask => "asked",
            Self::Pause => "paused",
            Self::Verify => "verified",
            Self::Delay => "delayed",
            Self::Change => "must change",
            Self::Hold => "held",
            Self::ReadOnly => "read-only",
            Self::PortalOnly => "portal-only",
            Self::Lock => "locked",
            Self::Quarantine => "quarantined",
            Self::Refuse => "refused",
            Self::Close => "closed",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who hears of it, and by when somebody has looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hearing {
    pub to: Vec<Listener>,
    /// Who hears instead when it is about the holder of an office.
    #[serde(default)]
    pub about: BTreeMap<Role, Vec<Role>>,
    #[serde(default)]
    pub within: Option<Within>,
}

/// Somebody who hears.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listener {
    Office(Role),
    /// The person who acts; it is about them, so they alone may hear although it is.
    Themself,
    /// Whose file, address or data it is.
    Owner,
    /// The line manager of the person who acts.
    Manager,
    /// Teachers of the class of the pupil who acts.
    ClassTeacher,
}

/// How long something waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delay {
    For(Within),
    /// Until the next minute of this period.
    Until(Box<str>),
}

/// A dated leave that an approved request gave: it lifts the rules of a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    pub id: GrantId,
    /// The request control it came from.
    pub control: ControlId,
    pub lifts: ClauseId,
    pub audience: Audience,
    /// Only towards this person; without one, towards anybody.
    #[serde(default)]
    pub towards: Option<PersonId>,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Whether a kind of control is about described things.
pub fn is_about_things(kind: ControlKind) -> bool {
    matches!(
        kind,
        ControlKind::Mail
            | ControlKind::File
            | ControlKind::Publish
            | ControlKind::Account
            | ControlKind::Device
            | ControlKind::Search
    )
}

#[cfg(test)]
mod tests;
