//! One's own copies.

use crate::ctx::{Ctx, from_records};
use crate::failure::{PageResult, shown};
use crate::views::agreement::{AgreementRow, AgreementsPage};

pub(crate) async fn agreement_list(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/agreements")?;
    let store = ctx.app.control.store();
    let signatures = store.signature_list_for_person(signed.id()).await.map_err(from_records)?;
    let row = |signature: &schoolgate_records::Signature| AgreementRow {
        title: ctx.in_force.view(&signature.policy).map_or_else(|| signature.policy.to_string(), |v| v.title.clone()),
        href: format!("/policies/{}", signature.policy),
        version: signature.version.to_string(),
        when: ctx.moments().full(signature.at),
        hash: signature.rendering_sha256.chars().take(16).collect(),
    };
    shown(&AgreementsPage {
        frame: ctx.frame("", "What you have agreed to"),
        rows: signatures.iter().map(row).collect(),
    })
}
