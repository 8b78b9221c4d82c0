//! Who a door believes it was talking to, without a name, and which locked address it was, without the address.

use std::sync::Arc;

use schoolgate_base::{Capacity, DeviceId, Strength};
use serde::{Deserialize, Serialize};

/// Shortest and longest keyed text, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

/// Why a text is not a keyed text. Holds no part of it: it may be a name or a locked address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym or a locked hash has 16 to 64 lower-case letters and digits")]
pub struct KeyedTextError;

macro_rules! keyed_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes what `keys` made.
            pub fn new(text: &str) -> Result<Self, KeyedTextError> {
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
                if LENGTH.contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.into()))
                } else {
                    Err(KeyedTextError)
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        schoolgate_base::text_type!($name, KeyedTextError);
    };
}

keyed_text!(
    /// Stands for one person in one school; only `keys` can tell whom.
    ///
    /// 16 to 64 lower-case letters and digits. Account names and mail addresses have dots, `@` or are shorter, so
    /// most mistakes of passing one are refused here.
    Pseudonym
);
keyed_text!(
    /// Keyed hash of an address on a locked list: entries are never shown, exported or logged. Refuses an address for
    /// the same reason as [`Pseudonym`] a name.
    LockedHash
);

impl LockedHash {
    /// From a keyed digest, as 64 hexadecimal digits.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
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
            assert_eq!(Pseudonym::new(text), Err(KeyedTextError), "{text}");
        }
        assert_eq!(Pseudonym::new("k3v9q0zt5x8e2m1c").map(|p| p.to_string()).as_deref(), Ok("k3v9q0zt5x8e2m1c"));
    }
}
