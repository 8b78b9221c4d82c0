//! The form of a request, with what is known already filled in.

use axum::extract::{Path, Query};
use schoolgate_cases::{FieldKind, RawValues, RequestDefinition};
use serde::Deserialize;

use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, shown};
use crate::forms::{School, requests_for};
use crate::once;
use crate::views::input::Mistake;
use crate::views::request::RequestFormPage;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    site: String,
}

pub(crate) async fn request_new(ctx: Ctx, Path(kind): Path<String>, Query(asked): Query<Asked>) -> PageResult {
    let signed = ctx.person(&format!("/requests/new/{kind}"))?;
    let requests = requests_for(&ctx, signed);
    let definition = requests.into_iter().find(|request| *request.kind == *kind).ok_or(Failure::NotFound)?;
    let raw = prefilled(&ctx, signed, definition, &asked.site);
    shown(&form_page(&ctx, definition, &raw, "", Vec::new()).await?)
}

/// What can be known of the answers: the site, the asker's own class, today.
pub(crate) fn prefilled(ctx: &Ctx, signed: &Signed, definition: &RequestDefinition, site: &str) -> RawValues {
    let mut raw = RawValues::new();
    for field in &definition.form {
        let value = match &field.kind {
            FieldKind::Site => site.to_owned(),
            FieldKind::Class => signed.person.classes.first().map(|class| class.to_string()).unwrap_or_default(),
            FieldKind::Until => ctx.moments().last_day(ctx.moments().calendar.end_of_day(ctx.now)),
            _ => continue,
        };
        raw.insert(field.name.to_string(), value);
    }
    raw
}

/// The form; `sealed` carries the block that led to it.
pub(crate) async fn form_page(
    ctx: &Ctx,
    definition: &RequestDefinition,
    raw: &RawValues,
    sealed: &str,
    mistakes: Vec<Mistake>,
) -> Result<RequestFormPage, Failure> {
    let school = School::load(ctx).await?;
    Ok(RequestFormPage {
        frame: ctx.frame("/requests", definition.title.to_string()).mistaken(!mistakes.is_empty()),
        title: definition.title.to_string(),
        clause_text: definition.clause.text.to_string(),
        clause_number: definition.clause.number.as_deref().unwrap_or_default().to_owned(),
        action: format!("/requests/new/{}", definition.kind),
        sealed: sealed.to_owned(),
        once: ctx.signed().map(|signed| once::minted(ctx, signed)).transpose()?.unwrap_or_default(),
        inputs: school.inputs(&definition.form, raw, &mistakes),
        button: if definition.kind.starts_with("open-site") { "Ask for this site" } else { "Ask" }.to_owned(),
        promise: promise(ctx, definition).await?,
        mistakes,
    })
}

/// Who answers, and by when.
pub(crate) async fn promise(ctx: &Ctx, definition: &RequestDefinition) -> Result<String, Failure> {
    let who = ctx.holders(&definition.decide.roles).await?;
    let who = if who.is_empty() { "Whoever stands in".to_owned() } else { crate::words::either(&who) };
    let mut promise = match &definition.answer_within {
        Some(within) => format!("{who} should answer within {within}."),
        None => format!("{who} will answer."),
    };
    if definition.opens_site() {
        promise.push_str(" What opens is the whole site, not one page of it.");
    }
    if let Some(longest) = &definition.longest {
        promise.push_str(&format!(" It can be open for at most {longest}, and closes by itself."));
    }
    Ok(promise)
}
