//! The words every other crate speaks: ids, host names, paths, capacities, periods and the school's calendar.
//!
//! No input or output, no clock, no tasks: whoever needs "now" passes it in.

mod calendar;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host;
mod ids;
mod network;
mod path;
mod people;
mod recurrence;
mod text;
mod within;

pub use calendar::{Calendar, DateRange, DayKind, Minute, MinuteError, Period, Span};
pub use host::{Host, HostName, HostNameError};
pub use ids::{
    CaseId, ClauseId, ControlId, ControlKind, DeviceId, EventId, GrantId, IdError, PersonId, PolicyId, SchoolId,
    SessionId,
};
pub use network::{Network, NetworkError};
pub use path::{ends_part, normal_path, path_is_below, path_is_closed_by, revealed_path};
pub use people::{Capacity, DeviceClass, Group, Role, Strength};
pub use recurrence::{Recurrence, RecurrenceError, Turn, YearDay, YearDayError};
pub use within::{Unit, Within, WithinError};
