//! The rows behind a number. Without names; names only for those who need them, after a reason, and written down.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use jiff::SignedDuration;
use jiff::civil::Date;
use schoolgate_base::ControlKind;
use schoolgate_eventlog::{Day, Filter, Row};
use schoolgate_policy::show::{ClauseView, PolicyView};
use schoolgate_records::Actor;
use serde::Deserialize;

use crate::chart::{self, Bar};
use crate::ctx::{Ctx, Signed, from_records};
use crate::evidence::{self, DAYS, Evidence, Promise};
use crate::failure::{Failure, PageResult, internal, shown, shown_again};
use crate::site_words;
use crate::views::Pair;
use crate::views::input::{Choice, Input, InputKind, Mistake};
use crate::views::policy::{EvidencePage, LookUpForm};
use crate::words::small_hidden;

use super::{clause, policy};

/// Rows on one page.
const ROWS: u32 = 50;
/// Days in the chart.
const CHART_DAYS: usize = 10;
/// Reasons for looking up names; the first is what the list asks most often.
const REASONS: [(&str, &str); 4] = [
    ("child-safety", "A child may be at risk"),
    ("reported-misuse", "Misuse was reported and I am looking into it"),
    ("asked-by-person", "The person asked me to"),
    ("remind", "I want to remind people who have not agreed"),
];

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// `sign` for who agreed; empty for what the doors did.
    #[serde(default)]
    of: String,
}

/// What is asked for, and who asks.
struct Question<'a> {
    view: &'a PolicyView,
    clause: &'a ClauseView,
    signed: &'a Signed,
    is_sign: bool,
    with_names: bool,
}

pub(crate) async fn evidence_show(
    ctx: Ctx,
    Path((id, anchor)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let question = question(&ctx, &id, &anchor, &asked)?;
    shown(&page(&ctx, &question, Vec::new()).await?)
}

/// Names, for a reason. The look-up is written down before it is answered.
pub(crate) async fn evidence_names(
    ctx: Ctx,
    Path((id, anchor)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let mut question = question(&ctx, &id, &anchor, &asked)?;
    if !question.signed.powers.sees_names {
        return Err(Failure::NotForYou);
    }
    let why = ctx.fields.get("why");
    if !REASONS.iter().any(|(reason, _)| *reason == why) {
        let mistake = Mistake::new("why", "Choose why you need names");
        return shown_again(&page(&ctx, &question, vec![mistake]).await?);
    }
    let actor = Actor::Person(question.signed.id().clone());
    let mut write = ctx.app.control.store().begin(actor, ctx.now).await.map_err(from_records)?;
    let what = format!(
        "names behind the evidence of {} ({})",
        question.clause.id,
        if question.is_sign { "agreements" } else { "web" }
    );
    write.look_up_note(&what, why).await.map_err(from_records)?;
    write.commit().await.map_err(from_records)?;
    question.with_names = true;
    shown(&page(&ctx, &question, Vec::new()).await?)
}

fn question<'a>(ctx: &'a Ctx, id: &str, anchor: &str, asked: &Asked) -> Result<Question<'a>, Failure> {
    let signed = ctx.person(&format!("/policies/{id}/{anchor}/evidence"))?;
    if !signed.powers.sees_evidence {
        return Err(Failure::NotForYou);
    }
    let view = policy(ctx, id)?;
    let clause = clause(ctx, view, anchor)?;
    Ok(Question { view, clause, signed, is_sign: asked.of == "sign", with_names: false })
}

async fn page(ctx: &Ctx, question: &Question<'_>, mistakes: Vec<Mistake>) -> Result<EvidencePage, Failure> {
    let title = format!("What shows that rule {} is kept", question.clause.number);
    let (policy, anchor) = (&question.view.policy, &question.clause.id.clause);
    let of = if question.is_sign { "?of=sign" } else { "" };
    let mut page = EvidencePage {
        frame: ctx.frame("/policies", title.clone()).mistaken(!mistakes.is_empty()),
        back: format!("/policies/{policy}/{anchor}"),
        title,
        summary: String::new(),
        chart: String::new(),
        caption: String::new(),
        columns: Vec::new(),
        rows: Vec::new(),
        note: String::new(),
        look_up: None,
    };
    if question.signed.powers.sees_names && !question.with_names {
        page.look_up = Some(look_up(format!("/policies/{policy}/{anchor}/evidence{of}"), mistakes));
    }
    if question.is_sign {
        agreements(ctx, question, &mut page).await?
    } else {
        doors(ctx, question, &mut page).await?
    }
    Ok(page)
}

