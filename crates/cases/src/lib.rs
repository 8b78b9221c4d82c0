//! The case engine: forms, states, routes, clocks, conflicts, and who may see what.
//!
//! Driven wholly by definitions that the policy compiles into; nothing here knows a school's rules. It does no
//! input or output, reads no clock and makes no ids: whoever calls passes the moment and the id in. Requests and
//! reports are [`Case`]s with a trail; entries of registers, what people owe as duties, and who has to agree to what are
//! computed from plain facts, so that nothing is stored that could be forgotten.

mod accident;
mod agreement;
mod case;
mod deciders;
mod definition;
mod duty;
mod effect;
mod form;
mod keep;
mod moment;
mod offices;
mod open;
mod register;
mod report;
mod request;
mod route;
mod sight;
#[cfg(test)]
mod testing;

pub use accident::Accident;
pub use agreement::{Again, AgreeForm, Agreement, Must, SignedFact, must_agree};
pub use case::{Act, Actor, Body, Case, CaseState, Entry, Pin, Site, Value, Values};
pub use deciders::{Asked, Bar, Decider, DecidersNow, deciders_of};
pub use definition::{
    ClauseText, Decide, Definition, Escalate, Field, FieldKind, Flag, How, Party, ReportDefinition, RequestDefinition,
};
pub use duty::{DutyDefinition, DutyFacts, DutyState, DutyView, Falls, Occasion, falls_to, look_at, told_when_late};
pub use effect::{Audience, Effect, EffectPlan, Planned, Store, effect_plans};
pub use form::{FieldProblem, Known, RawValues, check_form, is_shared};
pub use keep::kept_until;
pub use moment::Moment;
pub use offices::{Holder, Offices, Tie, TieKind};
pub use open::{OpenError, Opening, check_request, concern, may_open, may_use, open_report, open_request};
pub use register::{
    EnterError, Entering, RegisterDefinition, RegisterDue, RegisterEntry, close_entry, due_day, enter,
    entry_kept_until, entry_readers, entry_told, warn_day,
};
pub use report::{Receipt, ReportStep, escalation, receipt, steps_left, take_step};
pub use request::{
    Consequence, Decision, GrantAudience, GrantPlan, Refusal, decide, deciders, end, end_over, grant_plan, withdraw,
};
pub use route::{Because, Concern, OutsideStep, Recipient, Route, Skipped, Why, route};
pub use sight::{Definitions, Sight, sight};
