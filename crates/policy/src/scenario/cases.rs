//! Scenarios about requests and reports.

use std::collections::BTreeSet;

use schoolgate_base::{CaseId, Group, PersonId, Role, SchoolId};
use schoolgate_cases::{
    Consequence, DecidersNow, Decision, Definition, FieldKind, GrantAudience, GrantPlan, Known, Moment, OpenError,
    Opening, RawValues, ReportDefinition, RequestDefinition, Route, decide, deciders, open_report, open_request,
};

use super::Scenario;
use super::given::{Given, Persona};
use super::read::{bare, piece, pieces};
use super::web::Failures;
use super::world::{Name, World, end_of, not_understood, person_id};
use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

const WHEN: &str = "write `When a report #clause is made about PERSON with BOX` or `When she asks #clause for site X class 6B until 2026-11-27`";

/// Runs a scenario; `None` when a sentence is not understood.
pub(super) fn run(
    scenario: &Scenario,
    given: &Given<'_>,
    compiled: &Compiled,
    findings: &mut Findings,
) -> Option<Failures> {
    let when = scenario.when.first()?;
    let (head, tail) = when.text.split_once('#')?;
    let clause = tail.split_whitespace().next().unwrap_or("").trim_end_matches(',');
    let rest = piece(when, tail.get(clause.len()..).unwrap_or(""));
    let definition = definition(&piece(when, clause), clause, compiled, findings)?;
    let mut runner = Runner { scenario, given, compiled, findings };
    match definition {
        Definition::Report(report) => runner.report(report, &rest),
        Definition::Request(request) => runner.request(request, &piece(when, head), &rest),
    }
}

fn definition<'c>(
    word: &Word,
    clause: &str,
    compiled: &'c Compiled,
    findings: &mut Findings,
) -> Option<&'c Definition> {
    let (clause, name) = clause.split_once('/').map_or((clause, None), |(clause, name)| (clause, Some(name)));
    let found = compiled.definitions.iter().find(|definition| {
        let control = definition.control();
        &*control.clause.clause == clause && name.is_none_or(|name| control.name.as_deref() == Some(name))
    });
    if found.is_none() {
        let names = compiled.definitions.iter().map(|definition| &*definition.control().clause.clause);
        let mut finding =
            Diagnostic::new(Code::ScenarioWorld, word.span, format!("clause `#{clause}` has no request or report"));
        finding.help = nearest(clause, names).map(|near| format!("did you mean `#{near}`?"));
        findings.push(finding);
    }
    found
}

struct Runner<'r, 'a> {
    scenario: &'r Scenario,
    given: &'r Given<'a>,
    compiled: &'r Compiled,
    findings: &'r mut Findings,
}

/// What a name in a `then` stands for.
enum Party {
    Person(PersonId),
    Role(Role),
}

impl<'r, 'a> Runner<'r, 'a> {
    fn world(&self) -> &'r World<'a> {
        &self.given.world
    }

    fn party(&mut self, word: &Word) -> Option<Party> {
        if let Ok(id) = PersonId::new(bare(&word.text))
            && self.world().people.contains_key(&id)
        {
            return Some(Party::Person(id));
        }
        match self.world().look_up(&word.text) {
            Some(Name::Role(role)) => Some(Party::Role(role)),
            _ => {
                self.findings.push(
                    Diagnostic::new(
                        Code::ScenarioWorld,
                        word.span,
                        format!("there is no person or office `{}`", bare(&word.text)),
                    )
                    .help("tell who it is in a `world` block: `dora.lead is dsl`"),
                );
                None
            }
        }
    }

    fn asker(&mut self, who: &Word) -> Option<(PersonId, BTreeSet<Group>)> {
        let text = who.text.to_lowercase();
        let persona = match text.as_str() {
            "she" | "he" | "they" | "" | "somebody" => self.given.who.clone(),
            _ => self.given.persona(who, self.findings),
        };
        match persona {
            Persona::Somebody(member) => Some((member.person.clone(), member.groups.iter().cloned().collect())),
            Persona::Nobody | Persona::Unsaid => {
                self.findings
                    .push(not_understood(who, "say who asks: `Given a teacher` or `When tess.teacher asks …`"));
                None
            }
        }
    }

    fn classes(&self) -> BTreeSet<Group> {
        self.compiled.school.groups.keys().filter(|group| self.world().is_class(group)).cloned().collect()
    }

