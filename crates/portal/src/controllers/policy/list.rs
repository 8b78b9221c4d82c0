//! All policies in force. For everybody, signed in or not: rules that bind people are no secret.

use schoolgate_policy::show::PartView;

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::views::policy::{PoliciesPage, PolicyRow};
use crate::words::counted;

pub(crate) async fn policy_list(ctx: Ctx) -> PageResult {
    let rows = ctx.in_force.views.iter().map(|view| {
        let clauses = view.parts.iter().filter(|part| matches!(part, PartView::Clause(_))).count();
        PolicyRow {
            id: view.policy.to_string(),
            title: view.title.clone(),
            version: view.version.clone(),
            count: counted(clauses, "rule", "rules"),
        }
    });
    shown(&PoliciesPage {
        frame: ctx.frame("/policies", "The rules"),
        in_force: format!("In force since {}.", ctx.moments().since(ctx.in_force.since)),
        rows: rows.collect(),
        can_edit: ctx.signed().is_some_and(|signed| signed.powers.manages),
    })
}
