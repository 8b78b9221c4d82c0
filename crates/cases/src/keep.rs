//! How long a case is kept: until so long after it is over.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::request::{approved_at, grant_end};
use crate::{Case, CaseState, Definition, Moment};

/// The last day on which a case is kept; `None` while it is not over, and where the policy names no time.
pub fn kept_until(definition: &Definition, case: &Case, moment: Moment<'_>) -> Option<Date> {
    let over = moment.day_of(over_at(definition, case, moment)?);
    definition.keep().map(|keep| keep.last_day(moment.calendar, over))
}

/// When nothing of it is open any more, as far as that is known now.
fn over_at(definition: &Definition, case: &Case, moment: Moment<'_>) -> Option<Timestamp> {
    match (case.state, definition) {
        (CaseState::Open | CaseState::Acknowledged, _) => None,
        (CaseState::Approved, Definition::Request(request)) if !request.effects.is_empty() => {
            Some(grant_end(request, case, moment))
        }
        (CaseState::Approved, _) => approved_at(case),
        (CaseState::Refused | CaseState::Withdrawn | CaseState::Ended | CaseState::Closed, _) => {
            case.trail.last().map(|entry| entry.at)
        }
    }
}
