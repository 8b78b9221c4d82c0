//! Web rules that can never fire, never have a say, or contradict each other.

use std::collections::{BTreeSet, HashMap};

use schoolgate_base::{ClauseId, ControlId, Group, Host};
use schoolgate_decide::Verdict;
use schoolgate_decide::snapshot::{Audience, Target, WebRule};

use crate::compile::{Compiled, Origin};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::overlap::{ANY_OTHER, Cell, Meetings, Tie, World, binds, is_empty, without};
use crate::syntax::reader::Findings;

/// So many rules about one target are looked at for an exception that they do not make.
const SAME_MAX: usize = 64;

pub(super) fn check<'a>(compiled: &'a Compiled, world: World<'a>, meetings: &Meetings, findings: &mut Findings) {
    if meetings.is_cut() {
        let place = compiled.origins.first().map(|origin| origin.control);
        findings.extend(place.map(|place| {
            Diagnostic::new(Code::TooManyRules, place, "the web rules meet in too many ways to be gone through")
                .why("nobody could say which of them contradict each other, or weaken what is locked")
                .help("say more with classes of sites and with wider groups, and with fewer rules")
        }));
        return;
    }
    let mut checker = Checker { compiled, world, findings, paired: BTreeSet::new() };
    checker.unreachable(meetings);
    checker.shadowed(meetings);
    checker.over(meetings);
    for tie in meetings.ties.values() {
        checker.tie(tie, meetings);
    }
    checker.void_exceptions();
}

struct Checker<'a, 'f> {
    compiled: &'a Compiled,
    world: World<'a>,
    findings: &'f mut Findings,
    /// Pairs of controls that were spoken about.
    paired: BTreeSet<(Span, Span)>,
}

