//! The case engine: forms, states, routes, clocks, conflicts, and who may see what.
//!
//! Driven wholly by definitions that the policy compiles into; nothing here knows a school's rules. It does no
//! input or output, reads no clock and makes no ids: whoever calls passes the moment and the id in. Requests and
//! reports are here; registers and duties are further variants of [`Definition`] and [`Body`], with their own states.

mod case;
mod definition;
mod offices;

pub use case::{Act, Actor, Body, Case, CaseState, Entry, Pin, Site, Value, Values};
pub use definition::{
    Audience, ClauseText, Decide, Definition, Effect, Field, FieldKind, Flag, How, ReportDefinition,
    RequestDefinition,
};
pub use offices::{Holder, Offices, Tie, TieKind};
