//! Opens a case: who may, whether the form is right, and by when an answer is due.

use std::collections::BTreeSet;

use schoolgate_base::{CaseId, ControlId, Group, PersonId, SchoolId};

use crate::form::whole_sites;
use crate::{
    Act, Actor, Body, Case, CaseState, Concern, Definition, Entry, FieldProblem, Flag, Known, Moment, Offices, Pin,
    RawValues, ReportDefinition, RequestDefinition, Route, Value, Values, check_form, route,
};

/// What a person hands in.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Made from random bytes by the caller.
    pub id: &'a CaseId,
    pub school: &'a SchoolId,
    pub by: &'a PersonId,
    /// Every audience they are in, inclusions followed, in the capacity of this sign-in.
    pub groups: &'a BTreeSet<Group>,
    pub raw: &'a RawValues,
    pub known: Known<'a>,
}

/// Why no case was opened. Nothing of what was typed is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the policy does not let you use this form")]
    NotForYou,
    #[error("{} of the answers need another look", .0.len())]
    Form(Vec<FieldProblem>),
    #[error("nobody in the school can receive this report")]
    Nobody(Box<Route>),
}

/// Opens a request. The edition in its pin is for the caller to fill in. `lifts` is the control whose block led to the form, if one did.
pub fn open_request(
    definition: &RequestDefinition,
    opening: Opening<'_>,
    lifts: Option<ControlId>,
    moment: Moment<'_>,
) -> Result<Case, OpenError> {
    if !may_use(&definition.ask, opening.groups) {
        return Err(OpenError::NotForYou);
    }
    let values = check_request(definition, opening.raw, opening.known, moment).map_err(OpenError::Form)?;
    let due_at = definition.answer_within.as_ref().map(|within| moment.deadline(within, moment.now));
    let pin = Pin { control: definition.control.clone(), version: definition.version.clone(), edition: 0 };
    Ok(case(opening, pin, values, Body::Request { lifts }, moment).due(due_at))
}

/// Checks the form of a request; its answers are then what an approval would open, whole hosts for a site.
pub fn check_request(
    definition: &RequestDefinition,
    raw: &RawValues,
    known: Known<'_>,
    moment: Moment<'_>,
) -> Result<Values, Vec<FieldProblem>> {
    let mut values = check_form(&definition.form, definition.longest.as_ref(), raw, known, moment)?;
    if definition.opens_site() {
        whole_sites(&mut values)?;
    }
    Ok(values)
}

/// Opens a report and says whom it reaches. The edition in its pin is for the caller to fill in. When it would reach nobody, no case is made.
pub fn open_report(
    definition: &ReportDefinition,
    opening: Opening<'_>,
    offices: &Offices,
    moment: Moment<'_>,
) -> Result<(Case, Route), OpenError> {
    if !may_use(&definition.ask, opening.groups) {
        return Err(OpenError::NotForYou);
    }
    let values = check_form(&definition.form, None, opening.raw, opening.known, moment).map_err(OpenError::Form)?;
    let concern = concern(&values);
    let route = route(definition, &concern, offices);
    if route.is_nobody() {
        return Err(OpenError::Nobody(Box::new(route)));
    }
    let due_at = definition.within.as_ref().map(|within| moment.deadline(within, moment.now));
    let pin = Pin { control: definition.control.clone(), version: definition.version.clone(), edition: 0 };
    let body = Body::Report { subjects: concern.subjects, flags: concern.flags };
    Ok((case(opening, pin, values, body, moment).due(due_at), route))
}

/// What of a form's answers decides whom a report reaches; also for showing it before anything is sent.
pub fn concern(values: &Values) -> Concern {
    let mut concern = Concern::default();
    for (name, value) in values {
        match value {
            Value::Person(person) => {
                concern.subjects.insert(person.clone());
            }
            Value::Tick(true) => {
                concern.flags.insert(Flag::new(name));
            }
            _ => {}
        }
    }
    concern
}

/// Whether the policy gives this form to somebody in these audiences.
pub fn may_open(definition: &Definition, groups: &BTreeSet<Group>) -> bool {
    match definition {
        Definition::Request(request) => may_use(&request.ask, groups),
        Definition::Report(report) => may_use(&report.ask, groups),
    }
}

pub fn may_use(ask: &[Group], groups: &BTreeSet<Group>) -> bool {
    ask.is_empty() || ask.iter().any(|group| groups.contains(group))
}

fn case(opening: Opening<'_>, pin: Pin, values: Values, body: Body, moment: Moment<'_>) -> Case {
    Case {
        id: opening.id.clone(),
        school: opening.school.clone(),
        pin,
        opened_at: moment.now,
        by: opening.by.clone(),
        values,
        body,
        state: CaseState::Open,
        due_at: None,
        trail: vec![Entry { at: moment.now, by: Actor::Party(opening.by.clone()), act: Act::Opened }],
    }
}
