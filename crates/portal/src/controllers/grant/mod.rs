//! What is open by request, and what is closed at once.

mod close;
mod list;
mod urgent;

pub(crate) use close::grant_close;
pub(crate) use list::grant_list;
pub(crate) use urgent::{urgent_create, urgent_end};
