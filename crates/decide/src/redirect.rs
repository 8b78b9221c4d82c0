//! What a redirect to the portal carries, sealed: where the person wanted to go and why they are here. No identity.

use jiff::Timestamp;
use schoolgate_base::Host;
use serde::{Deserialize, Serialize};

use crate::decision::{Reason, Verdict};

/// Purpose bound into the seal, so that no other sealed text can stand in for a redirect.
pub const PURPOSE: &str = "redirect/1";

/// How long a redirect is good for, in minutes.
pub const VALID_MINUTES: i64 = 5;

/// Why the person is sent to the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "because")]
pub enum Because {
    Decided {
        verdict: Verdict,
        reason: Reason,
    },
    /// The site could not be reached as it should be; `words` say how, for people.
    Upstream {
        words: Box<str>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    pub because: Because,
    /// `http` or `https`.
    pub scheme: Box<str>,
    pub host: Host,
    /// Where it is not the scheme's own.
    pub port: Option<u16>,
    /// Path and query; `/` where the door has not read them.
    pub path: Box<str>,
    /// Number of the snapshot that decided.
    pub snapshot: u64,
    pub made_at: Timestamp,
    /// Makes the redirect single-use, 128 random bits in hex.
    pub nonce: Box<str>,
}

impl Redirect {
    /// The page of the portal that answers it.
    pub fn page(&self) -> &'static str {
        match &self.because {
            Because::Decided { verdict: Verdict::Gate, .. } => "/agree",
            Because::Decided { verdict: Verdict::Help, .. } => "/help",
            Because::Decided { .. } => "/blocked",
            Because::Upstream { .. } => "/unreachable",
        }
    }

    /// The address the person wanted.
    pub fn wanted(&self) -> String {
        match self.port {
            Some(port) => format!("{}://{}:{port}{}", self.scheme, self.host, self.path),
            None => format!("{}://{}{}", self.scheme, self.host, self.path),
        }
    }
}
