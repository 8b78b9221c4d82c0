//! Signing in and out, one's own sessions, and being somebody in the demonstration.

mod be;
mod create;
mod end;
mod list;
mod new;

pub(crate) use be::{be_create, be_list, clock_set, demo_redirect};
pub(crate) use create::session_create;
pub(crate) use end::{session_end, session_end_this};
pub(crate) use list::session_list;
pub(crate) use new::session_new;
