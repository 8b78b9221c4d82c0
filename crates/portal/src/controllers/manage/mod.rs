//! Looking after the rules: documents, the school's own list, people.

mod edit;
mod entries;
mod gateway;
mod people;
mod show;

pub(crate) use edit::{clause_edit, clause_update, file_edit, file_update};
pub(crate) use entries::{entry_add, entry_list, entry_remove};
pub(crate) use gateway::{gateway_show, left_alone_forget};
pub(crate) use people::{people_import, people_show};
pub(crate) use show::manage_show;

use crate::ctx::{Ctx, Signed};
use crate::failure::Failure;

/// Whoever looks after the rules; nobody else. After a sign-in they are where they wanted to be.
fn manager(ctx: &Ctx) -> Result<&Signed, Failure> {
    let signed = ctx.person(ctx.page.as_deref().unwrap_or("/manage"))?;
    if signed.powers.manages { Ok(signed) } else { Err(Failure::NotForYou) }
}
