//! The form to sign in with.

use axum::extract::Query;
use schoolgate_base::Role;
use serde::Deserialize;

use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, shown};
use crate::onward::own_path;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::session::SignInPage;
use crate::words::either;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

pub(crate) async fn session_new(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let page = sign_in_page(&ctx, own_path(&asked.next), "", Vec::new()).await?;
    shown(&page)
}

/// The form again with what was wrong; never which of name and password.
pub(super) async fn sign_in_page(
    ctx: &Ctx,
    next: &str,
    name: &str,
    mistakes: Vec<Mistake>,
) -> Result<SignInPage, Failure> {
    let helpers = ctx.holders(&[Role::new("it-technician")]).await?;
    let inputs = vec![
        Input::new("name", "Your name for signing in", InputKind::Short)
            .hint("For example tess.teacher")
            .longest(200)
            .value(name)
            .mistaken(&mistakes),
        Input::new("password", "Password", InputKind::Password).longest(1_000).mistaken(&mistakes),
    ];
    let why = next.starts_with("/agree").then(|| "So that the school's internet opens for you.".to_owned());
    Ok(SignInPage {
        frame: ctx.frame("", "Sign in").mistaken(!mistakes.is_empty()),
        mistakes,
        why,
        next: next.to_owned(),
        inputs,
        ask_whom: if helpers.is_empty() { "The school office".to_owned() } else { either(&helpers) },
    })
}
