//! What is open now, for whom, until when, by whose word.

use schoolgate_cases::{Act, Actor, Definition};
use schoolgate_decide::snapshot::Grant;
use schoolgate_records::CaseFile;

use crate::ctx::{Ctx, Signed, from_records};
use crate::failure::{Failure, PageResult, shown};
use crate::site_words;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::request::{GrantRow, GrantsPage, UrgentRow, UrgentShown};
use crate::words::both;

pub(crate) async fn grant_list(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/grants")?;
    shown(&page(&ctx, signed, "", Vec::new()).await?)
}

/// The page, with what was typed into the form of an urgent block.
pub(super) async fn page(
    ctx: &Ctx,
    signed: &Signed,
    site: &str,
    mistakes: Vec<Mistake>,
) -> Result<GrantsPage, Failure> {
    let snapshot = ctx.app.control.snapshot();
    let store = ctx.app.control.store();
    let sees_all = ctx.decides(signed) || signed.powers.blocks_at_once;
    let mut rows = Vec::new();
    for kept in store.grant_list_active(ctx.now).await.map_err(from_records)? {
        let Some(grant) = snapshot.live.grants.iter().find(|grant| grant.id == kept.grant.id) else { continue };
        if !sees_all && !is_for(grant, signed) {
            continue;
        }
        let case = store.case_fetch_open(&kept.grant.case).await.map_err(from_records)?;
        rows.push(GrantRow {
            id: grant.id.to_string(),
            site: site_words::target(ctx, &grant.target),
            audience: site_words::audience(ctx, &grant.audience).await?,
            until: ctx.moments().until(grant.until),
            approved_by: approvers(ctx, case.as_ref()).await?,
            can_close: case.is_some_and(|case| may_close(ctx, signed, &case)),
        });
    }
    let urgent = signed.powers.blocks_at_once.then(|| UrgentShown {
        rows: snapshot
            .live
            .urgent
            .iter()
            .filter(|block| ctx.now < block.until)
            .map(|block| UrgentRow {
                id: block.id.to_string(),
                site: site_words::target(ctx, &block.target),
                until: ctx.moments().until(block.until),
            })
            .collect(),
        inputs: vec![
            Input::new("site", "Which site?", InputKind::Line)
                .hint("For example social.example")
                .value(site)
                .mistaken(&mistakes),
        ],
        mistakes: mistakes.clone(),
    });
    let section = if ctx.decides(signed) { "/requests/queue" } else { "" };
    Ok(GrantsPage { frame: ctx.frame(section, "Open now").mistaken(!mistakes.is_empty()), rows, urgent })
}

fn is_for(grant: &Grant, signed: &Signed) -> bool {
    let audience = &grant.audience;
    audience.persons.contains(signed.id()) || audience.groups.iter().any(|group| signed.groups.contains(group))
}

fn may_close(ctx: &Ctx, signed: &Signed, file: &CaseFile) -> bool {
    let Some(Definition::Request(definition)) = ctx.in_force.definitions.pinned(&file.case.pin) else { return false };
    let mut roles = definition.decide.roles.iter().chain(&definition.stand_in);
    &file.case.by == signed.id() || roles.any(|role| signed.roles.contains(role))
}

async fn approvers(ctx: &Ctx, file: Option<&CaseFile>) -> Result<String, Failure> {
    let mut names = Vec::new();
    for entry in file.iter().flat_map(|file| &file.case.trail) {
        if let (Act::Approved { .. }, Actor::Office { person, .. }) = (&entry.act, &entry.by) {
            names.push(ctx.name(person).await?);
        }
    }
    Ok(both(&names))
}
