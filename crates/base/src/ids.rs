//! Ids: short text, one type per kind of thing, so that two cannot be swapped.
//!
//! Random ids are made by the shell from 16 random bytes; this crate has no randomness of its own.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};

/// Longest id accepted, in bytes.
const ID_MAX_BYTES: usize = 96;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an id must not be empty")]
    Empty,
    #[error("an id may hold at most {ID_MAX_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    #[error("an id may not hold {0:?}; use letters, digits and - _ . : @")]
    Character(char),
    #[error("`{0}` is not a control id; write `policy#clause/kind` or `policy#clause/kind/name`")]
    NotAControl(String),
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > ID_MAX_BYTES {
        return Err(IdError::TooLong(text.len()));
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "-_.:@".contains(*c);
    match text.chars().find(|c| !allowed(c)) {
        Some(character) => Err(IdError::Character(character)),
        None => Ok(()),
    }
}

/// Lower-case base 32 without padding or look-alike letters (Crockford's alphabet).
fn random_text(bytes: [u8; 16]) -> Arc<str> {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    match specification.encoding() {
        Ok(encoding) => Encoding::encode(&encoding, &bytes).into(),
        // The alphabet above is fixed and valid; base 16 is as unique, only longer.
        Err(_) => data_encoding::HEXLOWER.encode(&bytes).into(),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text of 1 to 96 letters, digits and `- _ . : @`.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// An id nobody can guess or count, from 16 random bytes.
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(random_text(bytes))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::text_type!($name, IdError);
    };
}

id!(
    /// A school: every row, key, file and event belongs to exactly one.
    SchoolId
);
id!(
    /// A person of the trust.
    PersonId
);
id!(
    /// A device that was enrolled and has its own token.
    DeviceId
);
id!(
    /// A policy document, such as `staff-ict`; stable over its versions.
    PolicyId
);
id!(
    /// A case. Random, so that a sealed case cannot be noticed by a gap.
    CaseId
);
id!(
    /// A dated exception compiled from an approved request.
    GrantId
);
id!(
    /// One recorded fact.
    EventId
);
id!(
    /// One signed-in session.
    SessionId
);

/// A clause of a policy; written `policy#clause`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClauseId {
    pub policy: PolicyId,
    /// The anchor in the document, without `#`.
    pub clause: Box<str>,
}

impl fmt::Display for ClauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.policy, self.clause)
    }
}

/// The thirteen kinds of control of the policy language, in three families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlKind {
    Web,
    Search,
    Mail,
    File,
    Publish,
    Account,
    Device,
    Request,
    Report,
    Register,
    Duty,
    Sign,
    Remind,
}

impl ControlKind {
    pub const ALL: [Self; 13] = [
        Self::Web,
        Self::Search,
        Self::Mail,
        Self::File,
        Self::Publish,
        Self::Account,
        Self::Device,
        Self::Request,
        Self::Report,
        Self::Register,
        Self::Duty,
        Self::Sign,
        Self::Remind,
    ];

    /// The word used in policies and ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Search => "search",
            Self::Mail => "mail",
            Self::File => "file",
            Self::Publish => "publish",
            Self::Account => "account",
            Self::Device => "device",
            Self::Request => "request",
            Self::Report => "report",
            Self::Register => "register",
            Self::Duty => "duty",
            Self::Sign => "sign",
            Self::Remind => "remind",
        }
    }
}

/// A control, stable over versions; written `policy#clause/kind` or `policy#clause/kind/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlId {
    pub clause: ClauseId,
    pub kind: ControlKind,
    pub name: Option<Box<str>>,
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.clause, self.kind.as_str())?;
        match &self.name {
            Some(name) => write!(f, "/{name}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ControlId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::NotAControl(text.to_owned());
        let (policy, rest) = text.split_once('#').ok_or_else(wrong)?;
        let mut parts = rest.splitn(3, '/');
        let clause = parts.next().filter(|clause| !clause.is_empty()).ok_or_else(wrong)?;
        let kind = parts.next().ok_or_else(wrong)?;
        let kind = ControlKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or_else(wrong)?;
        Ok(Self {
            clause: ClauseId { policy: PolicyId::new(policy)?, clause: clause.into() },
            kind,
            name: parts.next().map(Into::into),
        })
    }
}

impl TryFrom<String> for ControlId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ControlId> for String {
    fn from(id: ControlId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_ids_round_trip() {
        for text in ["staff-ict#own-time/web", "staff-ict#unblock/request/open-site"] {
            assert_eq!(text.parse::<ControlId>().unwrap().to_string(), text);
        }
        for text in ["staff-ict", "staff-ict#", "staff-ict#x", "staff-ict#x/nothing", "a b#x/web"] {
            assert!(text.parse::<ControlId>().is_err(), "{text}");
        }
    }

    #[test]
    fn random_ids_are_plain_text() {
        let id = CaseId::from_random([0xff; 16]);
        assert_eq!(CaseId::new(id.as_str()).unwrap(), id);
        assert_eq!(id.as_str().len(), 26);
    }
}
