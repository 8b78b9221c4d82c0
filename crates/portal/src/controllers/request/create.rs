//! Takes a request.

use axum::extract::Path;
use schoolgate_base::ControlId;
use schoolgate_cases::{OpenError, RawValues};
use schoolgate_control::{RequestError, Submission};
use schoolgate_decide::Reason;
use schoolgate_decide::redirect::Because;

use crate::ctx::{Ctx, from_control};
use crate::failure::{Failure, PageResult, internal, see_other, shown_again};
use crate::forms::{self, requests_for};
use crate::once;
use crate::onward;
use crate::views::input::Mistake;

use super::decide::sentence;
use super::form_page;

pub(crate) async fn request_create(ctx: Ctx, Path(kind): Path<String>) -> PageResult {
    let signed = ctx.person(&format!("/requests/new/{kind}"))?;
    let requests = requests_for(&ctx, signed);
    let definition = requests.into_iter().find(|request| *request.kind == *kind).ok_or(Failure::NotFound)?;
    let raw = answers(&ctx);
    let sealed = ctx.fields.get("t");
    let lifts = lifted(&ctx, sealed, raw.get("site").map_or("", String::as_str));
    let (id, control) = (once::carried(&ctx, signed)?, &definition.control);
    let sent = Submission { id: &id, control, by: signed.id(), groups: &signed.groups, answers: &raw };
    match ctx.app.control.request_open(sent, lifts).await {
        Ok(id) => see_other(&format!("/requests/{id}?done=asked")),
        Err(RequestError::Form { source: OpenError::Form(problems) }) => {
            let mistakes = forms::mistakes(&problems);
            shown_again(&form_page(&ctx, definition, &raw, sealed, mistakes).await?)
        }
        Err(RequestError::Barred { field, why }) => {
            let mistakes = vec![Mistake::new(&*field, sentence(&why.to_string()))];
            shown_again(&form_page(&ctx, definition, &raw, sealed, mistakes).await?)
        }
        Err(RequestError::Control { source }) => Err(from_control(source)),
        Err(RequestError::NoSuchForm | RequestError::NoSuchCase) => Err(Failure::NotFound),
        Err(RequestError::Form { source: OpenError::NotForYou }) => Err(Failure::NotForYou),
        Err(error @ (RequestError::Form { .. } | RequestError::Step { .. })) => Err(internal(error)),
    }
}

fn answers(ctx: &Ctx) -> RawValues {
    let own = |name: &&String| !matches!(name.as_str(), "token" | "t" | "step" | once::FIELD);
    ctx.fields.all().iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The control whose block led here. Only from our own seal, and only while the site asked for is the one refused: an
/// approval must not lift something that the form's sender chose.
fn lifted(ctx: &Ctx, sealed: &str, site: &str) -> Option<ControlId> {
    let redirect = onward::carried(ctx, sealed)?;
    let host = redirect.host.to_string();
    let is_same = site.trim().trim_start_matches("https://").trim_start_matches("http://").starts_with(&host);
    match redirect.because {
        Because::Decided { reason: Reason::Rule { control, .. }, .. } if is_same => Some(control),
        _ => None,
    }
}
