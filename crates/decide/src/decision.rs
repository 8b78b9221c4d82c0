//! What is decided: verdict, conditions, reason, and until when it holds.

use jiff::Timestamp;
use schoolgate_base::{ControlId, GrantId, PolicyId};
use serde::{Deserialize, Serialize};

/// What happens to the request; ordered, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Allow,
    /// A page first, from which the person may go on.
    Warn,
    Block,
    /// The help page: who to talk to. Nothing is recorded but a count of the day.
    Help,
    /// The agreement (or the sign-in that leads to it), nothing else.
    Gate,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Block => "block",
            Self::Help => "help",
            Self::Gate => "gate",
        }
    }
}

/// Whether a connection may or must be decrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inspect {
    /// No rule says so; a door may look where the decision needs it.
    #[default]
    Unset,
    Wanted,
    /// Wins over everything.
    Never,
}

/// How a request is let through; joined over all rules that match, the strictest of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    pub inspect: Inspect,
    pub safe_search: bool,
    /// Lowest rate of all rules, in kilobits per second.
    pub rate_kbit: Option<u32>,
    /// Record the host only, never the full address.
    pub host_only_log: bool,
}

impl Conditions {
    /// The strictest of both in each respect.
    #[must_use]
    pub fn join(self, other: &Self) -> Self {
        let rate_kbit = match (self.rate_kbit, other.rate_kbit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            inspect: self.inspect.max(other.inspect),
            safe_search: self.safe_search || other.safe_search,
            rate_kbit,
            host_only_log: self.host_only_log || other.host_only_log,
        }
    }
}

/// The first thing that spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Reason {
    /// On a list that nothing lifts. The entry is not named.
    Locked {
        category: Box<str>,
    },
    AlwaysOpen {
        why: Box<str>,
    },
    /// On the help list; the visit leaves no trace.
    HelpList,
    Urgent {
        id: GrantId,
        until: Timestamp,
    },
    /// These agreements are missing.
    Unsigned {
        policies: Vec<PolicyId>,
    },
    /// Nobody has signed in on this device.
    NotSignedIn,
    /// A search about, or a site of, something to talk to somebody about.
    HelpTopic {
        topic: Box<str>,
    },
    Grant {
        id: GrantId,
        control: ControlId,
        until: Timestamp,
    },
    Rule {
        control: ControlId,
        category: Option<Box<str>>,
        list: Option<Box<str>>,
    },
    Default,
}

/// How much of the request a door may record; ordered, the least last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trace {
    Full,
    /// Host, never path.
    HostOnly,
    /// A keyed hash of the host (locked lists).
    HashOnly,
    /// A count of the day, without person, device or host.
    CountOnly,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    pub reason: Reason,
    pub conditions: Conditions,
    /// When to ask again at the latest; `None`: not before the next snapshot.
    pub valid_until: Option<Timestamp>,
    pub trace: Trace,
}

impl Decision {
    /// Where there are no facts to decide on: nothing is let through.
    pub fn closed() -> Self {
        Self {
            verdict: Verdict::Block,
            reason: Reason::Default,
            conditions: Conditions::default(),
            valid_until: None,
            trace: Trace::HostOnly,
        }
    }
}

/// A fact that could change the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    Url,
    Person,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Decided(Decision),
    /// `need` could change the verdict; a door that cannot learn it uses `if_unseen`. A door does not decrypt to learn
    /// it where `if_unseen` is [`Verdict::Gate`] (nobody is inspected who has not been told) or says
    /// [`Inspect::Never`].
    Needs {
        need: Need,
        if_unseen: Decision,
    },
}

impl Outcome {
    /// The decision of a door that learns no more.
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Decided(decision) | Self::Needs { if_unseen: decision, .. } => decision,
        }
    }

    pub fn into_decision(self) -> Decision {
        match self {
            Self::Decided(decision) | Self::Needs { if_unseen: decision, .. } => decision,
        }
    }
}

/// A rule that was looked at, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// Place in `Program::rules`.
    pub rule: usize,
    /// `None`: this is the one that spoke.
    pub lost: Option<WhyNot>,
}

/// Why a rule did not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNot {
    OtherAudience,
    OtherTime,
    OtherPlace,
    OtherDevice,
    /// Only conditions, no verdict.
    ConditionsOnly,
    LessSpecificTarget,
    LessSpecificAudience,
    /// Another control says that it wins over this one.
    Overridden,
    /// Equally specific, but less strict.
    LessStrict,
}
