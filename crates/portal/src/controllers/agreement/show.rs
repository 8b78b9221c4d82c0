//! The agreement, clause by clause; what changed first.

use axum::extract::Query;
use schoolgate_decide::redirect::Redirect;
use schoolgate_policy::show::ClauseView;

use crate::changed::changed_since;
use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, see_other, shown};
use crate::missing::{self, Missing};
use crate::onward;
use crate::text;
use crate::views::agreement::{AgreementPage, clauses_of};
use crate::words::counted;

use super::Asked;

/// Shows the first agreement that is missing; with none missing, goes on to where the person was going.
pub(crate) async fn agreement_show(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let going = onward::either(&ctx, &asked.t);
    let sealed = going.as_ref().map(|redirect| onward::carry(&ctx, redirect)).transpose()?.unwrap_or_default();
    let signed = ctx.person(&format!("/agree?t={sealed}"))?;
    let missing = missing::of(&ctx, signed).await?;
    let chosen = missing.iter().find(|missing| asked.policy == missing.agreement.policy.as_str());
    let Some(missing) = chosen.or_else(|| missing.first()) else {
        let to = if sealed.is_empty() { "/agreements".to_owned() } else { format!("/agree/done?t={sealed}") };
        return see_other(&to);
    };
    shown(&page(&ctx, signed, missing, going.as_ref(), sealed).await?)
}

async fn page(
    ctx: &Ctx,
    signed: &Signed,
    missing: &Missing<'_>,
    going: Option<&Redirect>,
    sealed: String,
) -> Result<AgreementPage, Failure> {
    let policy = &missing.agreement.policy;
    let view = ctx.in_force.view(policy).ok_or(Failure::NotFound)?;
    let text_hash = text::hash(ctx, policy).ok_or(Failure::NotFound)?;
    let is_bound = |clause: &ClauseView| ctx.in_force.built.compiled.is_bound(&clause.id, &signed.groups);
    let parts = text::parts_with(view, is_bound);
    let mut others = text::parts_with(view, |clause| !is_bound(clause));
    others.iter_mut().for_each(|part| part.intro.clear());
    others.retain(|part| !part.clauses.is_empty());
    let clauses = clauses_of(&parts);
    let (mut changed, mut effects, mut signed_version) = (Vec::new(), Vec::new(), String::new());
    if let Some(before) = &missing.before
        && let Some(change) = changed_since(ctx, signed, before).await?
    {
        (changed, effects) = (change.words_shown(), change.effects_shown());
        signed_version = before.version.to_string();
    }
    let same = clauses.saturating_sub(changed.iter().filter(|change| change.what != "Gone").count());
    Ok(AgreementPage {
        frame: ctx.frame("", view.title.clone()),
        title: view.title.clone(),
        policy: policy.to_string(),
        version: view.version.clone(),
        signed_version,
        minutes: text::reading_time(&parts),
        wanted: going.and_then(|redirect| onward::site(ctx, redirect)).unwrap_or_default(),
        effects,
        changed,
        unchanged_words: format!("As you agreed to before: {}.", counted(same, "rule", "rules")),
        parts,
        others,
        text_hash,
        edition: ctx.in_force.edition,
        onward: sealed,
    })
}
