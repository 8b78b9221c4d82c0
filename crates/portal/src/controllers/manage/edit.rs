//! Editing a document or one clause: checked, then refused with reasons or put in force at every door.

use axum::extract::{Path, Query};
use schoolgate_control::{AdoptError, ControlError};
use schoolgate_keys::sha256_hex;
use schoolgate_policy::{Diagnostic, Pack, Severity, has_errors};
use serde::Deserialize;

use crate::clause_source::{ClauseSource, join, range, split};
use crate::ctx::{Ctx, Signed, from_control};
use crate::failure::{Failure, PageResult, see_other, shown, shown_again};
use crate::views::input::{Input, InputKind};
use crate::views::manage::{EditPage, Finding};
use crate::words::counted;

use super::manager;

/// Longest text of a document in the form.
const TEXT_MAX: u32 = 1_000_000;
/// Longest words of one rule, in characters: some three pages.
const RULE_MAX: usize = 10_000;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    name: String,
}

/// A place in the pack: a whole file, or one clause of it.
struct Place {
    title: String,
    action: String,
    file: String,
    /// The clause's bytes in the file.
    clause: Option<std::ops::Range<usize>>,
}

pub(crate) async fn file_edit(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    manager(&ctx)?;
    let place = file_place(&ctx, &asked.name)?;
    shown(&page(&ctx, &place, None))
}

pub(crate) async fn file_update(ctx: Ctx) -> PageResult {
    let signed = manager(&ctx)?;
    let place = file_place(&ctx, ctx.fields.get("name"))?;
    update(&ctx, signed, &place).await
}

pub(crate) async fn clause_edit(ctx: Ctx, Path((policy, anchor)): Path<(String, String)>) -> PageResult {
    manager(&ctx)?;
    let place = clause_place(&ctx, &policy, &anchor)?;
    shown(&page(&ctx, &place, None))
}

pub(crate) async fn clause_update(ctx: Ctx, Path((policy, anchor)): Path<(String, String)>) -> PageResult {
    let signed = manager(&ctx)?;
    let place = clause_place(&ctx, &policy, &anchor)?;
    update(&ctx, signed, &place).await
}

fn file_place(ctx: &Ctx, name: &str) -> Result<Place, Failure> {
    ctx.in_force.pack.get(name).ok_or(Failure::NotFound)?;
    Ok(Place { title: format!("Edit {name}"), action: "/manage/file".to_owned(), file: name.to_owned(), clause: None })
}

fn clause_place(ctx: &Ctx, policy: &str, anchor: &str) -> Result<Place, Failure> {
    let documents = &ctx.in_force.built.parsed.documents;
    let document = documents.iter().find(|document| document.front.policy.text == policy).ok_or(Failure::NotFound)?;
    let clause = document.clauses.iter().find(|clause| clause.id.text == anchor).ok_or(Failure::NotFound)?;
    let text = ctx.in_force.pack.text(document.file);
    let line_of = |start: usize| text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let starts: Vec<usize> = document.clauses.iter().map(|clause| line_of(clause.span.start)).collect();
    Ok(Place {
        title: format!("Rule {} of {}", clause.number, document.front.title.text),
        action: format!("/manage/{policy}/{anchor}"),
        file: ctx.in_force.pack.path(document.file).to_owned(),
        clause: Some(range(text, line_of(clause.span.start), &starts)),
    })
}

/// What came of the last press of a button.
struct Outcome {
    pack: Pack,
    diagnostics: Vec<Diagnostic>,
    is_refused: bool,
    verdict: String,
}

async fn update(ctx: &Ctx, signed: &Signed, place: &Place) -> PageResult {
    let current = ctx.in_force.pack.get(&place.file).unwrap_or_default();
    if ctx.fields.get("base") != sha256_hex(current.as_bytes()) {
        return Err(moved_on());
    }
    if place.clause.is_some()
        && let Some(verdict) = no_rule(ctx.fields.trimmed("text"))
    {
        return shown_again(&page(ctx, place, Some(not_checked(ctx, verdict))));
    }
    let mut pack = ctx.in_force.pack.clone();
    pack.insert(&place.file, &edited(ctx, current, place));
    if ctx.fields.get("step") == "publish" {
        publish(ctx, signed, place, pack).await
    } else {
        check(ctx, place, pack).await
    }
}

/// Why a text is not the words of one rule. The checker would take it for something else of the document.
fn no_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some(
            "A rule needs words that people can read, and this one would have none. Write some; to take the whole rule \
             out, edit its document.",
        );
    }
    if RULE_MAX < text.chars().count() {
        return Some("This is far longer than people read in one rule. Make several of it, in its document.");
    }
    let is_structure = |line: &str| line.starts_with('#') || line.starts_with("```") || line.contains("{#");
    text.lines().any(|line| is_structure(line.trim_start())).then_some(
        "This would be more than one rule: headings, blocks and names in braces are written in the document itself.",
    )
}

fn not_checked(ctx: &Ctx, verdict: &str) -> Outcome {
    let pack = ctx.in_force.pack.clone();
    Outcome { pack, diagnostics: Vec::new(), is_refused: true, verdict: verdict.to_owned() }
}

fn moved_on() -> Failure {
    let words = "Somebody else has put another text in force while you were editing. Copy what you wrote, \
        load the page again, and put it in once more.";
    Failure::MovedOn { words: words.to_owned() }
}

