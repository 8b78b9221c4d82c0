//! What a recipient does with a report.

use axum::extract::Path;
use schoolgate_cases::{ReportStep, Sight};

use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, see_other, shown_again};
use crate::views::input::Mistake;

use super::failure;
use super::show::{find, page};

pub(crate) async fn report_acknowledge(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    take(&ctx, &id, ReportStep::Acknowledge, "taken-on").await
}

pub(crate) async fn report_note(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let text = ctx.fields.trimmed("text").to_owned();
    if text.is_empty() {
        return again(&ctx, &id, Mistake::new("text", "Write the note")).await;
    }
    let for_parties = ctx.fields.is_ticked("for_parties");
    take(&ctx, &id, ReportStep::Note { text, for_parties }, "noted").await
}

/// One of the steps that the policy wants before a report is closed.
pub(crate) async fn report_done(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let step = ctx.fields.trimmed("step").to_owned();
    take(&ctx, &id, ReportStep::Done { step }, "noted").await
}

pub(crate) async fn report_close(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let outcome = ctx.fields.trimmed("outcome").to_owned();
    if outcome.is_empty() {
        return again(&ctx, &id, Mistake::new("outcome", "Say what came of it")).await;
    }
    take(&ctx, &id, ReportStep::Close { outcome }, "noted").await
}

async fn take(ctx: &Ctx, id: &str, step: ReportStep, done: &str) -> PageResult {
    let signed = ctx.person("/reports")?;
    let (file, sight) = find(ctx, signed, id).await?;
    if sight != Sight::Whole {
        return Err(Failure::NotFound);
    }
    ctx.app.control.report_step(&file.case.id, signed.id(), step).await.map_err(failure)?;
    see_other(&format!("/cases/{}?done={done}", file.case.id))
}

async fn again(ctx: &Ctx, id: &str, mistake: Mistake) -> PageResult {
    let signed = ctx.person("/reports")?;
    let (file, sight) = find(ctx, signed, id).await?;
    if sight != Sight::Whole {
        return Err(Failure::NotFound);
    }
    shown_again(&page(ctx, signed, &file, sight, vec![mistake]).await?)
}
