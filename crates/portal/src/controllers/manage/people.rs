//! Who is here, and a file of people: what it would change first, the changes after a second look.

use schoolgate_directory::{Confirmation, Difference, DirectoryError, Register, RegisterSettings, apply, difference};
use schoolgate_records::Actor;

use crate::ctx::{Ctx, Signed, from_control, from_records};
use crate::failure::{Failure, PageResult, internal, see_other, shown, shown_again};
use crate::views::Pair;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::manage::{PeoplePage, PeoplePlan};
use crate::words::counted;

use super::manager;

/// Longest file taken in the form, in characters.
const CSV_MAX: u32 = 3_000_000;
/// Changes shown one by one.
const LINES_MAX: usize = 500;

pub(crate) async fn people_show(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    shown(&page(&ctx, None, Vec::new()).await?)
}

/// First press: the difference, nothing changed. Second: the changes.
pub(crate) async fn people_import(ctx: Ctx) -> PageResult {
    let signed = manager(&ctx)?;
    let settings = RegisterSettings { capacity: None, zone: ctx.moments().calendar.zone.clone() };
    let register = match Register::read(ctx.fields.get("csv").as_bytes(), &settings) {
        Ok(register) => register,
        Err(error) => return again(&ctx, error).await,
    };
    if ctx.fields.get("step") == "confirm" {
        return confirm(&ctx, signed, &register).await;
    }
    match difference(ctx.app.control.store(), &register, ctx.now).await {
        Ok(difference) => shown(&page(&ctx, Some(plan_of(&ctx, &register, &difference, &[])), Vec::new()).await?),
        Err(error) => again(&ctx, error).await,
    }
}

async fn confirm(ctx: &Ctx, signed: &Signed, register: &Register) -> PageResult {
    let confirmation = Confirmation {
        archive: ctx.fields.trimmed("leaving").parse().ok().filter(|_| ctx.fields.is_ticked("sure")),
        without_problem_rows: ctx.fields.is_ticked("without"),
    };
    let actor = Actor::Person(signed.id().clone());
    match apply(ctx.app.control.store(), register, confirmation, actor, ctx.now).await {
        Ok(_) => {
            ctx.app.control.people_publish().await.map_err(from_control)?;
            see_other("/manage/people?done=people")
        }
        Err(error) => again(ctx, error).await,
    }
}

/// The page with what was wrong; where the file could be read, with the difference again.
async fn again(ctx: &Ctx, error: DirectoryError) -> PageResult {
    let mistake = match &error {
        DirectoryError::Problems { .. } => Mistake::new("without", sentence(&error)),
        DirectoryError::Brake { .. } | DirectoryError::ConfirmedOtherwise { .. } => {
            Mistake::new("sure", sentence(&error))
        }
        DirectoryError::TooLarge { .. }
        | DirectoryError::TooManyRows { .. }
        | DirectoryError::Header { .. }
        | DirectoryError::Csv { .. } => Mistake::new("csv", sentence(&error)),
        DirectoryError::Records { .. } => {
            let DirectoryError::Records { source } = error else { return Err(internal("unreadable records")) };
            return Err(from_records(source));
        }
    };
    let settings = RegisterSettings { capacity: None, zone: ctx.moments().calendar.zone.clone() };
    let plan = match Register::read(ctx.fields.get("csv").as_bytes(), &settings) {
        Ok(register) => difference(ctx.app.control.store(), &register, ctx.now).await.ok().map(|now| (register, now)),
        Err(_) => None,
    };
    let plan = plan.map(|(register, difference)| plan_of(ctx, &register, &difference, std::slice::from_ref(&mistake)));
    shown_again(&page(ctx, plan, vec![mistake]).await?)
}

fn sentence(error: &DirectoryError) -> String {
    crate::controllers::request::sentence(&error.to_string())
}

fn plan_of(ctx: &Ctx, register: &Register, difference: &Difference, mistakes: &[Mistake]) -> PeoplePlan {
    let known = ctx.in_force.built.compiled.school.groups.keys().cloned().collect();
    let unknown: Vec<String> =
        register.unknown_groups(&known).iter().map(|one| one.to_string().replacen("line", "Line", 1)).collect();
    let leaving = difference.leaving_count(ctx.now);
    let counts = vec![
        Pair::new("New", difference.added.len().to_string()),
        Pair::new("Changed", difference.changed.len().to_string()),
        Pair::new("Would leave", format!("{leaving} of {}", difference.in_scope)),
        Pair::new("As they are", difference.unchanged.to_string()),
        Pair::new("Rows that cannot be used", difference.problems.len().to_string()),
        Pair::new("Groups and classes that the rules do not know", unknown.len().to_string()),
        Pair::new("Read as", difference.encoding),
    ];
    let brake = difference
        .needs_confirmation(ctx.now)
        .then(|| format!("{leaving} of {} people would leave. Is this file complete?", difference.in_scope));
    let mut questions = Vec::new();
    if brake.is_some() {
        let sure = format!("Yes, {} left the school", counted(leaving, "person has", "people have"));
        questions.push(Input::new("sure", &sure, InputKind::Tick).mistaken(mistakes));
    }
    if !difference.problems.is_empty() {
        let without = "Leave the rows out that cannot be used";
        questions.push(Input::new("without", without, InputKind::Tick).mistaken(mistakes));
    }
    PeoplePlan {
        counts,
        lines: unknown.into_iter().chain(lines(difference)).take(LINES_MAX).collect(),
        brake,
        questions,
        leaving: leaving.to_string(),
        csv: ctx.fields.get("csv").to_owned(),
    }
}

fn lines(difference: &Difference) -> Vec<String> {
    let problems = difference.problems.iter().map(|problem| format!("Line {}: {}", problem.line, problem.kind));
    let leaving = difference.archived.iter().map(|archived| format!("{} would leave", archived.name));
    let added = difference.added.iter().map(|person| format!("{} is new", person.name));
    let changed = difference.changed.iter().flat_map(|changed| {
        let name = &changed.after.name;
        changed
            .fields
            .iter()
            .map(move |field| format!("{name}: {} “{}” becomes “{}”", field.field, field.before, field.after))
    });
    problems.chain(leaving).chain(added).chain(changed).collect()
}

async fn page(ctx: &Ctx, plan: Option<PeoplePlan>, mistakes: Vec<Mistake>) -> Result<PeoplePage, Failure> {
    let people = ctx.app.control.store().person_active(ctx.now).await.map_err(from_records)?;
    let csv = Input::new("csv", "The file's text", InputKind::Source(10))
        .hint("CSV with a header: mis_id, name, capacity, login, email, groups, classes, start, end. Whoever is missing from it leaves.")
        .longest(CSV_MAX)
        .value(ctx.fields.get("csv"))
        .mistaken(&mistakes);
    Ok(PeoplePage {
        frame: ctx.frame("/manage", "People").mistaken(!mistakes.is_empty()),
        mistakes,
        summary: format!("{} here now.", counted(people.len(), "person is", "people are")),
        inputs: vec![csv],
        plan,
    })
}
