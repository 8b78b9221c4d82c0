//! The form of a report: three questions.

use axum::extract::Path;
use schoolgate_cases::{RawValues, ReportDefinition};

use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, shown};
use crate::forms::{School, reports_for};
use crate::views::input::Mistake;
use crate::views::report::ReportFormPage;

pub(crate) async fn report_new(ctx: Ctx, Path(kind): Path<String>) -> PageResult {
    let signed = ctx.person(&format!("/reports/new/{kind}"))?;
    let definition = definition(&ctx, signed, &kind)?;
    shown(&form_page(&ctx, definition, &RawValues::new(), Vec::new()).await?)
}

pub(super) fn definition<'a>(ctx: &'a Ctx, signed: &Signed, kind: &str) -> Result<&'a ReportDefinition, Failure> {
    reports_for(ctx, signed).into_iter().find(|report| *report.kind == *kind).ok_or(Failure::NotFound)
}

pub(super) async fn form_page(
    ctx: &Ctx,
    definition: &ReportDefinition,
    raw: &RawValues,
    mistakes: Vec<Mistake>,
) -> Result<ReportFormPage, Failure> {
    let school = School::load(ctx).await?;
    Ok(ReportFormPage {
        frame: ctx.frame("/reports", definition.title.to_string()).mistaken(!mistakes.is_empty()),
        title: definition.title.to_string(),
        clause_text: definition.clause.text.to_string(),
        action: format!("/reports/new/{}", definition.kind),
        inputs: school.inputs(&definition.form, raw, &mistakes),
        mistakes,
    })
}
