//! The school's own list of sites.

use schoolgate_base::Host;
use schoolgate_cases::{Field, Value, is_shared};
use schoolgate_decide::snapshot::OwnEntry;
use schoolgate_records::{Actor, NewOwnEntry};

use crate::ctx::{Ctx, from_control, from_records};
use crate::failure::{Failure, PageResult, see_other, shown, shown_again};
use crate::forms::{self, School};
use crate::site_words;
use crate::views::input::{Choice, Input, InputKind, Mistake};
use crate::views::manage::{EntriesPage, EntryRow};

use super::manager;

pub(crate) async fn entry_list(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    shown(&page(&ctx, Vec::new()).await?)
}

pub(crate) async fn entry_add(ctx: Ctx) -> PageResult {
    let signed = manager(&ctx)?;
    match read(&ctx).await? {
        Ok(entry) => {
            ctx.app.control.own_entry_add(signed.id(), &entry).await.map_err(from_control)?;
            see_other("/manage/entries?done=entered")
        }
        Err(mistakes) => shown_again(&page(&ctx, mistakes).await?),
    }
}

pub(crate) async fn entry_remove(ctx: Ctx) -> PageResult {
    let signed = manager(&ctx)?;
    let id = ctx.fields.get("entry");
    let entries = ctx.app.control.store().own_entry_list().await.map_err(from_records)?;
    if !entries.iter().any(|entry| &*entry.id == id) {
        return Err(Failure::NotFound);
    }
    ctx.app.control.own_entry_remove(signed.id(), id).await.map_err(from_control)?;
    see_other("/manage/entries?done=entered")
}

async fn read(ctx: &Ctx) -> Result<Result<NewOwnEntry, Vec<Mistake>>, Failure> {
    let Some(field) = Field::known("site") else { return Err(Failure::NotFound) };
    let raw = [("site".to_owned(), ctx.fields.trimmed("site").to_owned())].into();
    let mut mistakes = Vec::new();
    let mut found = None;
    match School::load(ctx).await?.check(ctx, &[field], &raw) {
        Ok(values) => {
            if let Some(Value::Site(site)) = values.get("site") {
                found = Some(site.clone());
            }
        }
        Err(problems) => mistakes.extend(forms::mistakes(&problems)),
    }
    let category = ctx.fields.get("category");
    // As the form offers them: what is locked is nobody's to add to or to take from.
    if ctx.in_force.built.compiled.school.categories.get(category).is_none_or(|entry| entry.is_locked) {
        mistakes.push(Mistake::new("category", "Choose a kind of site"));
    }
    let is_in = match ctx.fields.get("is_in") {
        "yes" => true,
        "no" => false,
        _ => {
            mistakes.push(Mistake::new("is_in", "Say whether the site is of this kind or is not"));
            true
        }
    };
    let host = match found.as_ref().map(|site| &site.host) {
        Some(host @ Host::Name(_)) if site_words::is_portal(ctx, host) => {
            mistakes.push(Mistake::new("site", "This is the portal itself, which the lists never decide"));
            None
        }
        Some(Host::Name(host)) if is_shared(host) => {
            let words = format!("Thousands of unrelated sites end in “{host}”. Enter the one site");
            mistakes.push(Mistake::new("site", words));
            None
        }
        Some(Host::Name(host)) => Some(host.clone()),
        Some(Host::Address(_)) => {
            mistakes.push(Mistake::new("site", "Enter a name, not an address in numbers"));
            None
        }
        None => None,
    };
    let Some(host) = host.filter(|_| mistakes.is_empty()) else { return Ok(Err(mistakes)) };
    let path = found.and_then(|site| site.path);
    let snapshot = ctx.app.control.snapshot();
    let same = |entry: &&OwnEntry| entry.host == host && entry.path == path && &*entry.category == category;
    if let Some(entry) = snapshot.live.own_entries.iter().find(same) {
        let words = if entry.is_in { "is of this kind" } else { "is not of this kind" };
        let words = format!("The list says already that this site {words}: take that entry away to say otherwise");
        return Ok(Err(vec![Mistake::new("site", words)]));
    }
    Ok(Ok(NewOwnEntry { host, path, category: category.into(), is_in, note: ctx.fields.trimmed("why").to_owned() }))
}

async fn page(ctx: &Ctx, mistakes: Vec<Mistake>) -> Result<EntriesPage, Failure> {
    let mut rows = Vec::new();
    for kept in ctx.app.control.store().own_entry_list().await.map_err(from_records)? {
        let by = match &kept.by {
            Actor::Person(person) => ctx.name(person).await?,
            Actor::Program(name) => name.to_string(),
        };
        let category = site_words::category(ctx, &kept.entry.category);
        rows.push(EntryRow {
            id: kept.id.to_string(),
            site: format!("{}{}", kept.entry.host, kept.entry.path.as_deref().unwrap_or_default()),
            is: if kept.entry.is_in { category } else { format!("not {category}") },
            why: kept.entry.note.clone(),
            added: format!("{}, by {by}", ctx.moments().at(kept.at)),
        });
    }
    let categories = &ctx.in_force.built.compiled.school.categories;
    let choices = categories
        .iter()
        .filter(|(_, entry)| !entry.is_locked)
        .map(|(name, entry)| Choice::new(name.to_string(), entry.title.to_string()));
    let answers = vec![Choice::new("yes", "is of this kind"), Choice::new("no", "is not of this kind")];
    let is_in = if ctx.fields.get("is_in").is_empty() { "yes" } else { ctx.fields.get("is_in") };
    let inputs = vec![
        Input::new("site", "Which site?", InputKind::Line)
            .hint("For example puzzle.example")
            .value(ctx.fields.get("site")),
        Input::new("is_in", "The site", InputKind::Radios(answers)).value(is_in),
        Input::new("category", "Kind of site", InputKind::Select(choices.collect())).value(ctx.fields.get("category")),
        Input::new("why", "Why?", InputKind::Line)
            .hint("So that the next person knows")
            .optional()
            .longest(500)
            .value(ctx.fields.get("why")),
    ];
    let inputs = inputs.into_iter().map(|input| input.mistaken(&mistakes)).collect();
    Ok(EntriesPage {
        frame: ctx.frame("/manage", "The school's own list of sites").mistaken(!mistakes.is_empty()),
        mistakes,
        rows,
        inputs,
    })
}
