//! Rules about things that contradict each other, act on what no rule may act on, or that nothing keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schoolgate_base::{ClauseId, ControlId, Group, Role};
use schoolgate_cases::{Definition, Effect};
use schoolgate_decide::Scope;
use schoolgate_decide::things::{Action, Aspect, Condition, Listener, PasswordRule, ThingRule, Weakness};

use super::shapes::{PAIRS_MAX, candidates, shapes};
use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::overlap::{Clock, Times, both, is_empty, is_narrower_thing, times_of_scope, without};
use crate::school::{ContentEntry, School};
use crate::syntax::reader::Findings;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let rules: Vec<(&ThingRule, Span)> =
        compiled.program.things.iter().zip(compiled.thing_spans.iter().copied()).collect();
    for (rule, span) in &rules {
        floors(rule, *span, &compiled.school, findings);
    }
    let pairs = Pairs::new(compiled, &rules);
    let shapes = shapes(&rules, &pairs.overruled);
    let is_done = candidates(&shapes, &mut |one, other| pairs.shapes(one, other, findings));
    if !is_done || !void_leaves(compiled, &pairs, &rules, findings) {
        let place = rules.first().map(|(_, span)| *span);
        findings.extend(place.map(|place| {
            Diagnostic::new(
                Code::TooManyRules,
                place,
                "the rules about things meet in too many ways to be gone through",
            )
            .why("nobody could say which of them contradict each other")
            .help("say more with wider groups and several words in one rule, and with fewer rules")
        }));
    }
    for (password, span) in compiled.program.passwords.iter().zip(&compiled.password_spans) {
        weak_password(password, *span, findings);
    }
}

/// What design §5 lets no rule do with some content.
fn floors(rule: &ThingRule, span: Span, school: &School, findings: &mut Findings) {
    let mut lowered = |message: String, why: &str, help: &str| {
        findings.push(Diagnostic::new(Code::FloorLowered, span, message).why(why).help(help));
    };
    for content in contents(rule, school) {
        let title = &content.title;
        let speaks_to_them = matches!(rule.action, Action::Ask | Action::Pause)
            && rule.hearing.to.iter().all(|listener| *listener == Listener::Themself)
            && rule.copy.is_empty();
        if content.is_special && !speaks_to_them {
            lowered(
                format!("what somebody writes about {title} may be shown to nobody but them"),
                "belief, union, health and whom somebody loves are nobody's findings",
                "write `then = \"ask\"` or `then = \"pause\"`, and tell nobody but `them`",
            );
        }
        if content.is_protected && rule.action != Action::Allow {
            lowered(
                format!("no rule may act on {title}"),
                "criticism, complaints, union activity and speaking up are never a breach",
                "leave this content out of the rule",
            );
        }
        let tells_lead = rule.hearing.to.contains(&Listener::Office(Role::new("dsl")));
        let stops = matches!(rule.action, Action::Refuse | Action::Quarantine);
        if content.is_sealed && !(stops && tells_lead && rule.copy.is_empty()) {
            lowered(
                format!("{title} is stopped, copied by nobody, and the safeguarding lead hears of it"),
                "making a copy of such an image is a crime, whoever makes it and why",
                "write `then = \"refuse\"` (or `quarantine`) with `tell = [\"dsl\"]` and without `copy`",
            );
        }
    }
}

fn contents<'s>(rule: &ThingRule, school: &'s School) -> Vec<&'s ContentEntry> {
    let named = rule.conditions.iter().filter_map(|condition| match condition {
        Condition::Any { aspect: Aspect::Contains, marks } => Some(marks),
        _ => None,
    });
    named.flatten().filter_map(|name| school.content.get(name)).collect()
}

/// A rule and where it was written.
pub(super) type Placed<'a> = (&'a ThingRule, Span);

struct Pairs<'a> {
    compiled: &'a Compiled,
    /// By the periods of a scope: its minutes.
    times: HashMap<(Option<&'a str>, Option<&'a str>), Times>,
    /// Rules over which others go: they do not hold whatever else is said.
    overruled: BTreeSet<&'a ControlId>,
}

