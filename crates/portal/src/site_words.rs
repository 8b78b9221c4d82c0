//! Sites, categories and audiences as people say them.

use schoolgate_base::{Group, Host};
use schoolgate_decide::snapshot::{Audience, Target};

use crate::ctx::{Ctx, from_records};
use crate::failure::Failure;
use crate::words::both;

/// A category as the school calls it.
pub(crate) fn category(ctx: &Ctx, name: &str) -> String {
    ctx.in_force.built.compiled.school.target_title(name)
}

pub(crate) fn target(ctx: &Ctx, target: &Target) -> String {
    match target {
        Target::Any => "every site".to_owned(),
        Target::Class(name) | Target::Category(name) => category(ctx, name),
        Target::Domain(host) => host.to_string(),
        Target::Host(host) => host.to_string(),
        Target::Url { host, path } => format!("{host}{path}"),
    }
}

/// Whether a site is this portal: it is where people go to change a decision, so none closes it.
pub(crate) fn is_portal(ctx: &Ctx, host: &Host) -> bool {
    host.name().is_some_and(|name| name.as_str() == ctx.app.settings.portal_name)
}

/// `6B`, `teachers`.
pub(crate) fn group(ctx: &Ctx, group: &Group) -> String {
    match group.as_str().strip_prefix("class:") {
        Some(class) => class.to_owned(),
        None => ctx.in_force.built.compiled.school.group_title(group),
    }
}

/// `6B and Tess Teacher`.
pub(crate) async fn audience(ctx: &Ctx, audience: &Audience) -> Result<String, Failure> {
    let mut names: Vec<String> = audience.groups.iter().map(|one| group(ctx, one)).collect();
    for person in &audience.persons {
        let found = ctx.app.control.store().person_fetch(person).await.map_err(from_records)?;
        names.extend(found.map(|person| person.name.to_string()));
    }
    Ok(if names.is_empty() { "everybody".to_owned() } else { both(&names) })
}
