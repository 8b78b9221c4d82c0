//! The events themselves, and the words they are written in.
//!
//! Three kinds in one enum rather than one struct of options: a hit on a locked list then has nowhere to put the
//! address or a person, and an accident nowhere to put a verdict that somebody could count against anyone.

use jiff::Timestamp;
use schoolgate_base::{ClauseId, ControlId, DeviceId, GrantId, Host, SchoolId};
use serde::{Deserialize, Serialize};

use crate::{LockedHash, Tls, Who};

/// One immutable fact that a door recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Decision(Decision),
    LockedHit(LockedHit),
    Accident(Accident),
}

impl Event {
    pub fn school(&self) -> &SchoolId {
        match self {
            Self::Decision(decision) => &decision.school,
            Self::LockedHit(hit) => &hit.school,
            Self::Accident(accident) => &accident.school,
        }
    }

    pub fn at(&self) -> Timestamp {
        match self {
            Self::Decision(decision) => decision.at,
            Self::LockedHit(hit) => hit.at,
            Self::Accident(accident) => accident.at,
        }
    }
}

/// What a door decided about one request or one tunnel. Recorded when it ends, so that bytes and duration are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub school: SchoolId,
    /// When the request began.
    pub at: Timestamp,
    pub door: Door,
    pub who: Who,
    pub host: Host,
    /// The full address, when the door saw it and the conditions of the decision let it be kept.
    pub url: Option<Box<str>>,
    /// The request's method; empty for doors without one.
    pub method: Box<str>,
    pub verdict: Verdict,
    pub reason: Reason,
    /// Number of the snapshot root that it was judged by.
    pub snapshot: u64,
    pub traffic: Traffic,
    pub mode: Mode,
    /// The handshakes on both sides, where there were any.
    pub tls: Option<Box<Tls>>,
}

/// An address on a locked list was asked for from this device. Not a person's attempt: pages, prefetch and malware
/// ask too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedHit {
    pub school: SchoolId,
    pub at: Timestamp,
    pub door: Door,
    pub device: Option<DeviceId>,
    pub place: Option<Box<str>>,
    pub address: LockedHash,
    pub list: Box<str>,
    pub snapshot: u64,
}

/// "I did not mean to open this": one click on a block or warning page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accident {
    pub school: SchoolId,
    pub at: Timestamp,
    pub door: Door,
    pub who: Who,
    /// What the page was about.
    pub host: Host,
    pub reason: Reason,
}

/// Why it was decided so. All absent: the default of the audience.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub control: Option<ControlId>,
    pub category: Option<Box<str>>,
    /// Where the category was learned.
    pub list: Option<Box<str>>,
    pub grant: Option<GrantId>,
}

impl Reason {
    pub fn clause(&self) -> Option<&ClauseId> {
        self.control.as_ref().map(|control| &control.clause)
    }
}

/// How much passed, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub duration_ms: u32,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in columns and logs.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words!(
    /// Which point of enforcement recorded it. The portal records what people say on its block pages.
    Door {
        Proxy = "proxy",
        Dns = "dns",
        Icap = "icap",
        Mail = "mail",
        Files = "files",
        Portal = "portal",
    }
);

words!(
    /// What came of the request. There is no word for "sent to the help page": that is only ever a daily count.
    Verdict {
        Allow = "allow",
        Warn = "warn",
        Block = "block",
        Hold = "hold",
        /// Sent to the agreement: not signed, or nobody known where the policy wants somebody.
        Gate = "gate",
        /// An urgent block of the safeguarding lead or technician.
        Urgent = "urgent",
        /// Never forwarded by any policy: loopback, metadata addresses, forbidden ports.
        Refused = "refused",
        /// Allowed, but the site could not be reached or its certificate was not valid.
        Failed = "failed",
    }
);

words!(
    /// How the door carried it.
    Mode {
        Plain = "plain",
        Tunnel = "tunnel",
        Inspected = "inspected",
        /// Answered by the door itself, without talking to the site.
        LocalAnswer = "local-answer",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        assert!(Verdict::ALL.iter().all(|&one| Verdict::from_word(one.as_str()) == Some(one)));
        assert!(Door::ALL.iter().all(|&one| Door::from_word(one.as_str()) == Some(one)));
        assert!(Mode::ALL.iter().all(|&one| Mode::from_word(one.as_str()) == Some(one)));
        assert_eq!(Verdict::from_word("help"), None);
    }
}
