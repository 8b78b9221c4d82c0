//! Asking, deciding, taking back.

mod create;
mod decide;
mod list;
mod new;
mod queue;
mod show;
mod withdraw;

pub(crate) use create::request_create;
pub(crate) use decide::{request_approve, request_refuse, sentence};
pub(crate) use list::request_list;
pub(crate) use new::{form_page, prefilled, promise, request_new};
pub(crate) use queue::request_queue;
pub(crate) use show::request_show;
pub(crate) use withdraw::request_withdraw;
