//! Names that stand for a person or a locked address and that nobody without the key can turn back or try out.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::BASE32HEX_NOPAD;
use schoolgate_base::{PersonId, SchoolId};

use crate::KeyHolder;

/// What events carry instead of a person: 26 characters, the same within one school and year, unlinkable over years
/// and schools.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(Box<str>);

/// What is kept of a hit on a locked list: never the entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockedHit(Box<str>);

macro_rules! text {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text!(Pseudonym);
text!(LockedHit);

/// Makes pseudonyms with HMAC-SHA256 (RFC 2104).
pub struct Pseudonyms {
    key: hmac::Key,
}

impl Pseudonyms {
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// `year` is the year in which the school year began.
    pub fn of(&self, school: &SchoolId, year: i16, person: &PersonId) -> Pseudonym {
        Pseudonym(self.text(&["person", school.as_str(), &year.to_string(), person.as_str()]))
    }

    /// The keyed hash of an entry of a locked list, in the form the list has it.
    pub fn locked_hit(&self, school: &SchoolId, entry: &str) -> LockedHit {
        LockedHit(self.text(&["locked", school.as_str(), entry]))
    }

    /// What stands for the name that somebody signs in with elsewhere: the same in any case.
    pub fn login(&self, school: &SchoolId, name: &str) -> Box<str> {
        self.text(&["login", school.as_str(), &name.to_lowercase()])
    }

    /// What stands for whoever may see a case: the database finds their cases by it and does not say who they are.
    pub fn party(&self, school: &SchoolId, holder: &KeyHolder) -> String {
        let kind = match holder {
            KeyHolder::Office(_) => "office",
            KeyHolder::Person(_) => "person",
        };
        self.text(&["party", school.as_str(), kind, &holder.to_string()]).into()
    }

    /// 128 bits: enough that two never meet, short enough for a column.
    fn text(&self, parts: &[&str]) -> Box<str> {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            // The length in front keeps ("ab", "c") and ("a", "bc") apart.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let half = tag.as_ref().get(..16).unwrap_or(tag.as_ref());
        BASE32HEX_NOPAD.encode(half).to_ascii_lowercase().into()
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}
