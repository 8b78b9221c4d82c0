//! Ends what a request opened, at every door at once.

use axum::extract::Path;
use schoolgate_base::GrantId;
use schoolgate_control::RequestError;

use crate::controllers::request::sentence;
use crate::ctx::{Ctx, from_control, from_records};
use crate::failure::{Failure, PageResult, internal, see_other};

pub(crate) async fn grant_close(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person("/grants")?;
    let id = GrantId::new(&id).map_err(|_| Failure::NotFound)?;
    let store = ctx.app.control.store();
    let active = store.grant_list_active(ctx.now).await.map_err(from_records)?;
    let Some(kept) = active.into_iter().find(|kept| kept.grant.id == id) else { return Err(Failure::NotFound) };
    let case = store.case_fetch_open(&kept.grant.case).await.map_err(from_records)?.ok_or(Failure::NotFound)?;
    let ended = if &case.case.by == signed.id() {
        ctx.app.control.request_withdraw(&case.case.id, signed.id()).await
    } else {
        ctx.app.control.request_end(&case.case.id, signed.id(), "closed before its time").await
    };
    match ended {
        Ok(_) => see_other("/grants?done=closed"),
        Err(RequestError::Step { source: schoolgate_cases::Refusal::NotYours }) => Err(Failure::NotForYou),
        Err(RequestError::Step { source }) => Err(Failure::MovedOn { words: sentence(&source.to_string()) }),
        Err(RequestError::NoSuchForm | RequestError::NoSuchCase) => Err(Failure::NotFound),
        Err(RequestError::Control { source }) => Err(from_control(source)),
        Err(error @ (RequestError::Form { .. } | RequestError::Barred { .. })) => Err(internal(error)),
    }
}