    fn report(&mut self, report: &ReportDefinition, rest: &Word) -> Option<Failures> {
        let mut raw = RawValues::new();
        let mut by = None;
        let text = rest.text.strip_prefix("is made").unwrap_or(&rest.text);
        let mut subjects = Vec::new();
        for (key, value) in marked(text, &["by", "about", "with"]) {
            let value = piece(rest, value);
            match key {
                "by" => by = Some(value),
                "about" => subjects.extend(pieces(&value)),
                _ => raw.extend(pieces(&value).into_iter().map(|flag| (flag.text, "yes".to_owned()))),
            }
        }
        self.check_boxes(report, &raw, rest)?;
        let persons: Vec<PersonId> = subjects.iter().filter_map(|subject| person_id(subject, self.findings)).collect();
        let fields = report.form.iter().filter(|field| field.kind == FieldKind::Person);
        raw.extend(fields.zip(&persons).map(|(field, person)| (field.name.to_string(), person.to_string())));
        fill(&report.form, &mut raw);
        let who = match &by {
            Some(by) => self.asker(by)?,
            None => (PersonId::new("somebody").ok()?, BTreeSet::new()),
        };
        let mut anybody = report.clone();
        if by.is_none() {
            anybody.ask = Vec::new();
        }
        let expects = self.expectations()?;
        let route = self.route(&anybody, &who, &raw);
        let failed =
            expects.into_iter().filter(|(_, expect)| !route.as_ref().is_ok_and(|route| expect.holds_route(route)));
        let actual = match &route {
            Ok(route) => route_words(route),
            Err(problem) => problem.clone(),
        };
        Some(failed.map(|(word, _)| (word.span, word.text, actual.clone())).collect())
    }

    fn check_boxes(&mut self, report: &ReportDefinition, raw: &RawValues, rest: &Word) -> Option<()> {
        let boxes = || report.form.iter().filter(|field| field.kind == FieldKind::Tick).map(|field| &*field.name);
        for name in raw.keys() {
            if !boxes().any(|known| known == name) {
                let mut finding =
                    Diagnostic::new(Code::ScenarioWorld, rest.span, format!("the form has no box `{name}`"));
                finding.help = nearest(name, boxes()).map(|near| format!("did you mean `{near}`?"));
                self.findings.push(finding);
                return None;
            }
        }
        Some(())
    }

    fn route(
        &self,
        report: &ReportDefinition,
        who: &(PersonId, BTreeSet<Group>),
        raw: &RawValues,
    ) -> Result<Route, String> {
        let (classes, persons) = (self.classes(), self.persons());
        let periods: Vec<_> = self.compiled.program.periods.values().cloned().collect();
        let ids = Ids::new(&self.compiled.school.id).ok_or("no id")?;
        let opening = ids.opening(who, raw, Known { classes: &classes, persons: &persons });
        match open_report(report, opening, &self.world().offices, moment(self.given, &periods)) {
            Ok((_, route)) => Ok(route),
            Err(OpenError::Nobody(route)) => Ok(*route),
            Err(error) => Err(problem(error)),
        }
    }

    fn persons(&self) -> BTreeSet<PersonId> {
        self.world().people.keys().cloned().collect()
    }

    fn request(&mut self, request: &RequestDefinition, head: &Word, rest: &Word) -> Option<Failures> {
        let who = head.text.trim().trim_end_matches("asks").trim();
        let asker = self.asker(&piece(head, who))?;
        let mut raw = RawValues::new();
        let names: Vec<&str> = request.form.iter().map(|field| &*field.name).collect();
        let text = rest.text.strip_prefix("for ").unwrap_or(&rest.text);
        for (key, value) in marked(text, &names) {
            raw.insert(key.to_owned(), value.trim().trim_end_matches(',').to_owned());
        }
        if raw.is_empty() && !rest.text.is_empty() {
            self.findings.push(not_understood(rest, WHEN));
            return None;
        }
        fill(&request.form, &mut raw);
        let expects = self.expectations()?;
        let asked = self.ask(request, &asker, &raw);
        let failed = expects.into_iter().filter(|(_, expect)| !expect.holds_asked(&asked, self.given));
        Some(failed.map(|(word, _)| (word.span, word.text, asked.words())).collect())
    }

