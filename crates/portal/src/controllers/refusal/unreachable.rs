//! Why a site that the rules allow could not be shown.

use axum::extract::Query;
use schoolgate_base::Role;
use schoolgate_decide::redirect::Because;

use crate::ctx::Ctx;
use crate::failure::{PageResult, see_other, shown};
use crate::onward;
use crate::views::refusal::UnreachablePage;
use crate::words::either;

use super::Asked;
use super::show::stale;

pub(crate) async fn unreachable_show(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let Some(redirect) = onward::either(&ctx, &asked.t) else { return stale(&ctx) };
    let Because::Upstream { words } = &redirect.because else {
        return see_other(&format!("/blocked?t={}", onward::carry(&ctx, &redirect)?));
    };
    let helpers = ctx.holders(&[Role::new("it-technician")]).await?;
    let site = onward::site(&ctx, &redirect);
    shown(&UnreachablePage {
        frame: ctx.frame("", format!("{} could not be opened", site.as_deref().unwrap_or("The site"))),
        words: words.to_string(),
        again: site.as_ref().map(|_| redirect.wanted()).unwrap_or_default(),
        who_helps: if helpers.is_empty() { "the school office".to_owned() } else { either(&helpers) },
        site: site.unwrap_or_else(|| "The site".to_owned()),
    })
}
