//! What somebody has asked for.

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::forms;
use crate::views::Link;
use crate::views::request::{CaseRow, RequestsPage};

pub(crate) async fn request_list(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/requests")?;
    let mut rows = Vec::new();
    for file in &forms::requests(&ctx, signed).await? {
        rows.push(CaseRow {
            id: file.case.id.to_string(),
            what: forms::title(&ctx, &file.case),
            when: ctx.moments().at(file.case.opened_at),
            state: forms::state_words(&ctx, &file.case),
        });
    }
    let new = forms::requests_for(&ctx, signed)
        .into_iter()
        .map(|request| Link::new(format!("/requests/new/{}", request.kind), request.title.to_string()));
    shown(&RequestsPage { frame: ctx.frame("/requests", "What you have asked for"), new: new.collect(), rows })
}
