//! Forms of requests and reports: from what the policy says to questions on a page, and cases to lines of a list.

use std::collections::BTreeSet;

use schoolgate_base::{Group, Period, PersonId};
use schoolgate_cases::{
    Act, Actor, Case, CaseState, Definition, Field, FieldKind, FieldProblem, Known, Moment, RawValues,
    ReportDefinition, RequestDefinition, Sight, Value, Values, check_form, deciders, may_open,
};
use schoolgate_records::{CaseFile, Viewer, Wanted};

use crate::ctx::{Ctx, Signed, from_records};
use crate::failure::Failure;
use crate::site_words;
use crate::views::input::{Choice, Input, InputKind, Mistake};
use crate::views::{Happened, Pair};

/// Requests of their own that somebody is shown.
const OWN_MAX: u64 = 200;
/// Open requests looked through for one queue, and read at once.
pub(crate) const QUEUE_MAX: usize = 2_000;
const QUEUE_PAGE: u64 = 200;

/// The request forms that somebody may use.
pub(crate) fn requests_for<'a>(ctx: &'a Ctx, signed: &Signed) -> Vec<&'a RequestDefinition> {
    let open = ctx.in_force.definitions.in_force().filter(|definition| may_open(definition, &signed.groups));
    open.filter_map(|definition| match definition {
        Definition::Request(request) => Some(request),
        Definition::Report(_) => None,
    })
    .collect()
}

/// The report forms that somebody may use.
pub(crate) fn reports_for<'a>(ctx: &'a Ctx, signed: &Signed) -> Vec<&'a ReportDefinition> {
    let open = ctx.in_force.definitions.in_force().filter(|definition| may_open(definition, &signed.groups));
    open.filter_map(|definition| match definition {
        Definition::Report(report) => Some(report),
        Definition::Request(_) => None,
    })
    .collect()
}

/// What forms may name.
pub(crate) struct School {
    classes: BTreeSet<Group>,
    persons: Vec<(PersonId, String)>,
    ids: BTreeSet<PersonId>,
    periods: Vec<Period>,
}

impl School {
    pub(crate) async fn load(ctx: &Ctx) -> Result<Self, Failure> {
        let people = ctx.app.control.store().person_active(ctx.now).await.map_err(from_records)?;
        let classes = people.iter().flat_map(|person| &person.classes);
        let mut persons: Vec<_> = people.iter().map(|one| (one.id.clone(), one.name.to_string())).collect();
        persons.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(Self {
            classes: classes.map(|class| Group::new(&format!("class:{class}"))).collect(),
            ids: people.iter().map(|person| person.id.clone()).collect(),
            persons,
            periods: ctx.in_force.built.compiled.program.periods.values().cloned().collect(),
        })
    }