    fn ask(&self, request: &RequestDefinition, who: &(PersonId, BTreeSet<Group>), raw: &RawValues) -> Asked {
        let (classes, persons) = (self.classes(), self.persons());
        let periods: Vec<_> = self.compiled.program.periods.values().cloned().collect();
        let moment = moment(self.given, &periods);
        let Some(ids) = Ids::new(&self.compiled.school.id) else { return Asked::Refused("no id".to_owned()) };
        let opening = ids.opening(who, raw, Known { classes: &classes, persons: &persons });
        let mut case = match open_request(request, opening, None, moment) {
            Ok(case) => case,
            Err(error) => return Asked::Refused(problem(error)),
        };
        let offices = &self.world().offices;
        let now = deciders(request, &case, offices, moment.now);
        let due = case.due_at.map(|at| moment.in_words(at));
        let mut plan = None;
        // Approve as long as somebody can: what an approval of all who are needed opens.
        for _ in 0..8 {
            let Some(next) = deciders(request, &case, offices, moment.now).can.first().cloned() else { break };
            let decision = Decision::Approve { until: None };
            let Ok(consequences) = decide(&mut case, request, &next.person, offices, decision, moment) else { break };
            plan = consequences.into_iter().find_map(|consequence| match consequence {
                Consequence::Grant(plan) => Some(plan),
                Consequence::EndGrant(_) => None,
            });
        }
        Asked::Open { now, due, plan }
    }

    /// The expectations of all `then` lines. A name without a verb is in the mode of the one before it.
    fn expectations(&mut self) -> Option<Vec<(Word, Expect)>> {
        let before = self.findings.len();
        let mut found = Vec::new();
        for line in &self.scenario.then {
            let mut mode = None;
            for part in pieces(line) {
                if let Some(expect) = self.expectation(&part, &mut mode) {
                    found.push((part, expect));
                }
            }
        }
        if found.is_empty() && before == self.findings.len() {
            let place = self.scenario.then.last().map_or(self.scenario.span, end_of);
            self.findings.push(Diagnostic::new(Code::ScenarioSyntax, place, "nothing is expected here"));
        }
        (before == self.findings.len()).then_some(found)
    }

    fn expectation(&mut self, part: &Word, mode: &mut Option<Mode>) -> Option<Expect> {
        let text = part.text.strip_prefix("it ").unwrap_or(&part.text);
        match text {
            "reaches nobody" => return Some(Expect::Nobody),
            "not possible" | "is not possible" => return Some(Expect::Refused),
            _ => {}
        }
        if let Some(way) = text.strip_prefix("outside ") {
            return Some(Expect::Outside(way.trim_start_matches(':').trim().to_owned()));
        }
        if let Some(rest) = text.strip_prefix("opens for ").or_else(|| text.strip_prefix("then opens for ")) {
            let (group, until) = rest.split_once(" until ").map_or((rest, None), |(group, until)| (group, Some(until)));
            let Some(Name::Group(group)) = self.world().name(&piece(part, group), self.findings) else { return None };
            return Some(Expect::Opens(group, until.map(str::to_owned)));
        }
        const MODES: [(&str, Mode); 7] = [
            ("goes only to ", Mode::Only),
            ("goes to ", Mode::To),
            ("not to ", Mode::NotTo),
            ("only to ", Mode::Only),
            ("decided by ", Mode::To),
            ("is decided by ", Mode::To),
            ("not by ", Mode::NotTo),
        ];
        let (name, found) = MODES.iter().find_map(|(verb, mode)| Some((text.strip_prefix(verb)?, *mode))).unzip();
        *mode = found.or(*mode);
        let (Some(current), name) = (*mode, name.unwrap_or(text)) else {
            self.findings.push(not_understood(part, "write `Then it goes to carl.chair and not to helen.head`, `Then decided by it-technician` or `Then not possible`"));
            return None;
        };
        let party = self.party(&piece(part, name))?;
        Some(match current {
            Mode::To => Expect::To(party),
            Mode::NotTo => Expect::NotTo(party),
            Mode::Only => Expect::Only(party),
        })
    }
}

#[derive(Clone, Copy)]
enum Mode {
    To,
    NotTo,
    Only,
}

enum Expect {
    To(Party),
    NotTo(Party),
    /// Nobody but this one.
    Only(Party),
    Nobody,
    Refused,
    Outside(String),
    Opens(Group, Option<String>),
}

/// What came of a request.
enum Asked {
    Refused(String),
    Open { now: DecidersNow, due: Option<String>, plan: Option<Box<GrantPlan>> },
}

impl Asked {
    fn words(&self) -> String {
        match self {
            Self::Refused(why) => format!("not possible: {why}"),
            Self::Open { now, due, plan } => {
                let can: Vec<String> =
                    now.can.iter().map(|decider| format!("{} ({})", decider.person, decider.role)).collect();
                let mut text = if can.is_empty() {
                    "nobody can decide".to_owned()
                } else {
                    format!("decided by {}", can.join(", "))
                };
                text.extend(due.as_ref().map(|due| format!(", answer due {due}")));
                text.extend(plan.as_ref().map(|plan| format!(", opens {} until {}", plan.target, plan.until)));
                text
            }
        }
    }
}

