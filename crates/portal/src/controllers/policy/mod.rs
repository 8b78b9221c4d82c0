//! The rules with their controls, and what shows that they are kept.

mod clause;
mod evidence;
mod list;
mod show;

pub(crate) use clause::clause_show;
pub(crate) use evidence::{evidence_names, evidence_show};
pub(crate) use list::policy_list;
pub(crate) use show::policy_show;

use schoolgate_base::{ClauseId, PolicyId};
use schoolgate_policy::show::{ClauseView, PolicyView};

use crate::ctx::Ctx;
use crate::failure::Failure;

fn policy<'a>(ctx: &'a Ctx, id: &str) -> Result<&'a PolicyView, Failure> {
    let id = PolicyId::new(id).map_err(|_| Failure::NotFound)?;
    ctx.in_force.view(&id).ok_or(Failure::NotFound)
}

fn clause<'a>(ctx: &'a Ctx, policy: &PolicyView, anchor: &str) -> Result<&'a ClauseView, Failure> {
    let id = ClauseId { policy: policy.policy.clone(), clause: anchor.into() };
    ctx.in_force.clause(&id).ok_or(Failure::NotFound)
}
