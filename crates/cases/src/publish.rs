//! What a publish does to cases that are under way, so that the person who publishes is asked before, not surprised after.
//!
//! A case finishes as it was begun unless somebody chooses otherwise; who may see it narrows at once (see
//! [`crate::sight()`]).

use crate::{Body, Case, CaseState, Definition};

/// How a new definition bears on a case that was begun under another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Touch {
    /// It says the same, or the case is over.
    Nothing,
    /// Steps, clocks, form, or what an approval opens are no longer what the case was begun under.
    Changed,
    /// The policy no longer has such a control.
    Gone,
}

/// How putting `next` in force bears on a case begun under `pinned`.
pub fn touch(case: &Case, pinned: &Definition, next: Option<&Definition>) -> Touch {
    if case.state.is_over() {
        return Touch::Nothing;
    }
    match next {
        None => Touch::Gone,
        Some(next) if says_the_same(pinned, next) => Touch::Nothing,
        Some(_) => Touch::Changed,
    }
}

/// Whether what a case opened stands on a definition that the new version changed or dropped: such grants are listed
/// apart, because they act now.
pub fn touches_a_grant(case: &Case, pinned: &Definition, next: Option<&Definition>) -> bool {
    let is_open = case.state == CaseState::Approved && matches!(case.body, Body::Request { .. });
    is_open && touch(case, pinned, next) != Touch::Nothing
}

/// The wording of a title or a clause and the number of the version do not change what happens.
fn says_the_same(one: &Definition, other: &Definition) -> bool {
    match (one, other) {
        (Definition::Request(one), Definition::Request(other)) => {
            let mut worded = other.clone();
            worded.version = one.version.clone();
            worded.title = one.title.clone();
            worded.clause = one.clause.clone();
            *one == worded
        }
        (Definition::Report(one), Definition::Report(other)) => {
            let mut worded = other.clone();
            worded.version = one.version.clone();
            worded.title = one.title.clone();
            worded.clause = one.clause.clone();
            *one == worded
        }
        (Definition::Request(_), Definition::Report(_)) | (Definition::Report(_), Definition::Request(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use schoolgate_base::CaseId;

    use super::*;
    use crate::testing::{calendar, moment, open_site, person, raw, school};
    use crate::{How, Opening, open_request, withdraw};

    #[test]
    fn a_publish_touches_open_cases_whose_steps_it_changes() {
        let (school, calendar) = (school(), calendar());
        let request = open_site(How::Any, &["it-technician"], &[]);
        let opening = Opening {
            id: &CaseId::from_random([1; 16]),
            school: &school.id,
            by: &person("tess"),
            groups: &school.groups,
            raw: &raw(&[("site", "bet.example"), ("class", "6B"), ("why", "x"), ("until", "Friday")]),
            known: school.known(),
        };
        let mut case = open_request(&request, opening, None, moment(&calendar, "10:10")).unwrap();
        let pinned = Definition::Request(request.clone());
        let mut next = request.clone();
        next.version = "3.0".into();
        next.clause.text = "In other words".into();
        assert_eq!(touch(&case, &pinned, Some(&Definition::Request(next.clone()))), Touch::Nothing);
        next.longest = None;
        assert_eq!(touch(&case, &pinned, Some(&Definition::Request(next))), Touch::Changed);
        assert_eq!(touch(&case, &pinned, None), Touch::Gone);
        assert!(!touches_a_grant(&case, &pinned, None), "nothing is granted yet");
        let later = case.opened_at;
        withdraw(&mut case, &person("tess"), later).unwrap();
        assert_eq!(touch(&case, &pinned, None), Touch::Nothing);
    }
}