fn look_up(action: String, mistakes: Vec<Mistake>) -> LookUpForm {
    let choices = REASONS.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    let why = Input::new("why", "Why do you need names?", InputKind::Radios(choices)).mistaken(&mistakes);
    LookUpForm { action, inputs: vec![why], mistakes }
}

/// Who agreed: by day, or by name.
async fn agreements(ctx: &Ctx, question: &Question<'_>, page: &mut EvidencePage) -> Result<(), Failure> {
    let counts_only = question.signed.powers.sees_counts_only;
    let evidence = Evidence::load(ctx, counts_only).await?;
    let promise = evidence.promise(&question.view.policy).cloned().unwrap_or_default();
    page.summary = format!("{}. A promise is not a check.", promise.words(counts_only));
    if question.with_names {
        page.caption = "By name. That you looked is recorded.".to_owned();
        page.columns = vec!["Who".to_owned(), "Agreed".to_owned()];
        for (person, at) in &promise.signed {
            page.rows.push(row(&page.columns, [ctx.name(person).await?, ctx.moments().full(*at)]));
        }
        for person in &promise.missing {
            page.rows.push(row(&page.columns, [ctx.name(person).await?, "not yet".to_owned()]));
        }
        return Ok(());
    }
    page.caption = "Agreements by day".to_owned();
    page.columns = vec!["Day".to_owned(), "Agreed".to_owned()];
    for (day, count) in by_day(ctx, &promise) {
        let count = if counts_only { small_hidden(count) } else { count.to_string() };
        page.rows.push(row(&page.columns, [day_words(day), count]));
    }
    Ok(())
}

fn by_day(ctx: &Ctx, promise: &Promise) -> Vec<(Date, u64)> {
    let mut days: BTreeMap<Date, u64> = BTreeMap::new();
    for (_, at) in &promise.signed {
        *days.entry(ctx.moments().calendar.local(*at).date()).or_default() += 1;
    }
    days.into_iter().rev().take(60).collect()
}

/// What our doors did because of the clause.
async fn doors(ctx: &Ctx, question: &Question<'_>, page: &mut EvidencePage) -> Result<(), Failure> {
    if !question.clause.controls.iter().any(|control| control.id.kind == ControlKind::Web) {
        return Err(Failure::NotFound);
    }
    let range = evidence::range(ctx);
    let filter = Filter { clause: Some(question.clause.id.clone()), ..Filter::default() };
    let counts_only = question.signed.powers.sees_counts_only;
    let days = ctx.app.evidence.days(&range, &filter).await.map_err(internal)?;
    let total: u64 = days.iter().map(|day| day.decisions).sum();
    let accidents: u64 = days.iter().map(|day| day.accidents).sum();
    let shown = |count: u64| if counts_only { small_hidden(count) } else { count.to_string() };
    let mut web = question.clause.controls.iter().filter(|control| control.id.kind == ControlKind::Web);
    let uncounted = web.find_map(|control| evidence::uncounted(ctx, &control.id));
    page.summary = match (total, uncounted) {
        (0, Some(words)) => format!("{words}."),
        (0, None) => format!("Our gateway had no need to act on this rule in the last {DAYS} days."),
        (total, _) => format!("Our gateway acted on this rule in the last {DAYS} days. Times: {}.", shown(total)),
    };
    if 0 < accidents {
        page.summary.push_str(&format!(" Said to be accidents: {}. They count as nothing else.", shown(accidents)));
    }
    let lost = ctx.app.evidence.lost(&range);
    if 0 < lost {
        page.note = format!("The numbers may be too small: {lost} events could not be kept.");
    }
    page.chart = chart(&days, counts_only);
    if counts_only {
        page.caption = "By day".to_owned();
        page.columns = vec!["Day".to_owned(), "Times".to_owned()];
        let busy = days.iter().rev().filter(|day| 0 < day.decisions);
        page.rows = busy.map(|day| row(&page.columns, [day_words(day.date), shown(day.decisions)])).collect();
        return Ok(());
    }
    let rows = ctx.app.evidence.rows(&range, &filter, None, ROWS).await.map_err(internal)?.rows;
    event_rows(ctx, question, page, &rows).await
}

