//! The case engine: forms, states, routes, clocks, conflicts, and who may see what.
//!
//! Driven wholly by definitions that the policy compiles into; nothing here knows a school's rules. It does no
//! input or output, reads no clock and makes no ids: whoever calls passes the moment and the id in. Requests and
//! reports are here; registers and duties are further variants of [`Definition`] and [`Body`], with their own states.

mod accident;
mod case;
mod deciders;
mod definition;
mod form;
mod moment;
mod offices;
mod open;
mod report;
mod request;
mod route;
mod sight;
#[cfg(test)]
mod testing;

pub use accident::Accident;
pub use case::{Act, Actor, Body, Case, CaseState, Entry, Pin, Site, Value, Values};
pub use deciders::{Asked, Bar, Decider, DecidersNow, deciders_of};
pub use definition::{
    Audience, ClauseText, Decide, Definition, Effect, Field, FieldKind, Flag, How, ReportDefinition, RequestDefinition,
};
pub use form::{FieldProblem, Known, RawValues, check_form, is_shared};
pub use moment::Moment;
pub use offices::{Holder, Offices, Tie, TieKind};
pub use open::{OpenError, Opening, check_request, concern, may_open, open_report, open_request};
pub use report::{Receipt, ReportStep, receipt, take_step};
pub use request::{
    Consequence, Decision, GrantAudience, GrantPlan, Refusal, decide, deciders, end, end_over, grant_plan, withdraw,
};
pub use route::{Because, Concern, OutsideStep, Recipient, Route, Skipped, Why, route};
pub use sight::{Definitions, Sight, sight};
