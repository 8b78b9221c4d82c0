//! Which things fit a rule about things whenever they fit another.

use std::collections::BTreeSet;

use schoolgate_base::Group;
use schoolgate_decide::things::{Aspect, Condition};

use crate::school::School;

/// Whether whatever fits all of `inner` fits all of `outer`.
pub(crate) fn is_narrower_thing(school: &School, inner: &[Condition], outer: &[Condition]) -> bool {
    outer.iter().all(|wanted| {
        inner.iter().any(|given| match (given, wanted) {
            (Condition::Any { aspect: a, marks: given }, Condition::Any { aspect: b, marks: wanted }) => {
                a == b && given.iter().all(|mark| is_covered(school, *a, mark, wanted))
            }
            (Condition::Lacking(given), Condition::Lacking(wanted)) => given.is_subset(wanted),
            (Condition::AtLeast { amount: a, count: given }, Condition::AtLeast { amount: b, count: wanted }) => {
                a == b && wanted <= given
            }
            _ => false,
        })
    })
}

/// Whether a thing with this mark fits a rule that wants any of those.
pub(crate) fn is_covered(school: &School, aspect: Aspect, mark: &str, wanted: &BTreeSet<Box<str>>) -> bool {
    let is_party = matches!(aspect, Aspect::From | Aspect::To);
    wanted.contains(mark)
        || (is_party && wanted.iter().any(|outer| school.is_within(&Group::new(mark), &Group::new(outer))))
}
