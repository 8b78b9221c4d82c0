//! Where somebody is signed in.

use crate::ctx::{Ctx, from_records};
use crate::failure::{PageResult, shown};
use crate::views::session::{SessionRow, SessionsPage};

pub(crate) async fn session_list(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/sessions")?;
    let store = ctx.app.control.store();
    let sessions = store.session_list_for_person(signed.id()).await.map_err(from_records)?;
    let claims = store.claim_list_active(ctx.now).await.map_err(from_records)?;
    let rows = sessions.iter().filter(|session| session.ended_at.is_none()).map(|session| {
        let is_this = *session.id_hash == *signed.session.as_str();
        SessionRow {
            id: session.id_hash.chars().take(16).collect(),
            browser: format!("A browser at {}", session.source_address),
            since: ctx.moments().at(session.created_at),
            address: session.source_address.to_string(),
            claims_address: claims.iter().any(|claim| *claim.session.as_str() == *session.id_hash),
            is_this,
        }
    });
    shown(&SessionsPage { frame: ctx.frame("", "Where you are signed in"), rows: rows.collect() })
}