    pub(crate) fn known(&self) -> Known<'_> {
        Known { classes: &self.classes, persons: &self.ids }
    }

    pub(crate) fn moment<'a>(&'a self, ctx: &'a Ctx) -> Moment<'a> {
        Moment { now: ctx.now, calendar: ctx.moments().calendar, periods: &self.periods }
    }

    /// Checks a form of our own that is no case.
    pub(crate) fn check(&self, ctx: &Ctx, fields: &[Field], raw: &RawValues) -> Result<Values, Vec<FieldProblem>> {
        check_form(fields, None, raw, self.known(), self.moment(ctx))
    }

    /// Questions with the answers so far.
    pub(crate) fn inputs(&self, fields: &[Field], raw: &RawValues, mistakes: &[Mistake]) -> Vec<Input> {
        fields.iter().map(|field| self.input(field, raw).mistaken(mistakes)).collect()
    }

    fn input(&self, field: &Field, raw: &RawValues) -> Input {
        let value = raw.get(&*field.name).map_or("", String::as_str);
        let kind = match &field.kind {
            FieldKind::Site | FieldKind::Line => InputKind::Line,
            FieldKind::Until | FieldKind::Day | FieldKind::Number => InputKind::Short,
            FieldKind::Text => InputKind::Text(4),
            FieldKind::Tick => InputKind::Tick,
            FieldKind::Choice(choices) => InputKind::Radios(
                choices.iter().map(|(value, label)| Choice::new(value.to_string(), label.to_string())).collect(),
            ),
            FieldKind::Class if self.classes.is_empty() => InputKind::Short,
            FieldKind::Class => InputKind::Select(self.class_choices(field.required)),
            FieldKind::Person => InputKind::Select(self.person_choices(field.required)),
        };
        let input = Input::new(&field.name, &field.label, kind)
            .hint(field.help.as_deref().unwrap_or_default())
            .longest(field.longest)
            .value(if field.kind == FieldKind::Tick && !value.is_empty() { "yes" } else { value });
        if field.required { input } else { input.optional() }
    }

    fn class_choices(&self, is_required: bool) -> Vec<Choice> {
        let none = (!is_required).then(|| Choice::new("", "No class"));
        let short = |group: &Group| group.as_str().trim_start_matches("class:").to_owned();
        none.into_iter().chain(self.classes.iter().map(|group| Choice::new(short(group), short(group)))).collect()
    }

    fn person_choices(&self, is_required: bool) -> Vec<Choice> {
        let none = if is_required { "Choose a person" } else { "Nobody of the school, or I do not know" };
        let first = Choice::new("", none);
        std::iter::once(first)
            .chain(self.persons.iter().map(|(id, name)| Choice::new(id.as_str(), name.clone())))
            .collect()
    }

    fn name(&self, id: &PersonId) -> String {
        let found = self.persons.iter().find(|(person, _)| person == id);
        found.map_or_else(|| "somebody who has left".to_owned(), |(_, name)| name.clone())
    }

    /// Questions and answers of a case, to be read.
    pub(crate) fn answers(&self, ctx: &Ctx, fields: &[Field], values: &Values) -> Vec<Pair> {
        let answered = fields.iter().filter_map(|field| Some((field, values.get(&field.name)?)));
        answered.map(|(field, value)| Pair::new(field.label.to_string(), self.words(ctx, field, value))).collect()
    }

    fn words(&self, ctx: &Ctx, field: &Field, value: &Value) -> String {
        match value {
            Value::Site(site) => site.to_string(),
            Value::Class(group) => site_words::group(ctx, group),
            Value::Person(person) => self.name(person),
            Value::Text(text) => text.clone(),
            Value::Until(at) => ctx.moments().until(*at),
            Value::Day(day) => day.strftime("%A %-d %B %Y").to_string(),
            Value::Number(number) => number.to_string(),
            Value::Tick(is_ticked) => if *is_ticked { "Yes" } else { "No" }.to_owned(),
            Value::Choice(choice) => match &field.kind {
                FieldKind::Choice(choices) => {
                    let label = choices.iter().find(|(value, _)| value == choice).map(|(_, label)| label);
                    label.unwrap_or(choice).to_string()
                }
                _ => choice.to_string(),
            },
        }
    }

    /// What happened to a case, oldest first.
    pub(crate) fn trail(&self, ctx: &Ctx, case: &Case) -> Vec<Happened> {
        let entry = |entry: &schoolgate_cases::Entry| {
            let who = match &entry.by {
                Actor::Party(person) => self.name(person),
                Actor::Office { person, role } => format!("{} ({})", self.name(person), ctx.office(role)),
                Actor::Program => "The clock".to_owned(),
            };
            let words = match &entry.act {
                Act::Opened => format!("{who} sent it"),
                Act::Approved { until: Some(until), .. } => {
                    format!("{who} approved it, until {}", ctx.moments().until(*until))
                }
                Act::Approved { .. } => format!("{who} approved it"),
                Act::Refused { reason } => format!("{who} refused it: {reason}"),
                Act::Withdrawn => format!("{who} took it back"),
                Act::Ended { reason } => format!("{who} ended it: {reason}"),
                Act::Acknowledged => format!("{who} took it on"),
                Act::Noted { text, .. } => format!("{who}: {text}"),
                Act::Stepped { step } => format!("{who} noted as done: {step}"),
                Act::Closed { outcome } => format!("{who} closed it: {outcome}"),
            };
            Happened { when: ctx.moments().at(entry.at), words }
        };
        case.trail.iter().map(entry).collect()
    }
}

/// Problems of a form as mistakes on its page.
pub(crate) fn mistakes(problems: &[FieldProblem]) -> Vec<Mistake> {
    problems.iter().map(|problem| Mistake::new(problem.field.to_string(), problem.message.clone())).collect()
}

/// Where a request stands, in words.
pub(crate) fn state_words(ctx: &Ctx, case: &Case) -> String {
    match case.state {
        CaseState::Open => match case.due_at {
            Some(due) if case.is_overdue(ctx.now) => format!("Waiting; an answer was due {}", ctx.moments().at(due)),
            Some(due) => format!("Waiting for an answer, due {}", ctx.moments().until(due)),
            None => "Waiting for an answer".to_owned(),
        },
        CaseState::Approved => match until(case) {
            Some(until) if until <= ctx.now => "Its time is over".to_owned(),
            Some(until) => format!("Open until {}", ctx.moments().until(until)),
            None => "Approved".to_owned(),
        },
        CaseState::Refused => "Refused".to_owned(),
        CaseState::Withdrawn => "Taken back".to_owned(),
        CaseState::Ended => "Ended".to_owned(),
        CaseState::Acknowledged => "Taken on".to_owned(),
        CaseState::Closed => "Closed".to_owned(),
    }
}

