//! Who is here. The import of a file comes with the directory.

use crate::ctx::{Ctx, from_records};
use crate::failure::{Failure, PageResult, shown};
use crate::views::manage::PeoplePage;
use crate::words::counted;

use super::manager;

pub(crate) async fn people_show(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    let people = ctx.app.control.store().person_active(ctx.now).await.map_err(from_records)?;
    shown(&PeoplePage {
        frame: ctx.frame("/manage", "People"),
        mistakes: Vec::new(),
        summary: format!("{} are here now.", counted(people.len(), "person", "people")),
        inputs: Vec::new(),
        plan: None,
    })
}

pub(crate) async fn people_import(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    Err(Failure::NotFound)
}
