//! Being somebody with one click, and setting the time: only where the demonstration's capability was given.

use axum::extract::{Path, Query};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use schoolgate_base::PersonId;
use serde::Deserialize;

use crate::ctx::{Ctx, from_records};
use crate::failure::{Failure, PageResult, see_other, shown, shown_again};
use crate::onward::own_path;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::session::{BePage, BeRow};

use super::create::begin;

/// How far the clock is moved at once. What is kept ends by its time: a slip of a digit would throw all of it away.
const FARTHEST: SignedDuration = SignedDuration::from_hours(366 * 24);

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

pub(crate) async fn demo_redirect() -> PageResult {
    see_other("/be")
}

pub(crate) async fn be_list(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let next = own_path(&asked.next).to_owned();
    shown(&page(&ctx, &next, "", Vec::new()).await?)
}

/// Signs in as one of the demonstration's people.
pub(crate) async fn be_create(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let id = PersonId::new(&id).map_err(|_| Failure::NotFound)?;
    let people = ctx.app.demo.as_ref().map_or(&[][..], |demo| &demo.people);
    let Some(somebody) = people.iter().find(|person| person.person == id) else { return Err(Failure::NotFound) };
    let next = own_path(ctx.fields.get("next")).to_owned();
    begin(&ctx, &id, somebody.capacity, &next).await
}

/// Moves the demonstration's clock.
pub(crate) async fn clock_set(ctx: Ctx) -> PageResult {
    let text = ctx.fields.trimmed("clock").to_owned();
    let zone = ctx.moments().calendar.zone.clone();
    let at = text.replace(' ', "T").parse::<DateTime>().ok().and_then(|at| at.to_zoned(zone).ok());
    let mistake = match at.map(|at| at.timestamp()) {
        Some(at) if FARTHEST < at.duration_since(ctx.now).abs() => {
            Mistake::new("clock", "Enter a day within a year of the one it is here")
        }
        Some(at) if ctx.app.control.clock().set(at).is_ok() => return see_other("/be?done=clock"),
        _ => Mistake::new("clock", "Enter a day and time such as 2026-11-24 10:10"),
    };
    shown_again(&page(&ctx, "/", &text, vec![mistake]).await?)
}

async fn page(ctx: &Ctx, next: &str, clock: &str, mistakes: Vec<Mistake>) -> Result<BePage, Failure> {
    let mut people = Vec::new();
    for somebody in ctx.app.demo.iter().flat_map(|demo| &demo.people) {
        let found = ctx.app.control.store().person_fetch(&somebody.person).await.map_err(from_records)?;
        let Some(person) = found else { continue };
        people.push(BeRow { id: person.id.to_string(), name: person.name.to_string(), about: somebody.about.clone() });
    }
    let local = ctx.moments().calendar.local(ctx.now);
    let value = if clock.is_empty() { local.strftime("%Y-%m-%d %H:%M").to_string() } else { clock.to_owned() };
    Ok(BePage {
        frame: ctx.frame("", "Be somebody in the demonstration").mistaken(!mistakes.is_empty()),
        people,
        next: next.to_owned(),
        now: local.strftime("%A %-d %B %Y, %H:%M").to_string(),
        clock: Input::new("clock", "Day and time", InputKind::Short)
            .hint("For example 2026-11-24 10:10")
            .longest(40)
            .value(&value)
            .mistaken(&mistakes),
        mistakes,
    })
}
