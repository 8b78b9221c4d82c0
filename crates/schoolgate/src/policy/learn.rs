//! Commands to learn from: what another edition changes, the schemas, the manual.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use schoolgate_base::{Group, Role};
use schoolgate_policy::Built;
use schoolgate_policy::diff::{self, Consequence, for_holder};
use schoolgate_policy::manual::{find, pages};
use schoolgate_policy::nearest;
use schoolgate_policy::schema::{Schema, schema as schema_of};
use schoolgate_policy::school::School;
use serde_json::{Map, json};

use super::{FormatArgs, built, placed, say_unfit};
use crate::{Found, pack};

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The folder of the edition in force.
    pub(super) before: PathBuf,
    /// The folder of the edition that is to take its place.
    pub(super) after: PathBuf,
    /// Only what changes for somebody in these groups, or who holds these roles: `--for teachers dsl`.
    #[arg(long = "for", value_name = "GROUP", num_args = 1..)]
    pub(super) whom: Vec<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what: control, head or school; left out: all three, by these names.
    pub(super) of: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ManualArgs {
    /// A kind of control, a finding or a file: `mail`, `unknown-key`, `school`; left out: the list of pages.
    pub(super) page: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LearnError {
    #[error("neither edition has a group or role `{name}`{near}")]
    Whom { name: String, near: String },
    #[error("there is no schema of `{name}`: ask for control, head or school")]
    Schema { name: String },
    #[error("the manual has no page `{name}`{near}: `schoolgate policy manual` lists them")]
    Page { name: String, near: String },
}

fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

pub(super) fn diff(args: &DiffArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let (old, new) = (pack::read(&args.before)?, pack::read(&args.after)?);
    let (before, after) = (built(&old, None), built(&new, None));
    for (folder, pack, built) in [(&args.before, &old, &before), (&args.after, &new, &after)] {
        if !built.is_fit() {
            // A pack that cannot come into force changes nothing for anybody.
            let pack = placed(folder, pack.clone(), true);
            return say_unfit(&built.diagnostics, &pack, args.format.is_json(), out);
        }
    }
    let all = diff::diff(&before, &after);
    let chosen: Vec<&Consequence> = match args.whom.is_empty() {
        true => all.iter().collect(),
        false => {
            let kinds = whom(&args.whom, &before, &after)?;
            let concerns = |one: &&Consequence| {
                kinds
                    .iter()
                    .any(|(groups, offices)| !for_holder(std::slice::from_ref(*one), groups, offices).is_empty())
            };
            all.iter().filter(concerns).collect()
        }
    };
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&chosen)?)?;
    } else {
        write!(out, "{}", diff::text(chosen))?;
    }
    Ok(Found::NothingWrong)
}

/// The kinds of people that are meant: each group named, with all that it is within; each group within a named one,
/// as its people are of it; each office named.
type Kind = (BTreeSet<Group>, BTreeSet<Role>);

fn whom(names: &[String], before: &Built, after: &Built) -> Result<Vec<Kind>, LearnError> {
    let schools = [&after.compiled.school, &before.compiled.school];
    let mut kinds: Vec<Kind> = Vec::new();
    for name in names {
        let (group, role) = (Group::new(name), Role::new(name));
        let of_group = schools.iter().find(|school| school.groups.contains_key(&group));
        let is_role = schools.iter().any(|school| school.roles.contains_key(&role));
        if of_group.is_none() && !is_role {
            let groups = schools.iter().flat_map(|school| school.groups.keys().map(Group::as_str));
            let roles = schools.iter().flat_map(|school| school.roles.keys().map(Role::as_str));
            return Err(LearnError::Whom { name: name.clone(), near: did_you_mean(name, groups.chain(roles)) });
        }
        let above = |school: &School, group: &Group| school.above(group).into_iter().collect::<BTreeSet<_>>();
        if let Some(school) = of_group {
            let chains = school.groups.keys().map(|other| above(school, other));
            kinds.extend(chains.filter(|chain| chain.contains(&group)).map(|chain| (chain, BTreeSet::new())));
        }
        kinds.extend(is_role.then(|| (BTreeSet::new(), BTreeSet::from([role]))));
    }
    Ok(kinds)
}

/// A schema is JSON whatever the format.
pub(super) fn schema(args: &SchemaArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let schema = match &args.of {
        None => {
            let all: Map<_, _> =
                Schema::ALL.iter().map(|(name, schema)| ((*name).to_owned(), schema_of(*schema))).collect();
            all.into()
        }
        Some(name) => {
            let found = Schema::ALL.iter().find(|(known, _)| known == name);
            let (_, schema) = found.ok_or_else(|| LearnError::Schema { name: name.clone() })?;
            schema_of(*schema)
        }
    };
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string(&schema)?)?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(&schema)?)?;
    }
    Ok(Found::NothingWrong)
}

pub(super) fn manual(args: &ManualArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let Some(name) = &args.page else {
        let pages = pages();
        if args.format.is_json() {
            let list: Vec<_> = pages.iter().map(|page| json!({ "path": page.path, "title": page.title })).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        } else {
            pages.iter().try_for_each(|page| writeln!(out, "{:<40} {}", page.path, page.title))?;
        }
        return Ok(Found::NothingWrong);
    };
    let Some(page) = find(name) else {
        let pages = pages();
        let names = pages.iter().filter_map(|page| page.path.rsplit('/').next()?.strip_suffix(".md"));
        return Err(LearnError::Page { name: name.clone(), near: did_you_mean(name, names) }.into());
    };
    if args.format.is_json() {
        let page = json!({ "path": page.path, "title": page.title, "markdown": page.markdown });
        writeln!(out, "{}", serde_json::to_string_pretty(&page)?)?;
    } else {
        writeln!(out, "{}", page.markdown.trim_end())?;
    }
    Ok(Found::NothingWrong)
}
