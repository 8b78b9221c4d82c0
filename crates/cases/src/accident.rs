//! "I did not mean to open this": a note somebody makes about themselves.
//!
//! It is no case and no report, and nothing turns it into one: it has no subject, no route, no state. That is why it is
//! a type of its own and not a variant of [`crate::Body`]: counting misuse counts cases, and this is none.

use jiff::Timestamp;
use schoolgate_base::{Host, PersonId, Role, SchoolId};
use serde::{Deserialize, Serialize};

use crate::Offices;

/// The note. What it is good for: the site is looked at, and the person has said so first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accident {
    pub school: SchoolId,
    pub person: PersonId,
    pub host: Host,
    pub at: Timestamp,
}

impl Accident {
    /// Who is asked to look at the site: the offices the policy names, the person themselves left out.
    pub fn told_to<'a>(&self, roles: &'a [Role], offices: &'a Offices) -> Vec<&'a PersonId> {
        let mut told: Vec<&PersonId> = Vec::new();
        for holder in roles.iter().flat_map(|role| offices.of_role(role)) {
            if holder.person != self.person && !told.contains(&&holder.person) {
                told.push(&holder.person);
            }
        }
        told
    }
}
