//! What becomes of a thing.

use jiff::Timestamp;
use schoolgate_base::{ControlId, ControlKind, Role};

use super::{Action, Aspect, Delay, Hearing, Leave, Thing, ThingRule};
use crate::index::Snapshot;
use crate::scope::binds;

/// The decision about a thing, with everything that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// `None`: no rule fits, and nothing is done.
    pub action: Option<Action>,
    /// The control that speaks; `None` with an action where a restricted system lets nobody in.
    pub by: Option<ControlId>,
    /// Every rule that stands, the one that speaks among them, in the order of the policy.
    pub heard: Vec<Heard>,
    /// Offices that let go what is held: those of the rule that speaks.
    pub release: Vec<Role>,
    pub copies: Vec<Role>,
    pub tags: Vec<Box<str>>,
    /// When what is delayed goes.
    pub until: Option<Timestamp>,
    /// Sentences for the person who acts.
    pub says: Vec<Box<str>>,
}

/// A rule that stands, and who hears because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub control: ControlId,
    pub action: Action,
    pub hearing: Hearing,
}

/// Decides about a thing. Pure: the snapshot, the thing and `now` are all it knows.
pub fn judge(snapshot: &Snapshot, thing: &Thing<'_>, now: Timestamp) -> Judgement {
    let mut standing = fitting(snapshot, thing, now);
    let over: Vec<&ControlId> = standing.iter().flat_map(|rule| &rule.over).collect();
    standing.retain(|rule| !over.contains(&&rule.control));
    let spoken = standing.iter().copied().max_by_key(|rule| rule.action);
    let mut judgement = Judgement {
        action: spoken.map(|rule| rule.action),
        by: spoken.map(|rule| rule.control.clone()),
        heard: standing.iter().map(|rule| heard(rule)).collect(),
        release: spoken.map_or_else(Vec::new, |rule| rule.release.clone()),
        copies: joined(&standing, |rule| &rule.copy),
        tags: standing.iter().filter_map(|rule| rule.tag.clone()).collect(),
        until: standing.iter().filter_map(|rule| gone_at(rule, snapshot, now)).max(),
        says: standing.iter().filter_map(|rule| rule.says.clone()).collect(),
    };
    if is_locked_out(snapshot, thing, &standing) {
        judgement.action = judgement.action.max(Some(Action::Refuse));
        judgement.by = judgement.by.filter(|_| spoken.is_some_and(|rule| rule.action >= Action::Refuse));
    }
    judgement
}

fn fitting<'s>(snapshot: &'s Snapshot, thing: &Thing<'_>, now: Timestamp) -> Vec<&'s ThingRule> {
    let mut ignored = None;
    let fits = |rule: &&ThingRule| {
        rule.control.kind == thing.kind
            && rule.scope.why_not(thing.standing(), snapshot, now, &mut ignored).is_none()
            && rule.conditions.iter().all(|condition| thing.fits(condition))
            && !snapshot.live.leaves.iter().any(|leave| lifts(leave, rule, thing, now))
    };
    snapshot.program.things.iter().filter(fits).collect()
}

fn lifts(leave: &Leave, rule: &ThingRule, thing: &Thing<'_>, now: Timestamp) -> bool {
    let is_towards = leave.towards.as_ref().is_none_or(|person| thing.others.contains(person));
    // What a leave lifts is a bar: it never takes away what lets somebody in.
    rule.action != Action::Allow
        && leave.lifts == rule.control.clause
        && leave.from <= now
        && now < leave.until
        && is_towards
        && binds(&leave.audience, thing.who)
}

fn heard(rule: &ThingRule) -> Heard {
    Heard { control: rule.control.clone(), action: rule.action, hearing: rule.hearing.clone() }
}

fn joined(rules: &[&ThingRule], of: fn(&ThingRule) -> &Vec<Role>) -> Vec<Role> {
    let mut all: Vec<Role> = Vec::new();
    for role in rules.iter().flat_map(|rule| of(rule)) {
        if !all.contains(role) {
            all.push(role.clone());
        }
    }
    all
}

fn gone_at(rule: &ThingRule, snapshot: &Snapshot, now: Timestamp) -> Option<Timestamp> {
    let program = &snapshot.program;
    match rule.delay.as_ref()? {
        Delay::For(length) => {
            let period = length.period().and_then(|name| program.periods.get(name));
            Some(length.deadline(&program.calendar, period, now))
        }
        Delay::Until(name) => {
            let holding = snapshot.periods.at(program, name, now)?;
            if holding.is_in { Some(now) } else { holding.until }
        }
    }
}

/// A restricted system lets in only whom a rule allows.
fn is_locked_out(snapshot: &Snapshot, thing: &Thing<'_>, standing: &[&ThingRule]) -> bool {
    let names_system = |rule: &&ThingRule| {
        rule.conditions
            .iter()
            .any(|condition| matches!(condition, super::Condition::Any { aspect: Aspect::System, .. }))
    };
    thing.kind == ControlKind::Account
        && thing.marks_of(Aspect::System).any(|system| snapshot.program.restricted.contains(system))
        && !standing.iter().any(|rule| rule.action == Action::Allow && names_system(rule))
}