/// The whole file with what was typed in its place.
fn edited(ctx: &Ctx, current: &str, place: &Place) -> String {
    let Some(range) = place.clause.clone() else { return ctx.fields.get("text").to_owned() };
    let clause = ClauseSource {
        head: split(current.get(range.clone()).unwrap_or_default()).head,
        text: ctx.fields.get("text").to_owned(),
        controls: ctx.fields.get("controls").to_owned(),
    };
    let (before, after) =
        (current.get(..range.start).unwrap_or_default(), current.get(range.end..).unwrap_or_default());
    format!("{before}{}{after}", join(&clause))
}

async fn check(ctx: &Ctx, place: &Place, pack: Pack) -> PageResult {
    let diagnostics = ctx.app.control.policy_check(&pack).await.map_err(from_control)?;
    let is_refused = has_errors(&diagnostics);
    let since = ctx.moments().since(ctx.in_force.since);
    let verdict = if is_refused {
        format!("{} The rules in force since {since} stay as they are.", found(&diagnostics))
    } else {
        format!("The checker found no fault. Nothing is changed yet; the rules in force are those of {since}.")
    };
    let page = page(ctx, place, Some(Outcome { pack, diagnostics, is_refused, verdict }));
    if is_refused { shown_again(&page) } else { shown(&page) }
}

async fn publish(ctx: &Ctx, signed: &Signed, place: &Place, pack: Pack) -> PageResult {
    match ctx.app.control.policy_adopt(signed.id(), pack, ctx.in_force.edition).await {
        Ok(_) => see_other("/manage?done=in-force"),
        Err(AdoptError::Refused { pack, diagnostics }) => {
            let since = ctx.moments().since(ctx.in_force.since);
            let verdict = format!("{} The rules in force since {since} stay as they are.", found(&diagnostics));
            shown_again(&page(ctx, place, Some(Outcome { pack, diagnostics, is_refused: true, verdict })))
        }
        Err(AdoptError::Control { source: ControlError::MovedOn { .. } }) => Err(moved_on()),
        Err(AdoptError::Control { source }) => Err(from_control(source)),
    }
}

fn found(diagnostics: &[Diagnostic]) -> String {
    let faults = diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
    format!("The checker found {}.", counted(faults, "fault", "faults"))
}

fn page(ctx: &Ctx, place: &Place, outcome: Option<Outcome>) -> EditPage {
    let current = ctx.in_force.pack.get(&place.file).unwrap_or_default();
    let was_sent = outcome.is_some();
    let (is_refused, verdict, findings) = match outcome {
        Some(outcome) => {
            let findings = outcome.diagnostics.iter().filter(|one| one.severity != Severity::Note);
            let findings = findings.map(|one| finding(one, &outcome.pack)).collect();
            (outcome.is_refused, outcome.verdict, findings)
        }
        None => (false, String::new(), Vec::new()),
    };
    EditPage {
        frame: ctx.frame("/manage", place.title.clone()).mistaken(is_refused),
        title: place.title.clone(),
        action: place.action.clone(),
        name: place.file.clone(),
        base: sha256_hex(current.as_bytes()),
        is_refused,
        verdict,
        findings,
        inputs: if was_sent {
            inputs(place, ctx.fields.get("text"), ctx.fields.get("controls"))
        } else {
            fresh(place, current)
        },
    }
}

fn fresh(place: &Place, current: &str) -> Vec<Input> {
    match place.clause.clone() {
        Some(range) => {
            let clause = split(current.get(range).unwrap_or_default());
            inputs(place, &clause.text, &clause.controls)
        }
        None => inputs(place, current, ""),
    }
}

fn inputs(place: &Place, text: &str, controls: &str) -> Vec<Input> {
    if place.clause.is_none() {
        return vec![Input::new("text", "The whole file", InputKind::Source(30)).longest(TEXT_MAX).value(text)];
    }
    vec![
        Input::new("text", "What people read", InputKind::Text(5))
            .hint("Its number and its name stay as they are: agreements and evidence hang on them")
            .longest(TEXT_MAX)
            .value(text),
        Input::new("controls", "What makes it true", InputKind::Source(14))
            .hint("One block for each control, such as [[web]]")
            .longest(TEXT_MAX)
            .optional()
            .value(controls),
    ]
}

fn finding(diagnostic: &Diagnostic, pack: &Pack) -> Finding {
    let finding = diagnostic.finding(pack);
    let (severity, class) = match finding.severity {
        Severity::Error => ("Fault", "error"),
        Severity::Warning => ("Worth a look", "warning"),
        Severity::Note => ("Note", "note"),
    };
    let line = pack.get(&finding.place.file).and_then(|text| text.lines().nth(finding.place.line.saturating_sub(1)));
    Finding {
        severity,
        class,
        code: finding.code.to_string(),
        what: finding.message,
        place: format!("{}, line {}", finding.place.file, finding.place.line),
        why: finding.why.unwrap_or_default(),
        source: line
            .map(|line| marked(line, finding.place.line, finding.place.column, finding.place.end - finding.place.start))
            .unwrap_or_default(),
        instead: finding.help.unwrap_or_default(),
    }
}

/// The line with a row of marks under the place.
fn marked(line: &str, number: usize, column: usize, bytes: usize) -> String {
    let before = column.saturating_sub(1);
    let room = line.chars().count().saturating_sub(before).max(1);
    let gutter = " ".repeat(number.to_string().len());
    format!("{number} | {line}\n{gutter} | {}{}", " ".repeat(before), "^".repeat(bytes.clamp(1, room)))
}