impl<'a> Pairs<'a> {
    fn new(compiled: &'a Compiled, rules: &[Placed<'a>]) -> Self {
        let program = &compiled.program;
        let clock = Clock::new(&program.calendar, program.periods.values());
        let mut times = HashMap::new();
        for (rule, _) in rules {
            let periods = (rule.scope.when.as_deref(), rule.scope.except_when.as_deref());
            times.entry(periods).or_insert_with(|| times_of_scope(&rule.scope, program, &clock));
        }
        let overruled = rules.iter().flat_map(|(rule, _)| &rule.over).collect();
        Self { compiled, times, overruled }
    }

    fn times_of<'b>(&'b self, scope: &'b Scope) -> Option<&'b Times> {
        self.times.get(&(scope.when.as_deref(), scope.except_when.as_deref()))
    }

    /// Names each rule of the two shapes once.
    fn shapes(&self, ones: &[Placed<'_>], others: &[Placed<'_>], findings: &mut Findings) {
        let (Some(first), Some(last)) = (ones.first(), others.first()) else { return };
        let before = findings.len();
        self.check(first, last, findings);
        if before == findings.len() && first.0.control != last.0.control {
            return;
        }
        for other in others.iter().skip(1) {
            self.check(first, other, findings);
        }
        for one in ones.iter().skip(1) {
            self.check(one, last, findings);
        }
    }

    fn check(&self, one: &Placed<'_>, other: &Placed<'_>, findings: &mut Findings) {
        let (a, b) = (one.0, other.0);
        let is_settled = a.over.contains(&b.control) || b.over.contains(&a.control);
        if a.control.kind != b.control.kind || a.control == b.control || is_settled || !self.meet(a, b) {
            return;
        }
        let (a_in_b, b_in_a) = (self.is_part(a, b), self.is_part(b, a));
        if self.void_exception(one, other, a_in_b, findings) || self.void_exception(other, one, b_in_a, findings) {
            return;
        }
        if a.action == b.action {
            return;
        }
        if a_in_b && b_in_a {
            let help = "keep one of the two, narrow one, or write `over = \"#…\"` in the one that goes first";
            findings
                .push(about_both(Code::DisagreeingRules, one, other, "say different things of the same").help(help));
            return;
        }
        for ((allow, within), (inner, outer)) in [((a, a_in_b), (one, other)), ((b, b_in_a), (other, one))] {
            let stricter = outer.0;
            // What opens a restricted system, or goes over some rule, says no more than that.
            let is_door = !allow.over.is_empty() || aspects(allow).any(|(aspect, _)| aspect == Aspect::System);
            if allow.action != Action::Allow || stricter.action < Action::Ask || is_door {
                continue;
            }
            let clause = &outer.0.control.clause.clause;
            let help = format!("write `over = \"#{clause}\"` in the rule of `#{}`", allow.control.clause.clause);
            let found = if within {
                about_both(Code::ShadowedRule, inner, outer, "meet, and what the first allows never has a say")
            } else {
                about_both(Code::CrossingRules, inner, outer, "meet, and nothing says which goes first")
            };
            findings.push(found.why("where both fit, the stricter holds").help(help));
        }
    }

    /// An exception that a rule as strict, which covers all the other one does, does not make.
    fn void_exception(&self, narrow: &Placed<'_>, wide: &Placed<'_>, is_part: bool, findings: &mut Findings) -> bool {
        let (a, b) = (narrow.0, wide.0);
        let is_strict = Action::Ask <= a.action && a.action <= b.action;
        let excepted = a.scope.audience.except.iter().find(|group| !b.scope.audience.except.contains(group));
        let is_absolute = is_part && is_strict && !self.overruled.contains(&b.control);
        let (Some(excepted), true) = (excepted, is_absolute) else { return false };
        let found = about_both(Code::VoidException, narrow, wide, "cover the same, and one has an exception");
        findings.push(
            found
                .why(format!("whoever is in `{excepted}` is excepted by the first and bound by the second"))
                .help("write the same `except` in both, or leave the exception out"),
        );
        true
    }

    /// Whether one thing can fit both.
    fn meet(&self, a: &ThingRule, b: &ThingRule) -> bool {
        let times = self.times_of(&a.scope).zip(self.times_of(&b.scope));
        self.audiences_meet(&a.scope, &b.scope)
            && self.conditions_meet(a, b)
            && times.is_some_and(|(a, b)| !is_empty(&both(a, b)))
    }

    fn audiences_meet(&self, a: &Scope, b: &Scope) -> bool {
        let outside = |groups: &[Group], except: &[Group]| {
            !groups.is_empty()
                && groups.iter().all(|group| except.iter().any(|out| self.compiled.school.is_within(group, out)))
        };
        if outside(&a.audience.groups, &b.audience.except) || outside(&b.audience.groups, &a.audience.except) {
            return false;
        }
        let (a, b) = (&a.audience.groups, &b.audience.groups);
        a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| self.can_be_in_both(a, b)))
    }

    fn can_be_in_both(&self, a: &Group, b: &Group) -> bool {
        let school = &self.compiled.school;
        a == b || school.is_within(a, b) || school.is_within(b, a)
    }

    fn conditions_meet(&self, a: &ThingRule, b: &ThingRule) -> bool {
        aspects(a).all(|(aspect, marks)| {
            let others = aspects(b).find(|(other, _)| *other == aspect);
            others.is_none_or(|(_, others)| marks.iter().any(|a| others.iter().any(|b| self.marks_meet(aspect, a, b))))
        })
    }

    fn marks_meet(&self, aspect: Aspect, a: &str, b: &str) -> bool {
        let is_party = matches!(aspect, Aspect::From | Aspect::To);
        a == b || (is_party && self.can_be_in_both(&Group::new(a), &Group::new(b)))
    }

    /// Whether whatever fits `inner` fits `outer`.
    fn is_part(&self, inner: &ThingRule, outer: &ThingRule) -> bool {
        let school = &self.compiled.school;
        let (a, b) = (&inner.scope, &outer.scope);
        let times = self.times_of(a).zip(self.times_of(b));
        let audience = b.audience.groups.is_empty()
            || (!a.audience.groups.is_empty()
                && a.audience.groups.iter().all(|a| b.audience.groups.iter().any(|b| school.is_within(a, b))));
        let except = b.audience.except.iter().all(|out| a.audience.except.contains(out));
        let places = b.places.is_empty() || (!a.places.is_empty() && a.places.iter().all(|at| b.places.contains(at)));
        let devices = b.device_classes.is_empty()
            || (!a.device_classes.is_empty() && a.device_classes.iter().all(|on| b.device_classes.contains(on)));
        let conditions = is_narrower_thing(school, &inner.conditions, &outer.conditions);
        let is_always = times.is_some_and(|(a, b)| is_empty(&without(a, b)));
        audience && except && places && devices && conditions && is_always
    }
}

