//! First says who would read the report, then sends it.

use axum::extract::Path;
use jiff::Timestamp;
use schoolgate_cases::{OpenError, RawValues, ReportDefinition, Route, Why, check_form};
use schoolgate_control::{ReportError, Submission};

use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, see_other, shown, shown_again};
use crate::forms::{self, School};
use crate::once;
use crate::views::Pair;
use crate::views::input::Mistake;
use crate::views::report::PreviewPage;
use crate::words::both;

use super::failure;
use super::new::{definition, form_page};

pub(crate) async fn report_create(ctx: Ctx, Path(kind): Path<String>) -> PageResult {
    let signed = ctx.person(&format!("/reports/new/{kind}"))?;
    let definition = definition(&ctx, signed, &kind)?;
    let raw = answers(&ctx, definition);
    match ctx.fields.get("step") {
        "change" => shown(&form_page(&ctx, definition, &raw, Vec::new()).await?),
        "send" => send(&ctx, signed, definition, &raw).await,
        _ => preview(&ctx, signed, definition, &raw).await,
    }
}

fn answers(ctx: &Ctx, definition: &ReportDefinition) -> RawValues {
    let names = definition.form.iter().map(|field| field.name.to_string());
    names.map(|name| (name.clone(), ctx.fields.get(&name).to_owned())).collect()
}

/// Whom it would reach, from the same function that sends it.
async fn preview(ctx: &Ctx, signed: &Signed, definition: &ReportDefinition, raw: &RawValues) -> PageResult {
    let route = match ctx.app.control.report_route(&definition.control, raw).await {
        Ok(route) => route,
        Err(ReportError::Form { source: OpenError::Form(problems) }) => {
            return shown_again(&form_page(ctx, definition, raw, forms::mistakes(&problems)).await?);
        }
        Err(error) => return Err(failure(error)),
    };
    if route.is_nobody() {
        return nobody(ctx, definition, raw, &route).await;
    }
    let answered = raw.iter().map(|(name, value)| Pair::new(name.clone(), value.clone()));
    let hidden = answered.chain([Pair::new(once::FIELD, once::minted(ctx, signed)?)]).collect();
    let school = School::load(ctx).await?;
    let values = check_form(&definition.form, None, raw, school.known(), school.moment(ctx)).unwrap_or_default();
    shown(&PreviewPage {
        frame: ctx.frame("/reports", "Who will read this"),
        readers: readers(ctx, &route).await?,
        left_out: left_out(ctx, &route).await?,
        outside: outside(&route),
        by_when: by_when(ctx, definition, &school),
        answers: school.answers(ctx, &definition.form, &values),
        action: format!("/reports/new/{}", definition.kind),
        hidden,
    })
}

async fn send(ctx: &Ctx, signed: &Signed, definition: &ReportDefinition, raw: &RawValues) -> PageResult {
    let (id, control) = (once::carried(ctx, signed)?, &definition.control);
    let sent = Submission { id: &id, control, by: signed.id(), groups: &signed.groups, answers: raw };
    match ctx.app.control.report_open(sent).await {
        // A page of its own, so that loading it again sends nothing. Nobody opens a report about themselves, not even
        // their own.
        Ok(sent) => match ctx.app.control.report_for(signed.id(), &sent.case).await.map_err(failure)? {
            Some(_) => see_other(&format!("/reports/sent/{}", sent.case)),
            None => see_other("/reports?done=about-you"),
        },
        Err(ReportError::Form { source: OpenError::Form(problems) }) => {
            shown_again(&form_page(ctx, definition, raw, forms::mistakes(&problems)).await?)
        }
        Err(ReportError::Form { source: OpenError::Nobody(route) }) => nobody(ctx, definition, raw, &route).await,
        Err(error) => Err(failure(error)),
    }
}

/// Nobody inside is left to tell: says so, with the ways outside, and keeps nothing.
async fn nobody(ctx: &Ctx, definition: &ReportDefinition, raw: &RawValues, route: &Route) -> PageResult {
    let mut text = "Nobody in the school can receive this: everybody it would go to is concerned by it. \
        Nothing was sent or kept."
        .to_owned();
    for way in outside(route) {
        text.push_str(&format!(" Outside the school: {way}."));
    }
    let page = form_page(ctx, definition, raw, vec![Mistake::new("", text)]).await?;
    shown_again(&page)
}

pub(super) async fn readers(ctx: &Ctx, route: &Route) -> Result<Vec<String>, Failure> {
    let mut readers = Vec::new();
    for recipient in &route.recipients {
        readers.push(format!("{}, {}", ctx.name(&recipient.person).await?, ctx.office(&recipient.role)));
    }
    Ok(readers)
}

/// Who would have had it and does not, because it is about them: the person who writes knows that already. Other
/// reasons would tell her who is related to whom, and are not told.
async fn left_out(ctx: &Ctx, route: &Route) -> Result<String, Failure> {
    let mut names: Vec<String> = Vec::new();
    for skipped in route.skipped.iter().filter(|skipped| matches!(skipped.why, Why::Subject)) {
        let name = ctx.name(&skipped.person).await?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("{} will not have it, because it is about them.", both(&names)))
}

pub(super) fn outside(route: &Route) -> Vec<String> {
    route.outside.iter().map(|step| step.text.trim_end_matches('.').to_owned()).collect()
}

fn by_when(ctx: &Ctx, definition: &ReportDefinition, school: &School) -> String {
    let within = definition.within.as_ref();
    by(ctx, within.map(|within| school.moment(ctx).deadline(within, ctx.now)))
}

pub(super) fn by(ctx: &Ctx, at: Option<Timestamp>) -> String {
    at.map(|at| format!("by {}", ctx.moments().until(at))).unwrap_or_default()
}
