//! Signing out, here or elsewhere.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use schoolgate_base::SessionId;

use crate::cookie::Secret;
use crate::ctx::{Ctx, Signed, from_control, from_records};
use crate::failure::{Failure, PageResult, internal, see_other};

use super::create::with_cookie;

/// Ends this session and forgets its secret.
pub(crate) async fn session_end_this(ctx: Ctx) -> PageResult {
    if let Some(signed) = ctx.signed() {
        end(&ctx, signed, &signed.session).await?;
    }
    let secret = Secret::random().map_err(internal)?;
    Ok(with_cookie(&ctx, &secret, Redirect::to("/").into_response()))
}

/// Ends another session of the same person.
pub(crate) async fn session_end(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person("/sessions")?;
    let sessions = ctx.app.control.store().session_list_for_person(signed.id()).await.map_err(from_records)?;
    // The page shows the beginning of each id, never all of it.
    let found = sessions.iter().find(|session| session.id_hash.get(..16) == Some(id.as_str()));
    let Some(found) = found else { return Err(Failure::NotFound) };
    let session = SessionId::new(&found.id_hash).map_err(internal)?;
    end(&ctx, signed, &session).await?;
    see_other("/sessions?done=ended")
}

async fn end(ctx: &Ctx, signed: &Signed, session: &SessionId) -> Result<(), Failure> {
    ctx.app.control.session_end(signed.id(), session).await.map_err(from_control)
}
