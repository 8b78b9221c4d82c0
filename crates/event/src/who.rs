//! Who a door believes it was talking to, without a name.

use std::fmt;
use std::str::FromStr;

use schoolgate_base::{Capacity, DeviceId, Strength};
use serde::{Deserialize, Serialize};

/// Shortest and longest pseudonym, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

/// Stands for one person in one school; only `keys` can tell whom.
///
/// 16 to 64 lower-case letters and digits. Account names and mail addresses have dots, `@` or are shorter, so most
/// mistakes of passing one are refused here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pseudonym(Box<str>);

/// Why a text is not a pseudonym. Holds no part of the text: it may be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym has 16 to 64 lower-case letters and digits")]
pub struct PseudonymError;

impl Pseudonym {
    pub fn new(text: &str) -> Result<Self, PseudonymError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if LENGTH.contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(PseudonymError)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pseudonym {
    type Err = PseudonymError;
    fn from_str(text: &str) -> Result<Self, PseudonymError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Pseudonym {
    type Error = PseudonymError;
    fn try_from(text: String) -> Result<Self, PseudonymError> {
        Self::new(&text)
    }
}

impl From<Pseudonym> for String {
    fn from(pseudonym: Pseudonym) -> String {
        pseudonym.0.into()
    }
}

/// What was known of the asker at the time of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub person: Option<Pseudonym>,
    pub capacity: Option<Capacity>,
    /// How the door knew; the weakest grade cannot open a case about a person.
    pub strength: Strength,
    pub device: Option<DeviceId>,
    /// The place's name in `school.toml`.
    pub place: Option<Box<str>>,
}

impl Who {
    /// Nobody and nothing is known.
    pub const UNKNOWN: Self =
        Self { person: None, capacity: None, strength: Strength::None, device: None, place: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_pseudonym() {
        for text in ["", "tess.teacher", "tess@school.example", "Tess Teacher of 6B", "short"] {
            assert_eq!(Pseudonym::new(text), Err(PseudonymError), "{text}");
        }
        assert_eq!(Pseudonym::new("k3v9q0zt5x8e2m1c").map(|p| p.to_string()).as_deref(), Ok("k3v9q0zt5x8e2m1c"));
    }
}