async fn event_rows(ctx: &Ctx, question: &Question<'_>, page: &mut EvidencePage, rows: &[Row]) -> Result<(), Failure> {
    let mut columns = vec!["When", "Site", "What came of it", "Kind of site", "How we know who"];
    if question.with_names {
        columns.insert(1, "Who");
    }
    page.columns = columns.iter().map(|&column| column.to_owned()).collect();
    page.caption = if question.with_names {
        "The latest, by name. That you looked is recorded.".to_owned()
    } else {
        "The latest, without names".to_owned()
    };
    let names = if question.with_names { names(ctx).await? } else { BTreeMap::new() };
    for event in rows {
        let mut cells = vec![
            ctx.moments().at(event.at),
            event.host.clone().unwrap_or_default(),
            outcome(event),
            event.category.as_deref().map(|name| site_words::category(ctx, name)).unwrap_or_default(),
            strength(event.strength.as_deref()).to_owned(),
        ];
        if question.with_names {
            let who = event.person.as_ref().and_then(|person| names.get(person)).cloned();
            cells.insert(1, who.unwrap_or_else(|| "nobody known".to_owned()));
        }
        page.rows.push(page.columns.iter().zip(cells).map(|(column, cell)| Pair::new(column.clone(), cell)).collect());
    }
    Ok(())
}

/// Names by pseudonym, of the people who are here now, in every school year that the events reach into.
async fn names(ctx: &Ctx) -> Result<BTreeMap<String, String>, Failure> {
    let snapshot = ctx.app.control.snapshot();
    let from = ctx.now - SignedDuration::from_hours(24 * DAYS);
    let mut names = BTreeMap::new();
    for member in &snapshot.people.members {
        let name = ctx.name(&member.person).await?;
        let pseudonyms = ctx.app.control.pseudonyms(&member.person, from, ctx.now);
        names.extend(pseudonyms.iter().map(|pseudonym| (pseudonym.to_string(), name.clone())));
    }
    Ok(names)
}

fn outcome(event: &Row) -> String {
    match (event.kind.as_str(), event.verdict.as_deref()) {
        ("accident", _) => "said to be an accident",
        (_, Some("block")) => "refused",
        (_, Some("warn")) => "asked to think first",
        (_, Some("allow")) => "opened",
        (_, Some("gate")) => "sent to the agreement",
        (_, Some("failed")) => "the site could not be reached",
        (_, Some(other)) => other,
        (_, None) => "",
    }
    .to_owned()
}

fn strength(word: Option<&str>) -> &'static str {
    match word {
        Some("connection") => "by the device's own key",
        Some("lease") => "by the network's sign-in",
        Some("address") => "by a sign-in at that address (weak)",
        _ => "not known",
    }
}

fn chart(days: &[Day], counts_only: bool) -> String {
    let bars: Vec<Bar> = days
        .iter()
        .rev()
        .filter(|day| 0 < day.decisions)
        .take(CHART_DAYS)
        .map(|day| Bar {
            label: day_words(day.date),
            // A small number has a bar of one length, so that the drawing tells no more than the words.
            value: if counts_only && day.decisions < 5 { 4 } else { day.decisions },
            shown: if counts_only { small_hidden(day.decisions) } else { day.decisions.to_string() },
            class: "plain",
        })
        .collect();
    if bars.is_empty() { String::new() } else { chart::bars("Times, by day", &bars) }
}

fn day_words(date: Date) -> String {
    date.strftime("%A %-d %B").to_string()
}

fn row<const N: usize>(columns: &[String], cells: [String; N]) -> Vec<Pair> {
    columns.iter().zip(cells).map(|(column, cell)| Pair::new(column.clone(), cell)).collect()
}