impl<'a> Checker<'a, '_> {
    fn rules(&self) -> impl Iterator<Item = (usize, &'a WebRule, &'a Origin)> + use<'a> {
        let compiled = self.compiled;
        compiled.program.rules.iter().zip(&compiled.origins).enumerate().map(|(at, (rule, origin))| (at, rule, origin))
    }

    fn rule(&self, place: usize) -> Option<(&'a WebRule, &'a Origin)> {
        Some((self.compiled.program.rules.get(place)?, self.compiled.origins.get(place)?))
    }

    fn unreachable(&mut self, meetings: &Meetings) {
        let dead: Vec<_> =
            self.rules().filter(|(at, rule, _)| !meetings.live.contains(at) || self.kept_out(rule).is_some()).collect();
        for (at, rule, origin) in dead {
            let why = match self.kept_out(rule) {
                Some(why) => why,
                None => self.why_dead(at, rule),
            };
            self.findings.push(
                Diagnostic::new(
                    Code::UnreachableRule,
                    origin.target,
                    format!("this rule of `#{}` can never fire", rule.control.clause.clause),
                )
                .why(why)
                .help("change what stands in its way, or take the rule out"),
            );
        }
    }

    /// What speaks before rules do, on all of this rule's target.
    fn kept_out(&self, rule: &WebRule) -> Option<String> {
        let program = &self.compiled.program;
        match &rule.target {
            Target::Category(name) if program.marks.locked.contains(name) => {
                let loosens = matches!(rule.verdict, Some(Verdict::Allow | Verdict::Warn));
                loosens.then(|| format!("`{name}` is on a locked list, and nothing lifts those"))
            }
            Target::Domain(name) | Target::Host(Host::Name(name)) | Target::Url { host: name, .. } => {
                let open = program.always_open.iter().find(|open| open.path.is_none() && name.is_within(&open.host));
                let helps = program.help.hosts.iter().find(|host| name.is_within(host));
                let why = open.map(|open| format!("`{}` is always open: {}", open.host, open.why));
                why.or_else(|| helps.map(|host| format!("`{host}` is on the help list, which is always open")))
            }
            _ => None,
        }
    }

    fn why_dead(&self, at: usize, rule: &WebRule) -> String {
        if self.world.scopes.times(at).is_none_or(is_empty) {
            let period = rule.scope.when.as_deref().unwrap_or("the time left");
            return match &rule.scope.except_when {
                Some(except) => format!("no minute of the calendar is in {period} and outside {except}"),
                None => format!("no minute of the calendar is in `{period}`"),
            };
        }
        if !self.world.persons_of(&[at]).iter().any(|groups| binds(&rule.scope.audience, groups)) {
            return "everybody it is for is also in `except`".to_owned();
        }
        if let Target::Class(class) = &rule.target {
            return format!("class `{class}` holds no category");
        }
        "no request fits all of its conditions".to_owned()
    }

    fn shadowed(&mut self, meetings: &Meetings) {
        for (at, rule, origin) in self.rules() {
            let silent = rule.verdict.is_some() && meetings.live.contains(&at) && !meetings.speaking.contains(&at);
            if !silent || self.kept_out(rule).is_some() {
                continue;
            }
            let rivals = meetings.silenced_by.get(&at).into_iter().flatten();
            let stronger: Vec<_> = rivals.filter_map(|&rival| self.rule(rival)).collect();
            // Saying the same as what goes before it does no harm.
            let Some((rival, place)) = stronger.iter().find(|(rival, _)| rival.verdict != rule.verdict) else {
                continue;
            };
            if rule.control.clause != rival.control.clause && is_twin(rule, rival) {
                self.twins(rule, origin, rival, place);
                continue;
            }
            let message = format!("this rule of `#{}` never has a say", rule.control.clause.clause);
            let help = format!(
                "narrow the other rule, or write `over = \"#{}\"` here if this one is to go first",
                rival.control.clause.clause
            );
            self.findings.push(
                Diagnostic::new(Code::ShadowedRule, origin.target, message)
                    .label(format!("says {}", words(rule.verdict)))
                    .why("wherever it holds, another rule is more specific or stricter")
                    .help(help)
                    .other(place.target, format!("`#{}` says {}", rival.control.clause.clause, words(rival.verdict))),
            );
        }
    }

    /// Whoever reads one clause is told the opposite of the other.
    fn twins(&mut self, rule: &WebRule, origin: &Origin, rival: &WebRule, place: &Origin) {
        let (one, other) = (&rule.control.clause.clause, &rival.control.clause.clause);
        let message = format!("`#{one}` and `#{other}` say different things about {}", self.target(&rule.target));
        self.findings.push(
            Diagnostic::new(Code::DisagreeingRules, origin.target, message)
                .label(format!("{} here", words(rule.verdict)))
                .why("both speak to the same people at the same times, so one of the clauses is never true")
                .help("take one of the two out, or say in one of them for whom or when it holds")
                .other(place.target, format!("{} here", words(rival.verdict))),
        );
    }

    fn over(&mut self, meetings: &Meetings) {
        let mut by_control: HashMap<&ControlId, Vec<(usize, &WebRule, &Origin)>> = HashMap::new();
        for (at, rule, origin) in self.rules() {
            by_control.entry(&rule.control).or_default().push((at, rule, origin));
        }
        let of = |control: &ControlId| by_control.get(control).map_or(&[][..], Vec::as_slice);
        for (at, rule, origin) in self.rules() {
            // A control of many targets goes over another if one of them does, and is spoken of once.
            let siblings = of(&rule.control);
            if siblings.first().is_none_or(|(first, ..)| *first != at) {
                continue;
            }
            let meets = |over: &ControlId| {
                let others = of(over);
                let met = |one: usize| others.iter().any(|(two, ..)| meetings.met.contains(&(one, *two)));
                siblings.iter().any(|(one, ..)| met(*one))
            };
            // Of a clause with several rules it is enough to meet one.
            let met: BTreeSet<&ClauseId> =
                rule.over.iter().filter(|over| meets(over)).map(|over| &over.clause).collect();
            let named: BTreeSet<&ClauseId> = rule.over.iter().map(|over| &over.clause).collect();
            for clause in named.difference(&met) {
                self.findings.push(
                    Diagnostic::new(
                        Code::OverNothing,
                        origin.control,
                        format!("`over = \"#{}\"` does nothing: the two never meet", clause.clause),
                    )
                    .why("no site, person, time and device is one that both speak of")
                    .help("leave it out, or look whether both name whom and what you mean"),
                );
            }
            for over in &rule.over {
                let others = of(over);
                let circle = others.iter().find(|(_, other, _)| other.over.contains(&rule.control));
                if let Some((_, other, place)) = circle
                    && self.paired.insert(pair(origin.control, place.control))
                {
                    self.findings.push(
                        Diagnostic::new(
                            Code::OverCycle,
                            origin.control,
                            format!(
                                "`#{}` and `#{}` each go over the other",
                                rule.control.clause.clause, other.control.clause.clause
                            ),
                        )
                        .why("neither would speak")
                        .help("keep one of the two `over`")
                        .other(place.control, "the other one"),
                    );
                }
            }
        }
    }

    fn tie(&mut self, tie: &Tie, meetings: &Meetings) {
        let (Some((stricter, here)), Some((looser, there))) = (self.rule(tie.stricter), self.rule(tie.looser)) else {
            return;
        };
        // What never has a say was said already.
        if !meetings.speaking.contains(&tie.looser) || self.is_part(tie.stricter, tie.looser) {
            return;
        }
        if !self.paired.insert(pair(here.control, there.control)) {
            return;
        }
        let same = self.is_part(tie.looser, tie.stricter);
        let code = if same { Code::DisagreeingRules } else { Code::CrossingRules };
        let (one, other) = (&stricter.control.clause.clause, &looser.control.clause.clause);
        let message = format!("`#{one}` and `#{other}` say different things about {}", self.target(&tie.cell.target));
        let help = format!(
            "say which goes first: `over = \"#{other}\"` in the rule of `#{one}`, or `over = \"#{one}\"` in that of `#{other}`"
        );
        self.findings.push(
            Diagnostic::new(code, here.target, message)
                .label(format!("{} here", words(stricter.verdict)))
                .why(format!(
                    "they meet {}; until it is said which goes first, the stricter holds",
                    self.meeting(&tie.cell, stricter, looser)
                ))
                .help(help)
                .other(there.target, format!("{} here", words(looser.verdict))),
        );
    }

    /// Exceptions that a rule as strict, about the same and of all the same people, does not make.
    fn void_exceptions(&mut self) {
        let overruled: BTreeSet<&ControlId> = self.rules().flat_map(|(_, rule, _)| &rule.over).collect();
        let strict = || self.rules().filter(|(_, rule, _)| Some(Verdict::Warn) <= rule.verdict);
        let mut by_target: HashMap<&Target, Vec<(usize, &WebRule, &Origin)>> = HashMap::new();
        for found in strict().filter(|(_, rule, _)| !overruled.contains(&rule.control)) {
            let same = by_target.entry(&found.1.target).or_default();
            if same.len() < SAME_MAX {
                same.push(found);
            }
        }
        let mut voids = Vec::new();
        for (at, rule, origin) in strict().filter(|(_, rule, _)| !rule.scope.audience.except.is_empty()) {
            let others = by_target.get(&rule.target).map_or(&[][..], Vec::as_slice);
            let wide = others.iter().find(|(other, wide, _)| {
                wide.control != rule.control && rule.verdict <= wide.verdict && self.is_part(at, *other)
            });
            let Some((other, wide, place)) = wide else { continue };
            voids.extend(self.excepted(at, *other).map(|group| (rule, origin, *wide, *place, group)));
        }
        for (rule, origin, wide, place, group) in voids {
            let (one, other) = (&rule.control.clause.clause, &wide.control.clause.clause);
            self.findings.push(
                Diagnostic::new(
                    Code::VoidException,
                    origin.target,
                    format!("`#{one}` and `#{other}` cover the same, and one has an exception"),
                )
                .label(format!("says {}", words(rule.verdict)))
                .why(format!("whoever is in `{group}` is excepted by the first and bound by the second"))
                .help("write the same `except` in both, or leave the exception out")
                .other(place.target, format!("`#{other}` says {}", words(wide.verdict))),
            );
        }
    }

    /// A group that rule `narrow` excepts and rule `wide` binds.
    fn excepted(&self, narrow: usize, wide: usize) -> Option<&'a Group> {
        let ((rule, _), (wide_rule, _)) = (self.rule(narrow)?, self.rule(wide)?);
        let persons = self.world.persons_of(&[narrow, wide]);
        let all = Audience { except: Vec::new(), ..rule.scope.audience.clone() };
        rule.scope.audience.except.iter().find(|group| {
            let is_bound = |groups: &BTreeSet<Group>| {
                groups.contains(*group) && binds(&all, groups) && binds(&wide_rule.scope.audience, groups)
            };
            persons.iter().any(is_bound)
        })
    }

    /// Whether wherever `inner` holds, `outer` holds too: a stricter rule inside a looser one is how people write
    /// exceptions, and no contradiction.
    fn is_part(&self, inner: usize, outer: usize) -> bool {
        let (Some((a, _)), Some((b, _))) = (self.rule(inner), self.rule(outer)) else { return false };
        let (Some(a_times), Some(b_times)) = (self.world.scopes.times(inner), self.world.scopes.times(outer)) else {
            return false;
        };
        let places = b.scope.places.is_empty()
            || (!a.scope.places.is_empty() && a.scope.places.iter().all(|place| b.scope.places.contains(place)));
        let devices = b.scope.device_classes.is_empty()
            || (!a.scope.device_classes.is_empty()
                && a.scope.device_classes.iter().all(|class| b.scope.device_classes.contains(class)));
        let persons = self
            .world
            .persons_of(&[inner, outer])
            .iter()
            .all(|groups| !binds(&a.scope.audience, groups) || binds(&b.scope.audience, groups));
        is_empty(&without(a_times, b_times))
            && places
            && devices
            && persons
            && self.is_target_part(&a.target, &b.target)
    }

    fn is_target_part(&self, inner: &Target, outer: &Target) -> bool {
        let classes = &self.compiled.program.classes;
        match (inner, outer) {
            (Target::Class(a), Target::Class(b)) => {
                let (a, b) = (classes.get(a), classes.get(b));
                a.zip(b).is_some_and(|(a, b)| a.iter().all(|category| b.contains(category)))
            }
            (Target::Url { host: a, .. }, Target::Url { host: b, .. }) => a.is_within(b),
            _ => inner == outer,
        }
    }

    fn target(&self, target: &Target) -> String {
        match target {
            Target::Any => "everything".to_owned(),
            Target::Class(name) | Target::Category(name) => self.compiled.school.target_title(name),
            Target::Domain(name) => name.as_str().trim_start_matches(ANY_OTHER).to_owned(),
            Target::Host(host) => host.to_string(),
            Target::Url { host, path } => format!("{}{path}", host.as_str().trim_start_matches(ANY_OTHER)),
        }
    }

    /// Who meets them, and when: "for people who are teachers and volunteers, on a Monday …".
    fn meeting(&self, cell: &Cell, one: &WebRule, other: &WebRule) -> String {
        let named = |rule: &WebRule| -> BTreeSet<Group> {
            rule.scope.audience.groups.iter().filter(|group| cell.groups.contains(group)).cloned().collect()
        };
        let groups: BTreeSet<Group> = named(one).union(&named(other)).cloned().collect();
        let titles: Vec<String> = groups.iter().map(|group| self.compiled.school.group_title(group)).collect();
        let mut parts = Vec::new();
        parts.push(match titles.as_slice() {
            [] => "for everybody".to_owned(),
            [one] => format!("for {one}"),
            several => format!("for people who are {}", several.join(" and ")),
        });
        parts.extend(cell.place.as_ref().map(|place| format!("at `{place}`")));
        parts.extend(cell.device.as_ref().map(|device| format!("on `{device}`")));
        let is_timed = [one, other].iter().any(|rule| rule.scope.when.is_some() || rule.scope.except_when.is_some());
        parts.extend(is_timed.then(|| self.world.clock.describe(&cell.times)).flatten());
        parts.join(", ")
    }
}

fn pair(one: Span, other: Span) -> (Span, Span) {
    if one <= other { (one, other) } else { (other, one) }
}

fn words(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("nothing", Verdict::as_str)
}

/// Whether two rules hold for the same site, people, times, places and devices, and neither goes over the other.
fn is_twin(one: &WebRule, other: &WebRule) -> bool {
    one.target == other.target && one.scope == other.scope && one.over.is_empty() && other.over.is_empty()
}
