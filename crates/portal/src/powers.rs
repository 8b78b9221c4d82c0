//! Which offices may do what on pages, apart from what the policies say about cases.

use std::collections::BTreeSet;

use schoolgate_base::{Capacity, Role};

/// May change documents, the school's own list and people.
const MANAGE: [&str; 2] = ["it-technician", "ict-leader"];
/// May close a site for everybody at once.
const URGENT: [&str; 4] = ["it-technician", "dsl", "deputy-dsl", "online-safety-lead"];
/// May see names behind a number, after giving a reason.
const NAMES: [&str; 3] = ["headteacher", "dsl", "deputy-dsl"];

/// What somebody may do here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Powers {
    pub(crate) manages: bool,
    pub(crate) blocks_at_once: bool,
    pub(crate) sees_evidence: bool,
    pub(crate) sees_names: bool,
    /// Sees numbers only, small ones hidden.
    pub(crate) sees_counts_only: bool,
}

impl Powers {
    pub(crate) fn of(capacity: Capacity, roles: &BTreeSet<Role>) -> Self {
        let holds = |names: &[&str]| roles.iter().any(|role| names.contains(&role.as_str()));
        // A governor's sign-in sees what governors see, whatever other office the person holds.
        let is_governor = capacity == Capacity::Governor;
        Self {
            manages: !is_governor && holds(&MANAGE),
            blocks_at_once: !is_governor && holds(&URGENT),
            sees_evidence: is_governor || !roles.is_empty(),
            sees_names: !is_governor && holds(&NAMES),
            sees_counts_only: is_governor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(capacity: Capacity, roles: &[&str], expected: &str) {
        let powers = Powers::of(capacity, &roles.iter().map(|role| Role::new(role)).collect());
        let mut words = Vec::new();
        for (has, word) in [
            (powers.manages, "manages"),
            (powers.blocks_at_once, "urgent"),
            (powers.sees_evidence, "evidence"),
            (powers.sees_names, "names"),
            (powers.sees_counts_only, "counts"),
        ] {
            words.extend(has.then_some(word));
        }
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn offices_have_the_powers_they_need_and_no_more() {
        check(Capacity::Staff, &[], "");
        check(Capacity::Staff, &["it-technician"], "manages urgent evidence");
        check(Capacity::Staff, &["headteacher", "deputy-dsl"], "urgent evidence names");
        check(Capacity::Governor, &["chair-of-governors"], "evidence counts");
        check(Capacity::Governor, &[], "evidence counts");
    }
}
