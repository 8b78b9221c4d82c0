//! One clause with everything that keeps it.

use axum::extract::Path;

use crate::ctx::Ctx;
use crate::evidence::Evidence;
use crate::failure::{PageResult, shown};
use crate::views::policy::ClausePage;

use super::{clause, policy};

pub(crate) async fn clause_show(ctx: Ctx, Path((id, anchor)): Path<(String, String)>) -> PageResult {
    let view = policy(&ctx, &id)?;
    let found = clause(&ctx, view, &anchor)?;
    let powers = ctx.signed().map(|signed| signed.powers).unwrap_or_default();
    let controls = if powers.sees_evidence {
        Some(Evidence::load(&ctx, powers.sees_counts_only).await?.of_clause(&ctx, found))
    } else {
        None
    };
    shown(&ClausePage {
        frame: ctx.frame("/policies", format!("Rule {}", found.number)),
        policy: id,
        policy_title: view.title.clone(),
        number: found.number.clone(),
        html: found.html.clone(),
        controls,
        can_edit: powers.manages,
        anchor,
    })
}