/// The earliest of what was asked and what approvers allowed.
fn until(case: &Case) -> Option<jiff::Timestamp> {
    let asked = case.values.values().find_map(|value| match value {
        Value::Until(at) => Some(*at),
        _ => None,
    });
    let allowed = case.trail.iter().filter_map(|entry| match &entry.act {
        Act::Approved { until, .. } => *until,
        _ => None,
    });
    asked.into_iter().chain(allowed).min()
}

/// `bet.example for 6B until Friday 27 November`; without a site the form's title.
pub(crate) fn title(ctx: &Ctx, case: &Case) -> String {
    let mut title = String::new();
    for value in case.values.values() {
        if let Value::Site(site) = value {
            title = site.to_string();
        }
    }
    if title.is_empty() {
        let definition = ctx.in_force.definitions.pinned(&case.pin);
        return definition.map_or_else(|| "A request".to_owned(), |definition| definition.title().to_owned());
    }
    for value in case.values.values() {
        if let Value::Class(group) = value {
            title.push_str(&format!(" for {}", site_words::group(ctx, group)));
        }
    }
    if let Some(until) = until(case) {
        title.push_str(&format!(" until {}", ctx.moments().until(until)));
    }
    title
}

/// Whoever looks, with all offices they hold.
pub(crate) fn viewer(signed: &Signed) -> Viewer {
    Viewer { person: signed.id().clone(), offices: signed.roles.clone() }
}

/// Requests that somebody made, newest first. Never reports.
pub(crate) async fn requests(ctx: &Ctx, signed: &Signed) -> Result<Vec<CaseFile>, Failure> {
    let store = ctx.app.control.store();
    // Looking in no office: what others ask of the person's offices must not push out what they asked themselves.
    let alone = Viewer { person: signed.id().clone(), offices: BTreeSet::new() };
    let page = store.case_list_for(&alone, Wanted::Open, None, OWN_MAX).await.map_err(from_records)?;
    Ok(page.items.into_iter().filter(|file| &file.case.by == signed.id()).collect())
}

/// Requests that wait for somebody.
#[derive(Default)]
pub(crate) struct Queue {
    /// The most urgent first, each with whether the person would stand in.
    pub(crate) files: Vec<(CaseFile, bool)>,
    /// More are open than were looked through.
    pub(crate) is_cut: bool,
}

/// Requests that somebody can decide now.
pub(crate) async fn queue(ctx: &Ctx, signed: &Signed) -> Result<Queue, Failure> {
    let mut queue = Queue::default();
    if !ctx.decides(signed) {
        return Ok(queue);
    }
    let store = ctx.app.control.store();
    let viewer = viewer(signed);
    let mut after: Option<String> = None;
    let mut looked_through = 0;
    loop {
        let page = store.case_list_for(&viewer, Wanted::OpenWaiting, after.as_deref(), QUEUE_PAGE);
        let page = page.await.map_err(from_records)?;
        looked_through += page.items.len();
        for file in page.items.into_iter().filter(|file| may_see(ctx, signed, file)) {
            if let Some(stands_in) = can_decide(ctx, signed, &file.case) {
                queue.files.push((file, stands_in));
            }
        }
        after = page.next;
        queue.is_cut = after.is_some() && QUEUE_MAX <= looked_through;
        if after.is_none() || queue.is_cut {
            break;
        }
    }
    queue.files.sort_by_key(|(file, _)| file.case.due_at.unwrap_or(file.case.opened_at));
    Ok(queue)
}

/// Whether a request exists for somebody: of the edition it began under and the one in force, the narrower says so.
pub(crate) fn may_see(ctx: &Ctx, signed: &Signed, file: &CaseFile) -> bool {
    ctx.app.control.sight_of(file, signed.id(), &signed.offices) != Sight::Absent
}

/// Whether somebody can decide a request now, and if so whether as a stand-in.
pub(crate) fn can_decide(ctx: &Ctx, signed: &Signed, case: &Case) -> Option<bool> {
    if case.state != CaseState::Open {
        return None;
    }
    let Some(Definition::Request(definition)) = ctx.in_force.definitions.pinned(&case.pin) else { return None };
    let now = deciders(definition, case, &signed.offices, ctx.now);
    let mine = now.can.into_iter().filter(|decider| &decider.person == signed.id());
    mine.map(|decider| decider.is_stand_in()).min()
}
