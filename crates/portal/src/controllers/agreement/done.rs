//! After agreeing, or after going past a warning: a word of thanks, and on to where the person was going.
//!
//! A page of its own, because browsers hold the answer to a form to `form-action`, redirects included. The address
//! comes out of our own seal, never from the query.

use axum::extract::Query;

use crate::ctx::{Ctx, from_records};
use crate::failure::{PageResult, see_other, shown};
use crate::missing;
use crate::onward;
use crate::views::agreement::SignedPage;

use super::Asked;

pub(crate) async fn agreement_done(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let signed = ctx.person("/agree")?;
    if missing::of(&ctx, signed).await?.iter().any(|missing| missing.agreement.is_gate) {
        return see_other(&format!("/agree?t={}", query_safe(&asked.t)));
    }
    let store = ctx.app.control.store();
    let signatures = store.signature_list_for_person(signed.id()).await.map_err(from_records)?;
    let latest = signatures.iter().find(|one| asked.policy.is_empty() || one.policy.as_str() == asked.policy);
    let what = latest.map(|signature| {
        let view = ctx.in_force.view(&signature.policy);
        let title = view.map_or(signature.policy.as_str(), |view| view.title.as_str());
        let when = ctx.moments().at(signature.at);
        format!("You agreed to “{title}”, version {}, {when}", signature.version)
    });
    shown(&going_on(&ctx, "Thank you", what.unwrap_or_default(), &asked.t))
}

/// Going on after a warning.
pub(crate) async fn onward_show(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    ctx.person("/")?;
    shown(&going_on(&ctx, "It is open for you", String::new(), &asked.t))
}

fn going_on(ctx: &Ctx, heading: &str, what: String, sealed: &str) -> SignedPage {
    let going = onward::carried(ctx, sealed);
    let site = going.as_ref().and_then(|redirect| onward::site(ctx, redirect));
    SignedPage {
        frame: ctx.frame("", heading),
        heading: heading.to_owned(),
        what,
        onward: going.filter(|_| site.is_some()).map(|redirect| redirect.wanted()).unwrap_or_default(),
        onward_host: site.unwrap_or_default(),
    }
}

fn query_safe(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
