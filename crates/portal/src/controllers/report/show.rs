//! One report: all of it for those it reaches, the receipt for whoever sent it, nothing for anybody else.

use axum::extract::Path;
use schoolgate_base::CaseId;
use schoolgate_cases::{
    Body, Case, CaseState, Definition, ReportDefinition, Sight, concern, receipt, route, steps_left,
};
use schoolgate_keys::KeyHolder;
use schoolgate_records::CaseFile;

use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, shown};
use crate::forms::School;
use crate::views::Happened;
use crate::views::input::{Choice, Input, InputKind, Mistake};
use crate::views::report::{CaseAct, CasePage};
use crate::words::both;

use super::create::outside;
use super::failure;

pub(crate) async fn report_show(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person(&format!("/cases/{id}"))?;
    let (file, sight) = find(&ctx, signed, &id).await?;
    shown(&page(&ctx, signed, &file, sight, Vec::new()).await?)
}

/// The report, if it exists for this person; one that does not and one that is not there are the same answer.
pub(super) async fn find(ctx: &Ctx, signed: &Signed, id: &str) -> Result<(CaseFile, Sight), Failure> {
    let id = CaseId::new(id).map_err(|_| Failure::NotFound)?;
    ctx.app.control.report_for(signed.id(), &id).await.map_err(failure)?.ok_or(Failure::NotFound)
}

pub(super) async fn page(
    ctx: &Ctx,
    signed: &Signed,
    file: &CaseFile,
    sight: Sight,
    mistakes: Vec<Mistake>,
) -> Result<CasePage, Failure> {
    let case = &file.case;
    let Some(Definition::Report(definition)) = ctx.in_force.definitions.pinned(&case.pin) else {
        return Err(Failure::NotFound);
    };
    let school = School::load(ctx).await?;
    let is_whole = sight == Sight::Whole;
    let outside = match (&case.body, is_whole) {
        (Body::Report { .. }, true) => outside(&route(definition, &concern(&case.values), &signed.offices)),
        _ => Vec::new(),
    };
    Ok(CasePage {
        frame: ctx.frame("/reports", definition.title.to_string()).mistaken(!mistakes.is_empty()),
        id: case.id.to_string(),
        title: definition.title.to_string(),
        state: state(ctx, case),
        readers: if is_whole { readers(ctx, file).await? } else { String::new() },
        answers: school.answers(ctx, &definition.form, &case.values),
        outside,
        act: is_whole.then(|| act(ctx, case, definition, &mistakes)),
        trail: if is_whole { school.trail(ctx, case) } else { told(ctx, case) },
        mistakes,
    })
}

fn state(ctx: &Ctx, case: &Case) -> String {
    match (case.state, case.due_at) {
        (CaseState::Closed, _) => "Closed".to_owned(),
        (CaseState::Acknowledged, _) => "Taken on".to_owned(),
        (_, Some(due)) => format!("Not taken on yet, due by {}", ctx.moments().until(due)),
        (_, None) => "Not taken on yet".to_owned(),
    }
}

async fn readers(ctx: &Ctx, file: &CaseFile) -> Result<String, Failure> {
    let mut names = Vec::new();
    for holder in file.parties() {
        match holder {
            KeyHolder::Person(person) if *person == file.case.by => {}
            KeyHolder::Person(person) => names.push(ctx.name(person).await?),
            KeyHolder::Office(role) => names.push(ctx.office(role)),
        }
    }
    names.sort();
    names.push(format!("{}, who reported it (of the notes, those ticked for them)", ctx.name(&file.case.by).await?));
    Ok(both(&names))
}

fn act(ctx: &Ctx, case: &Case, definition: &ReportDefinition, mistakes: &[Mistake]) -> CaseAct {
    let is_over = case.state.is_over();
    let steps: Vec<String> = steps_left(case, definition).into_iter().map(String::from).collect();
    let choices = definition.outcomes.iter().map(|outcome| Choice::new(&**outcome, &**outcome)).collect::<Vec<_>>();
    let outcome = if choices.is_empty() { InputKind::Text(3) } else { InputKind::Radios(choices) };
    CaseAct {
        can_acknowledge: case.state == CaseState::Open,
        can_note: !is_over,
        can_close: !is_over && steps.is_empty(),
        steps: if is_over { Vec::new() } else { steps },
        note: vec![
            Input::new("text", "Note", InputKind::Text(3)).value(ctx.fields.get("text")).mistaken(mistakes),
            Input::new("for_parties", "Whoever reported it may read this", InputKind::Tick).optional(),
        ],
        close: vec![
            Input::new("outcome", "What came of it?", outcome).value(ctx.fields.get("outcome")).mistaken(mistakes),
        ],
    }
}

/// What whoever sent it is told.
fn told(ctx: &Ctx, case: &Case) -> Vec<Happened> {
    let receipt = receipt(case);
    let mut told = vec![(receipt.sent_at, "You sent it".to_owned())];
    told.extend(receipt.acknowledged_at.map(|at| (at, "It was taken on".to_owned())));
    told.extend(receipt.notes.into_iter().map(|(at, text)| (at, format!("For you: {text}"))));
    told.extend(receipt.closed_at.map(|at| (at, "It was closed".to_owned())));
    told.sort_by_key(|(at, _)| *at);
    told.into_iter().map(|(at, words)| Happened { when: ctx.moments().at(at), words }).collect()
}
