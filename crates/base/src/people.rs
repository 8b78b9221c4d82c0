//! Who somebody is to a rule: capacity, groups, offices, and how strongly a door knows it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In what capacity a person is here. One per sign-in; groups of another capacity do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capacity {
    Staff,
    Pupil,
    Parent,
    Governor,
    Visitor,
    Device,
}

impl Capacity {
    pub const ALL: [Self; 6] = [Self::Staff, Self::Pupil, Self::Parent, Self::Governor, Self::Visitor, Self::Device];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Pupil => "pupil",
            Self::Parent => "parent",
            Self::Governor => "governor",
            Self::Visitor => "visitor",
            Self::Device => "device",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capacity| capacity.as_str() == word)
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How strongly a door knows who it is talking to; ordered, the strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Nothing but the address it came from.
    None,
    /// A portal session on the same address. The weakest grade: it cannot open a case about a person.
    Address,
    /// A lease (RADIUS, 802.1X) with its hardware address.
    Lease,
    /// On this very connection: device token, client certificate, Negotiate.
    Connection,
}

impl Strength {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Address => "address",
            Self::Lease => "lease",
            Self::Connection => "connection",
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            pub fn new(text: &str) -> Self {
                Self(text.into())
            }
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

name!(
    /// An audience: `staff`, `pupils.ks2`, `class:6B`. Inclusion is declared in `school.toml`.
    Group
);
name!(
    /// An office held by people with dates and deputies: `dsl`, `headteacher`.
    Role
);
name!(
    /// A class of devices: `personal`, `school-laptop`, `shared`.
    DeviceClass
);
