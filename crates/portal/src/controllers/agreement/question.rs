//! "I have a question": whom to ask before agreeing.

use axum::extract::Query;
use schoolgate_base::Role;

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::views::agreement::QuestionPage;

use super::Asked;

pub(crate) async fn agreement_question(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    ctx.person("/agree")?;
    let heads = &ctx.in_force.built.compiled.policies;
    let owner = heads.iter().find(|head| head.id.as_str() == asked.policy).and_then(|head| head.owner.clone());
    let roles: Vec<Role> =
        owner.into_iter().chain([Role::new("online-safety-lead"), Role::new("headteacher")]).collect();
    let people = ctx.holders(&roles).await?;
    let whom = if people.is_empty() { "the school office" } else { "one of these people" };
    shown(&QuestionPage { frame: ctx.frame("", "A question before you agree"), whom: whom.to_owned(), people })
}
