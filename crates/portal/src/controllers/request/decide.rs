//! Approves or refuses a request. What an approval opens is open at every door when the answer is shown.

use axum::extract::Path;
use jiff::Timestamp;
use schoolgate_cases::{CaseState, Decision, Field, Refusal, Value};
use schoolgate_control::RequestError;

use crate::ctx::{Ctx, from_control};
use crate::failure::{Failure, PageResult, internal, see_other, shown_again};
use crate::forms::{self, School};
use crate::views::input::Mistake;

use super::show::{find, page};

pub(crate) async fn request_approve(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    match allowed_until(&ctx).await? {
        Ok(until) => decide(&ctx, &id, Decision::Approve { until }).await,
        Err(mistakes) => again(&ctx, &id, mistakes).await,
    }
}

pub(crate) async fn request_refuse(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let reason = ctx.fields.trimmed("reason").to_owned();
    if reason.is_empty() {
        let mistake = Mistake::new("reason", "Say why, so that they know what to do next");
        return again(&ctx, &id, vec![mistake]).await;
    }
    decide(&ctx, &id, Decision::Refuse { reason }).await
}

/// An earlier end than was asked for; `None` keeps what was asked.
async fn allowed_until(ctx: &Ctx) -> Result<Result<Option<Timestamp>, Vec<Mistake>>, Failure> {
    let text = ctx.fields.trimmed("until");
    let Some(field) = Field::known("until").filter(|_| !text.is_empty()) else { return Ok(Ok(None)) };
    let raw = [("until".to_owned(), text.to_owned())].into();
    Ok(match School::load(ctx).await?.check(ctx, &[field], &raw) {
        Ok(values) => Ok(values.get("until").and_then(|value| match value {
            Value::Until(at) => Some(*at),
            _ => None,
        })),
        Err(problems) => Err(forms::mistakes(&problems)),
    })
}

async fn decide(ctx: &Ctx, id: &str, decision: Decision) -> PageResult {
    let signed = ctx.person("/requests/queue")?;
    let file = find(ctx, signed, id).await?;
    match ctx.app.control.request_decide(&file.case.id, signed.id(), decision).await {
        Ok(CaseState::Approved) => see_other("/requests/queue?done=approved"),
        Ok(CaseState::Refused) => see_other("/requests/queue?done=refused"),
        Ok(_) => see_other("/requests/queue?done=approved-first"),
        Err(RequestError::Step { source: refusal @ (Refusal::Longer | Refusal::TooLate) }) => {
            again(ctx, id, vec![Mistake::new("until", sentence(&refusal.to_string()))]).await
        }
        Err(RequestError::Step { source }) => Err(Failure::MovedOn { words: sentence(&source.to_string()) }),
        Err(RequestError::Barred { why, .. }) => Err(Failure::MovedOn { words: sentence(&why.to_string()) }),
        Err(RequestError::NoSuchForm | RequestError::NoSuchCase) => Err(Failure::NotFound),
        Err(RequestError::Control { source }) => Err(from_control(source)),
        Err(error @ RequestError::Form { .. }) => Err(internal(error)),
    }
}

async fn again(ctx: &Ctx, id: &str, mistakes: Vec<Mistake>) -> PageResult {
    let signed = ctx.person("/requests/queue")?;
    let file = find(ctx, signed, id).await?;
    shown_again(&page(ctx, signed, &file.case, mistakes).await?)
}

/// An error's words as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