pub(super) fn aspects(rule: &ThingRule) -> impl Iterator<Item = (Aspect, &BTreeSet<Box<str>>)> {
    rule.conditions.iter().filter_map(|condition| match condition {
        Condition::Any { aspect, marks } => Some((*aspect, marks)),
        _ => None,
    })
}

/// Leaves that lift one rule where another one as strict still holds; `false` where there are too many to look at.
fn void_leaves(compiled: &Compiled, pairs: &Pairs<'_>, rules: &[Placed<'_>], findings: &mut Findings) -> bool {
    let mut by_clause: BTreeMap<&ClauseId, Vec<&Placed<'_>>> = BTreeMap::new();
    for rule in rules {
        by_clause.entry(&rule.0.control.clause).or_default().push(rule);
    }
    let mut taken = 0_usize;
    for (definition, &span) in compiled.definitions.iter().zip(&compiled.definition_spans) {
        let Definition::Request(request) = definition else { continue };
        let lifts = request.effects.iter().filter_map(|effect| match effect {
            Effect::Lift { clause, .. } => Some(clause),
            _ => None,
        });
        let lifted: BTreeSet<&ClauseId> = lifts.collect();
        let of_lifted = lifted.iter().filter_map(|clause| by_clause.get(clause)).flatten();
        for one in of_lifted.filter(|one| Action::Ask <= one.0.action) {
            taken = taken.saturating_add(rules.len());
            if PAIRS_MAX < taken {
                return false;
            }
            let still = rules.iter().find(|other| {
                other.0.control.kind == one.0.control.kind
                    && one.0.action <= other.0.action
                    && !lifted.contains(&other.0.control.clause)
                    && !pairs.overruled.contains(&other.0.control)
                    && pairs.is_part(one.0, other.0)
            });
            findings.extend(still.map(|other| void_leave(span, one.0, other)));
        }
    }
    true
}

fn void_leave(span: Span, lifted: &ThingRule, other: &Placed<'_>) -> Diagnostic {
    let (lifted, holds) = (&lifted.control.clause.clause, &other.0.control.clause.clause);
    let message = format!("what is approved here lifts `#{lifted}`, and `#{holds}` still holds");
    Diagnostic::new(Code::VoidException, span, message)
        .why("somebody would ask, be given leave, and be stopped all the same")
        .help(format!("lift `#{holds}` too, or take one of the two rules out"))
        .other(other.1, format!("{} here", other.0.action.done()))
}

fn about_both(code: Code, one: &Placed<'_>, other: &Placed<'_>, message: &str) -> Diagnostic {
    let (first, second) = (&one.0.control.clause.clause, &other.0.control.clause.clause);
    Diagnostic::new(code, one.1, format!("`#{first}` and `#{second}` {message}"))
        .label(format!("{} here", one.0.action.done()))
        .other(other.1, format!("{} here", other.0.action.done()))
}

/// NCSC, *Password administration for system owners*: eight characters at least where weak ones are turned down,
/// twelve where they are not; and no change because time has passed.
fn weak_password(rule: &PasswordRule, span: Span, findings: &mut Findings) {
    let turns_down = rule.refuse.contains(&Weakness::Breached);
    let least = if turns_down { 8 } else { 12 };
    if rule.length < least {
        findings.push(
            Diagnostic::new(Code::WeakPasswordRule, span, format!("passwords of {} characters are weak", rule.length))
                .why("whoever gets a copy of the stored ones finds them within hours")
                .help("write `length = 12`, or `length = 8` with `refuse = [\"breached\"]`; three random words are easiest to keep in mind"),
        );
    }
    if rule.change.is_some() {
        findings.push(
            Diagnostic::new(Code::RenewedPasswords, span, "passwords that must change from time to time get weaker")
                .why("people count up a number at the end")
                .help("leave `change` out and change a password when somebody may know it"),
        );
    }
}
