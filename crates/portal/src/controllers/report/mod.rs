//! Reporting a concern; the report for those whom it reaches. For everybody else it does not exist.

mod create;
mod list;
mod new;
mod sent;
mod show;
mod step;

pub(crate) use create::report_create;
pub(crate) use list::report_list;
pub(crate) use new::report_new;
pub(crate) use sent::report_sent;
pub(crate) use show::report_show;
pub(crate) use step::{report_acknowledge, report_close, report_done, report_note};

use schoolgate_cases::OpenError;
use schoolgate_control::ReportError;

use crate::ctx::{Ctx, Signed, from_control};
use crate::failure::{Failure, internal};

/// How many reports wait for somebody to take them on. None and not being anybody's recipient are the same.
pub(crate) async fn reports_waiting(ctx: &Ctx, signed: &Signed) -> Result<usize, Failure> {
    ctx.app.control.reports_waiting(signed.id()).await.map_err(failure)
}

/// What a report's refusal is as a page, where it is not the form's fault.
fn failure(error: ReportError) -> Failure {
    match error {
        ReportError::NoSuchForm | ReportError::NoSuchCase => Failure::NotFound,
        ReportError::Control { source } => from_control(source),
        ReportError::Form { source: OpenError::NotForYou } => Failure::NotForYou,
        ReportError::Step { source } => {
            Failure::MovedOn { words: crate::controllers::request::sentence(&source.to_string()) }
        }
        error @ ReportError::Form { .. } => internal(error),
    }
}
