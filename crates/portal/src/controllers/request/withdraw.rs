//! Takes a request back; what it opened is closed.

use axum::extract::Path;
use schoolgate_control::RequestError;

use crate::ctx::{Ctx, from_control};
use crate::failure::{Failure, PageResult, internal, see_other};

use super::decide::sentence;
use super::show::find;

pub(crate) async fn request_withdraw(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person("/requests")?;
    let file = find(&ctx, signed, &id).await?;
    match ctx.app.control.request_withdraw(&file.case.id, signed.id()).await {
        Ok(_) => see_other("/requests?done=withdrawn"),
        Err(RequestError::Step { source }) => Err(Failure::MovedOn { words: sentence(&source.to_string()) }),
        Err(RequestError::NoSuchForm | RequestError::NoSuchCase) => Err(Failure::NotFound),
        Err(RequestError::Control { source }) => Err(from_control(source)),
        Err(error @ (RequestError::Form { .. } | RequestError::Barred { .. })) => Err(internal(error)),
    }
}
