//! The help page. Who opened it is asked nowhere and written nowhere.

use schoolgate_base::Role;
use schoolgate_event::Recorder;

use crate::ctx::{Ctx, from_control, from_records};
use crate::failure::{PageResult, shown};
use crate::views::help::{HelpPage, HelpPerson, OUTSIDE};

/// Who listens in school.
const LISTENERS: [&str; 2] = ["dsl", "deputy-dsl"];
const LEAVE_TO: &str = "https://www.bbc.co.uk/weather";

/// Counts the visit by day and shows who to talk to.
pub(crate) async fn help_show(ctx: Ctx) -> PageResult {
    let date = ctx.moments().calendar.local(ctx.now).date();
    ctx.app.events.help_visited(ctx.app.control.school(), date);
    let offices = ctx.app.control.offices().await.map_err(from_control)?;
    let mut inside: Vec<HelpPerson> = Vec::new();
    for role in LISTENERS.map(Role::new) {
        for holder in offices.of_role(&role) {
            let found = ctx.app.control.store().person_fetch(&holder.person).await.map_err(from_records)?;
            let Some(person) = found else { continue };
            if !inside.iter().any(|listed| *listed.name == *person.name) {
                inside.push(HelpPerson { name: person.name.to_string(), office: ctx.office(&role) });
            }
        }
    }
    let leave_to = ctx.app.settings.leave_to.clone().unwrap_or_else(|| LEAVE_TO.to_owned());
    shown(&HelpPage { frame: ctx.frame("", "You can talk to someone").nameless(), leave_to, outside: OUTSIDE, inside })
}
