//! One policy: its text for everybody, with controls and evidence for those who look after it.

use axum::extract::Path;

use crate::chart::{self, Bar};
use crate::ctx::Ctx;
use crate::evidence::Evidence;
use crate::failure::{PageResult, shown};
use crate::text;
use crate::views::policy::{Known, Overview, OverviewRow, PolicyClause, PolicyPage, PolicyPart};

use super::{clause, policy};

pub(crate) async fn policy_show(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let view = policy(&ctx, &id)?;
    let powers = ctx.signed().map(|signed| signed.powers).unwrap_or_default();
    let evidence = if powers.sees_evidence { Some(Evidence::load(&ctx, powers.sees_counts_only).await?) } else { None };
    let mut parts = Vec::new();
    for part in text::parts(view) {
        let mut clauses = Vec::new();
        for shown in part.clauses {
            let controls = match &evidence {
                Some(evidence) => evidence.of_clause(&ctx, clause(&ctx, view, &shown.anchor)?),
                None => Vec::new(),
            };
            clauses.push(PolicyClause { anchor: shown.anchor, number: shown.number, html: shown.html, controls });
        }
        parts.push(PolicyPart { heading: part.heading, intro: part.intro, clauses });
    }
    shown(&PolicyPage {
        frame: ctx.frame("/policies", view.title.clone()),
        policy: view.policy.to_string(),
        title: view.title.clone(),
        version: view.version.clone(),
        in_force: format!("In force since {}.", ctx.moments().since(ctx.in_force.since)),
        about: view.about.clone(),
        overview: evidence.map(|_| overview(&parts)),
        parts,
    })
}

/// How many controls are known in which way; a clause that nothing keeps counts among those nobody knows of.
fn overview(parts: &[PolicyPart]) -> Overview {
    let clauses = || parts.iter().flat_map(|part| &part.clauses);
    let rows: Vec<OverviewRow> = Known::ALL
        .into_iter()
        .map(|how| {
            let controls = clauses().flat_map(|clause| &clause.controls).filter(|control| control.how == how).count();
            let bare = clauses().filter(|clause| clause.controls.is_empty()).count();
            OverviewRow { how, count: if how == Known::Nobody { controls + bare } else { controls } }
        })
        .collect();
    let bars: Vec<Bar> = rows
        .iter()
        .map(|row| Bar {
            label: row.how.words().to_owned(),
            value: u64::try_from(row.count).unwrap_or(u64::MAX),
            shown: row.count.to_string(),
            class: row.how.class(),
        })
        .collect();
    Overview { chart: chart::bars("Ways in which these rules are kept, by how we know", &bars), rows }
}
