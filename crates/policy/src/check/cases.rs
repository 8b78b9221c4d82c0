//! Requests that nobody can decide, and reports that reach the person they are about, or nobody.
//!
//! Routes are computed by the engine that runs them, over persons where they are known: in a small school the head is
//! often a safeguarding lead too. What the engine's own floors would leave out is still a mistake of the policy: it
//! promises somebody who will not hear.

use std::collections::BTreeSet;

use schoolgate_base::{PersonId, Role};
use schoolgate_cases::{
    Asked, Concern, Definition, Effect, FieldKind, Flag, How, Offices, ReportDefinition, RequestDefinition, Why,
    deciders_of, route,
};

use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::overlap::{Clock, Times, both, either, is_empty, without};
use crate::syntax::reader::Findings;

/// The office that stands outside the school's own line.
const CHAIR: &str = "chair-of-governors";

pub(super) fn check(compiled: &Compiled, offices: Option<&Offices>, findings: &mut Findings) {
    for (definition, &span) in compiled.definitions.iter().zip(&compiled.definition_spans) {
        let mut checker = Checker { compiled, offices, span, findings };
        match definition {
            Definition::Request(request) => checker.request(request),
            Definition::Report(report) => checker.report(report),
        }
    }
}

struct Checker<'a, 'f> {
    compiled: &'a Compiled,
    offices: Option<&'a Offices>,
    span: Span,
    findings: &'f mut Findings,
}

impl Checker<'_, '_> {
    fn push(&mut self, code: Code, message: String, why: &str, help: String) {
        self.findings.push(Diagnostic::new(code, self.span, message).why(why).help(help));
    }

