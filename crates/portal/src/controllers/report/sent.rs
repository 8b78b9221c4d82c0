//! The receipt of a report, for whoever sent it.

use axum::extract::Path;
use schoolgate_cases::{Definition, concern, route};

use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, shown};
use crate::views::report::ReceiptPage;

use super::create::{by, outside, readers};
use super::show::find;

pub(crate) async fn report_sent(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person("/reports")?;
    let (file, _) = find(&ctx, signed, &id).await?;
    let case = &file.case;
    let Some(Definition::Report(definition)) = ctx.in_force.definitions.pinned(&case.pin) else {
        return Err(Failure::NotFound);
    };
    if &case.by != signed.id() {
        return Err(Failure::NotFound);
    }
    let route = route(definition, &concern(&case.values), &signed.offices);
    shown(&ReceiptPage {
        frame: ctx.frame("/reports", "Your report is with them"),
        receipt: case.id.as_str().chars().take(8).collect(),
        readers: readers(&ctx, &route).await?,
        outside: outside(&route),
        by_when: by(&ctx, case.due_at),
    })
}