impl Expect {
    fn holds_route(&self, route: &Route) -> bool {
        let reaches = |party: &Party| match party {
            Party::Person(person) => route.reaches(person),
            Party::Role(role) => route.offices().contains(role),
        };
        match self {
            Self::To(party) => reaches(party),
            Self::NotTo(party) => !reaches(party),
            Self::Only(party) => reaches(party) && route.recipients.len() == 1,
            Self::Nobody => route.is_nobody(),
            Self::Outside(way) => route.outside.iter().any(|step| step.text.contains(way.as_str())),
            Self::Refused | Self::Opens(..) => false,
        }
    }

    fn holds_asked(&self, asked: &Asked, given: &Given<'_>) -> bool {
        let Asked::Open { now, plan, .. } = asked else { return matches!(self, Self::Refused) };
        let can = |party: &Party| {
            now.can.iter().any(|decider| match party {
                Party::Person(person) => &decider.person == person,
                Party::Role(role) => &decider.role == role,
            })
        };
        match self {
            Self::To(party) => can(party),
            Self::NotTo(party) => !can(party),
            Self::Only(party) => can(party) && now.can.len() == 1,
            Self::Nobody => now.is_nobody(),
            Self::Opens(group, until) => plan.as_ref().is_some_and(|plan| {
                let wanted = until.as_ref().and_then(|until| given.world.moment_in(until));
                plan.audience.contains(&GrantAudience::Group(group.clone()))
                    && wanted.is_none_or(|wanted| plan.until == wanted)
            }),
            Self::Refused | Self::Outside(_) => false,
        }
    }
}

fn route_words(route: &Route) -> String {
    if route.is_nobody() {
        return "it reaches nobody".to_owned();
    }
    let to: Vec<String> =
        route.recipients.iter().map(|recipient| format!("{} ({})", recipient.person, recipient.role)).collect();
    let mut text = format!("it goes to {}", to.join(", "));
    for step in &route.outside {
        text.push_str(&format!("; outside: {}", step.text));
    }
    text
}

fn problem(error: OpenError) -> String {
    match error {
        OpenError::Form(problems) => {
            problems.iter().map(|problem| format!("{}: {problem}", problem.field)).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn moment<'m>(given: &'m Given<'_>, periods: &'m [schoolgate_base::Period]) -> Moment<'m> {
    Moment { now: given.now, calendar: &given.world.compiled.school.calendar, periods }
}

/// Ids that stand in for those the shell makes.
struct Ids {
    case: CaseId,
    school: SchoolId,
}

impl Ids {
    fn new(school: &Option<SchoolId>) -> Option<Self> {
        let school = school.clone().or_else(|| SchoolId::new("school").ok())?;
        Some(Self { case: CaseId::from_random([0; 16]), school })
    }

    fn opening<'o>(
        &'o self,
        who: &'o (PersonId, BTreeSet<Group>),
        raw: &'o RawValues,
        known: Known<'o>,
    ) -> Opening<'o> {
        Opening { id: &self.case, school: &self.school, by: &who.0, groups: &who.1, raw, known }
    }
}

/// Answers that a scenario leaves out and the form wants.
fn fill(form: &[schoolgate_cases::Field], raw: &mut RawValues) {
    for field in form {
        if !field.required || raw.contains_key(&*field.name) {
            continue;
        }
        let text = match &field.kind {
            FieldKind::Text | FieldKind::Line => "said in a scenario".to_owned(),
            FieldKind::Choice(choices) => choices.first().map_or_else(String::new, |(value, _)| value.to_string()),
            FieldKind::Tick => "yes".to_owned(),
            FieldKind::Number => "1".to_owned(),
            FieldKind::Site | FieldKind::Class | FieldKind::Person | FieldKind::Until | FieldKind::Day => continue,
        };
        raw.insert(field.name.to_string(), text);
    }
}

/// Cuts a sentence at whole words: `site X class 6B` at `site` and `class` gives (site, X), (class, 6B).
fn marked<'t>(text: &'t str, marks: &[&'t str]) -> Vec<(&'t str, &'t str)> {
    let mut cuts: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for word in text.split(' ') {
        if let Some(mark) = marks.iter().find(|mark| **mark == word) {
            cuts.push((at, mark));
        }
        at += word.len() + 1;
    }
    let ends = cuts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    cuts.iter()
        .zip(ends)
        .map(|((start, mark), end)| (*mark, text.get(start + mark.len()..end).unwrap_or("").trim()))
        .collect()
}