    fn titles<'r>(&self, roles: impl IntoIterator<Item = &'r Role>) -> String {
        let titles: Vec<String> = roles.into_iter().map(|role| format!("`{role}`")).collect();
        titles.join(", ")
    }

    fn request(&mut self, request: &RequestDefinition) {
        self.hours(request);
        self.access(request);
        let Some(offices) = self.offices else { return };
        let mut roles: Vec<&Role> = request.decide.roles.iter().chain(&request.stand_in).collect();
        roles.dedup();
        let vacant: Vec<&Role> = roles.iter().copied().filter(|role| offices.of_role(role).is_empty()).collect();
        let now = deciders_of(request, &Asked::default(), offices);
        if now.is_nobody() || !now.can_finish {
            let names = self.titles(if vacant.is_empty() { roles } else { vacant });
            let help = match names.as_str() {
                "" => "name the offices that decide, in `decide`".to_owned(),
                names => format!("fill {names}, or name other offices in `decide` or `stand_in`"),
            };
            self.push(
                Code::UndecidableRequest,
                format!("nobody can decide `{}`", request.kind),
                "everybody who asks would wait for ever",
                help,
            );
            return;
        }
        self.vacant(&vacant);
        let alone = offices.persons().into_iter().find(|person| {
            let asked = Asked { asker: Some((*person).clone()), ..Asked::default() };
            let now = deciders_of(request, &asked, offices);
            now.is_nobody() || !now.can_finish
        });
        if let Some(person) = alone {
            self.push(
                Code::SelfDecidedRequest,
                format!(
                    "when the holder of {} asks for `{}`, nobody can decide it",
                    held(person, offices),
                    request.kind
                ),
                "nobody decides a request of their own",
                "add another office to `decide` or `stand_in`".to_owned(),
            );
        }
    }

    /// What is private is never opened by one office that its asker could hold, nor by a single person of it.
    fn access(&mut self, request: &RequestDefinition) {
        if !request.effects.iter().any(|effect| matches!(effect, Effect::Open { .. })) {
            return;
        }
        let deciding: BTreeSet<&Role> = request.decide.roles.iter().chain(&request.stand_in).collect();
        if let (1, Some(only)) = (deciding.len(), deciding.first())
            && (request.decide.how != How::Any || request.decide.count < 2)
        {
            self.push(
                Code::AccessFloor,
                format!("`{}` is decided by one office alone, the `{only}`", request.kind),
                "whoever holds that office could ask for it and would have nobody to ask",
                "name a second office in `decide`, or `count = 2`".to_owned(),
            );
        }
        if !deciding.iter().any(|role| role.as_str() == CHAIR) {
            self.push(
                Code::AccessWeakerThanChair,
                format!("`{}` is decided without the chair of governors", request.kind),
                "the chair is the one office over which nobody in the school has a say",
                format!("add `{CHAIR}` to `decide`, or say in a note why not"),
            );
        }
    }

    fn vacant(&mut self, vacant: &[&Role]) {
        for role in vacant {
            self.push(
                Code::VacantRole,
                format!("nobody holds the office `{role}`"),
                "the control counts on it",
                "fill the office, or name another".to_owned(),
            );
        }
    }

    /// Whether, in the time within which an answer is promised, somebody who may decide is on duty.
    fn hours(&mut self, request: &RequestDefinition) {
        let school = &self.compiled.school;
        let promised = request.answer_within.as_ref().and_then(|within| within.period());
        let Some(period) = promised.and_then(|name| school.periods.get(name)) else { return };
        let clock = Clock::new(&school.calendar, school.periods.values());
        let duty = |role: &Role| -> Option<Times> {
            let name = school.roles.get(role)?.on_duty.as_ref()?;
            Some(clock.of(school.periods.get(name)?))
        };
        // An office whose hours nobody wrote down may be there at any time.
        let Some(stand_in) = request.stand_in.iter().map(duty).collect::<Option<Vec<_>>>() else { return };
        let Some(deciding) = request.decide.roles.iter().map(duty).collect::<Option<Vec<_>>>() else { return };
        let none = clock.always().iter().map(|_| 0).collect::<Times>();
        let stand_in = stand_in.iter().fold(none.clone(), |all, times| either(&all, times));
        let covered = match request.decide.how {
            How::Any => deciding.iter().fold(stand_in, |all, times| either(&all, times)),
            How::All | How::InOrder => deciding
                .iter()
                .map(|times| either(times, &stand_in))
                .fold(clock.always(), |all, times| both(&all, &times)),
        };
        let gap = without(&clock.of(period), &covered);
        if is_empty(&gap) {
            return;
        }
        let when = clock.describe(&gap).unwrap_or_default();
        self.push(
            Code::UndecidedHours,
            format!("nobody who may decide `{}` is on duty {when}", request.kind),
            "an answer is promised for that time",
            "add an office that is on duty then to `decide` or `stand_in`".to_owned(),
        );
    }

    fn report(&mut self, report: &ReportDefinition) {
        let names_persons = report.form.iter().any(|field| field.kind == FieldKind::Person);
        if names_persons {
            self.unprovided(report);
        }
        let Some(offices) = self.offices else { return };
        let roles: BTreeSet<&Role> = report.to.iter().chain(report.also.values().flatten()).collect();
        let vacant: Vec<&Role> = roles.into_iter().filter(|role| offices.of_role(role).is_empty()).collect();
        self.vacant(&vacant);
        let nobody = Concern::default();
        if route(report, &nobody, offices).is_nobody() {
            self.reaches_nobody(report, None);
            return;
        }
        if names_persons {
            for person in offices.persons() {
                self.about(report, person, offices);
            }
        }
        self.hangs_on_one(report, offices);
    }

    /// Over offices alone: each office that hears needs somebody instead when it is about its holder.
    fn unprovided(&mut self, report: &ReportDefinition) {
        for role in &report.to {
            let instead = report.about.get(role).map_or(&[][..], Vec::as_slice);
            let is_provided = report.to.iter().chain(instead).any(|other| other != role);
            if is_provided {
                continue;
            }
            self.push(
                Code::ReportReachesSubject,
                format!("a report about the `{role}` would go to the `{role}`"),
                "a report never reaches a person it is about, so nobody would hear of it",
                format!("say who hears instead: `about = {{ {role} = [\"chair-of-governors\"] }}`"),
            );
        }
    }

    fn about(&mut self, report: &ReportDefinition, person: &PersonId, offices: &Offices) {
        let subjects = BTreeSet::from([person.clone()]);
        let plain = route(report, &Concern { subjects: subjects.clone(), flags: BTreeSet::new() }, offices);
        let was_skipped = |route: &schoolgate_cases::Route| {
            route.skipped.iter().any(|skipped| &skipped.person == person && skipped.why == Why::Subject)
        };
        if plain.is_nobody() {
            if was_skipped(&plain) {
                self.reaches_subject(report, person, None, offices)
            } else {
                self.reaches_nobody(report, Some(&held(person, offices)))
            }
            return;
        }
        for flag in report.also.keys() {
            let flags = BTreeSet::from([flag.clone()]);
            let flagged = route(report, &Concern { subjects: subjects.clone(), flags }, offices);
            if flagged.unmet.contains(flag) && was_skipped(&flagged) {
                self.reaches_subject(report, person, Some(flag), offices);
            }
        }
    }

    fn reaches_subject(
        &mut self,
        report: &ReportDefinition,
        person: &PersonId,
        flag: Option<&Flag>,
        offices: &Offices,
    ) {
        let held = held(person, offices);
        let message = match flag {
            Some(flag) => {
                format!(
                    "with `{flag}` ticked, a report about the holder of {held} would reach nobody but the same person"
                )
            }
            None => format!("a report about the holder of {held} would reach nobody but the same person"),
        };
        self.push(
            Code::ReportReachesSubject,
            message,
            "a report never reaches a person it is about",
            format!(
                "name in `about` an office that another person holds, for each of {held} that hears `{}`",
                report.kind
            ),
        );
    }

    fn reaches_nobody(&mut self, report: &ReportDefinition, held: Option<&str>) {
        let about = held.map(|held| format!(" about the holder of {held}")).unwrap_or_default();
        let roles = self.titles(&report.to);
        self.push(
            Code::ReportReachesNobody,
            format!("a report `{}`{about} reaches nobody", report.kind),
            "whoever has something to say would find no one to say it to",
            match roles.as_str() {
                "" => "name the offices that hear, in `to`".to_owned(),
                roles => format!("fill {roles}, or name other offices in `to` or `about`"),
            },
        );
    }

    fn hangs_on_one(&mut self, report: &ReportDefinition, offices: &Offices) {
        let all = route(report, &Concern::default(), offices);
        let [only] = all.recipients.as_slice() else { return };
        let away = offices.without(&only.person);
        if route(report, &Concern::default(), &away).is_nobody() {
            self.push(
                Code::ReportHangsOnOne,
                format!(
                    "when the holder of {} is away, a report `{}` reaches nobody",
                    held(&only.person, offices),
                    report.kind
                ),
                "one illness, and nobody hears",
                format!("give `{}` a deputy, or add an office to `to` or to `about`", only.role),
            );
        }
    }
}

/// A person by the offices held: findings are read by whoever edits a policy, and name nobody.
fn held(person: &PersonId, offices: &Offices) -> String {
    let held: Vec<String> = offices.of_person(person).into_iter().map(|role| format!("`{role}`")).collect();
    held.join(" and ")
}
