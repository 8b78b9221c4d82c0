//! The order in which things speak: locked lists, always open, urgent block, gate, help, grants, rules, default.

use std::borrow::Cow;

use jiff::Timestamp;
use schoolgate_base::{ControlId, Group, Host, normal_path, path_is_below, path_is_closed_by};
use schoolgate_inspect::SearchEngines;

use crate::categories::CategoryHit;
use crate::decision::{Conditions, Considered, Decision, Inspect, Need, Outcome, Reason, Trace, Verdict, WhyNot};
use crate::facts::{Facts, Seen, Who};
use crate::index::Snapshot;
use crate::scope::{Standing, binds};
use crate::snapshot::{Audience, Grant, Member, Target, WebRule};

/// Decides one reading of a request.
pub(crate) fn evaluate(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    now: Timestamp,
    considered: &mut Option<Vec<Considered>>,
) -> Outcome {
    Evaluation::new(snapshot, facts, now).outcome(considered)
}

/// What may be recorded where the address itself may not.
pub(crate) fn held_back(trace: Trace, host_only: bool) -> Trace {
    match trace {
        Trace::Full if host_only => Trace::HostOnly,
        trace => trace,
    }
}

pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

struct Evaluation<'a> {
    snapshot: &'a Snapshot,
    facts: &'a Facts<'a>,
    now: Timestamp,
    /// In its normal form, in which every spelling of an address is one.
    path: Option<Cow<'a, str>>,
    hits: Vec<CategoryHit<'a>>,
    conditions: Conditions,
    valid_until: Option<Timestamp>,
}

/// A rule that matches now and has a verdict.
struct Candidate<'a> {
    place: usize,
    rule: &'a WebRule,
    verdict: Verdict,
}

/// The rules about a request: those that may speak, and why the others may not.
#[derive(Default)]
struct Matching<'a> {
    candidates: Vec<Candidate<'a>>,
    lost: Vec<(usize, WhyNot)>,
}

impl<'a> Evaluation<'a> {
    fn new(snapshot: &'a Snapshot, facts: &'a Facts<'a>, now: Timestamp) -> Self {
        let path = match facts.url {
            Seen::Seen(url) => Some(normal_path(url)),
            Seen::Unseen => None,
        };
        let hits = snapshot.categories(facts.host, path.as_deref());
        let conditions = Conditions::default();
        Self { snapshot, facts, now, path, hits, conditions, valid_until: None }
    }

    fn outcome(mut self, considered: &mut Option<Vec<Considered>>) -> Outcome {
        if self.any_hit(&self.snapshot.program.marks.never_inspect) {
            self.conditions.inspect = Inspect::Never;
        }
        let path_unseen = self.path.is_none() && self.snapshot.path_matters(self.facts.host);
        if let Some(decision) = self.locked() {
            return Outcome::Decided(decision);
        }
        // Conditions hold whatever speaks, so they are joined before anything does.
        let matching = self.matching();
        if let Some(decision) = self.always_open() {
            let could_be_locked = self.path.is_none() && self.snapshot.path_may_be_locked(self.facts.host);
            return self.settle(decision, could_be_locked);
        }
        if let Some(decision) = self.urgent() {
            // Only an address that is always open comes before an urgent block, and help speaks in its place.
            return self.settle(decision, path_unseen || self.is_searchable_unseen());
        }
        let member = match self.facts.who {
            Who::Unseen => {
                let if_unseen = self.gated(Reason::NotSignedIn);
                return Outcome::Needs { need: Need::Person, if_unseen };
            }
            Who::Nobody => None,
            Who::Known(member) => Some(member),
        };
        if let Some(decision) = self.gate(member) {
            return self.settle(decision, path_unseen);
        }
        let decision = match self.help() {
            Some(decision) => decision,
            None => {
                let grants = self.open_grants(member);
                let ruled = self.ruled(matching, member, &grants, considered);
                self.granted(&grants, &ruled).unwrap_or(ruled)
            }
        };
        self.settle(decision, path_unseen || self.is_searchable_unseen())
    }

    fn settle(&self, decision: Decision, could_change: bool) -> Outcome {
        if could_change { Outcome::Needs { need: Need::Url, if_unseen: decision } } else { Outcome::Decided(decision) }
    }

    fn decision(&self, verdict: Verdict, reason: Reason, trace: Trace) -> Decision {
        let trace = held_back(trace, self.conditions.host_only_log || (trace == Trace::Full && self.says_too_much()));
        Decision { verdict, reason, conditions: self.conditions.clone(), valid_until: self.valid_until, trace }
    }

    /// Whether the address holds words that are nobody's business: half-typed ones, or a cry for help that something
    /// else than the help page answered.
    fn says_too_much(&self) -> bool {
        self.path.as_deref().is_some_and(SearchEngines::is_completion) || self.searched_topic().is_some()
    }

    fn any_hit(&self, categories: &[Box<str>]) -> bool {
        self.first_hit(categories).is_some()
    }

    fn first_hit(&self, categories: &[Box<str>]) -> Option<CategoryHit<'a>> {
        self.hits.iter().copied().find(|hit| categories.iter().any(|category| &**category == hit.category))
    }

    fn locked(&self) -> Option<Decision> {
        let hit = self.first_hit(&self.snapshot.program.marks.locked)?;
        let reason = Reason::Locked { category: hit.category.into() };
        Some(self.decision(Verdict::Block, reason, Trace::HashOnly))
    }

    fn always_open(&mut self) -> Option<Decision> {
        let Host::Name(host) = self.facts.host else { return None };
        let program = &self.snapshot.program;
        if program.help.hosts.iter().any(|help| host.is_within(help)) {
            // A tunnel that we never look into is the surest way to leave no trace.
            self.conditions.inspect = Inspect::Never;
            return Some(self.decision(Verdict::Allow, Reason::HelpList, Trace::CountOnly));
        }
        let open = program.always_open.iter().find(|open| {
            let below = match (&open.path, &self.path) {
                (None, _) => true,
                (Some(prefix), Some(path)) => path_is_below(path, prefix),
                (Some(_), None) => false,
            };
            below && host.is_within(&open.host)
        })?;
        // Looking inside would close updates that trust their own roots only, and no verdict hangs on it.
        if self.conditions.inspect == Inspect::Wanted {
            self.conditions.inspect = Inspect::Unset;
        }
        Some(self.decision(Verdict::Allow, Reason::AlwaysOpen { why: open.why.clone() }, Trace::HostOnly))
    }

    fn urgent(&mut self) -> Option<Decision> {
        let live = &self.snapshot.live;
        let block = live
            .urgent
            .iter()
            .find(|block| block.from <= self.now && self.now < block.until && self.is_closed_by(&block.target))?;
        self.until(Some(block.until));
        // It stays closed, but whoever looks for help finds it and is not written down.
        if let Some(help) = self.help() {
            return Some(help);
        }
        let reason = Reason::Urgent { id: block.id.clone(), until: block.until };
        Some(self.decision(Verdict::Block, reason, Trace::Full))
    }

    fn gate(&mut self, member: Option<&Member>) -> Option<Decision> {
        let Some(member) = member else {
            return Some(self.gated(Reason::NotSignedIn));
        };
        let (missing, later): (Vec<_>, Vec<_>) = member.must_sign.iter().partition(|must| must.from <= self.now);
        if missing.is_empty() {
            self.until(later.iter().map(|must| must.from).min());
            return None;
        }
        let policies = missing.iter().map(|must| must.policy.clone()).collect();
        Some(self.gated(Reason::Unsigned { policies }))
    }

    /// Somebody without an agreement may be in need as well: what the help page would answer leaves a count here too.
    fn gated(&self, reason: Reason) -> Decision {
        let trace = if self.help_topic().is_some() { Trace::CountOnly } else { Trace::HostOnly };
        self.decision(Verdict::Gate, reason, trace)
    }

    fn help(&self) -> Option<Decision> {
        let topic = self.help_topic()?;
        Some(self.decision(Verdict::Help, Reason::HelpTopic { topic }, Trace::CountOnly))
    }

    fn help_topic(&self) -> Option<Box<str>> {
        let of_site = || self.first_hit(&self.snapshot.program.help.categories).map(|hit| hit.category.into());
        self.searched_topic().or_else(of_site)
    }

    fn searched_topic(&self) -> Option<Box<str>> {
        let Host::Name(host) = self.facts.host else { return None };
        self.snapshot.searched_topic(host, self.path.as_deref()?)
    }

    /// Whether the address could be a search about a topic of help.
    fn is_searchable_unseen(&self) -> bool {
        let Host::Name(host) = self.facts.host else { return false };
        self.path.is_none() && self.snapshot.is_search_engine(host)
    }

    /// The grants that are about this request now. One that begins later bounds the decision.
    fn open_grants(&mut self, member: Option<&Member>) -> Vec<&'a Grant> {
        let snapshot = self.snapshot;
        let mut open = Vec::new();
        if self.any_hit(&snapshot.program.marks.never_granted) {
            return open;
        }
        for grant in &snapshot.live.grants {
            if grant.until <= self.now || !self.is_about(&grant.target) || !binds(&grant.audience, member) {
                continue;
            }
            if self.now < grant.from {
                self.until(Some(grant.from));
            } else {
                open.push(grant);
            }
        }
        open
    }

    /// What a grant makes of the decision of the rules. It lifts their verdict, not their conditions, and where it
    /// names a control, the verdict of no other.
    fn granted(&mut self, grants: &[&Grant], ruled: &Decision) -> Option<Decision> {
        if ruled.verdict == Verdict::Allow {
            return None;
        }
        let control = match &ruled.reason {
            Reason::Rule { control, .. } => Some(control),
            _ => None,
        };
        let grant = longest_lifting(grants, control)?;
        self.until(Some(grant.until));
        let reason = Reason::Grant { id: grant.id.clone(), control: grant.control.clone(), until: grant.until };
        Some(self.decision(Verdict::Allow, reason, Trace::Full))
    }

    /// The rules about this request. The conditions of those that match now are joined.
    fn matching(&mut self) -> Matching<'a> {
        let snapshot = self.snapshot;
        let member = match self.facts.who {
            Who::Known(member) => Some(member),
            Who::Unseen | Who::Nobody => None,
        };
        let mut matching = Matching::default();
        for place in snapshot.rules_about(self.facts.host, self.path.as_deref(), &self.hits) {
            let Some(rule) = snapshot.program.rules.get(place) else { continue };
            if let Some(lost) = self.why_not(rule, member) {
                matching.lost.push((place, lost));
                continue;
            }
            self.conditions = std::mem::take(&mut self.conditions).join(&rule.conditions);
            match rule.verdict {
                Some(verdict) => matching.candidates.push(Candidate { place, rule, verdict }),
                None => matching.lost.push((place, WhyNot::ConditionsOnly)),
            }
        }
        matching
    }

    fn ruled(
        &mut self,
        matching: Matching<'a>,
        member: Option<&Member>,
        grants: &[&Grant],
        considered: &mut Option<Vec<Considered>>,
    ) -> Decision {
        let snapshot = self.snapshot;
        for (place, lost) in matching.lost {
            note(considered, place, Some(lost));
        }
        let equals = self.winners(matching.candidates, member, considered);
        // Of equals, one that no grant lifts speaks: an approval under one control opens nothing that another closes.
        let lifted = |candidate: &&Candidate<'_>| longest_lifting(grants, Some(&candidate.rule.control));
        let unlifted = equals.iter().find(|candidate| lifted(candidate).is_none());
        let Some(winner) = unlifted.or(equals.first()) else {
            let capacity = member.map(|member| member.capacity);
            let verdict = capacity.and_then(|capacity| snapshot.program.defaults.get(&capacity)).copied();
            return self.decision(verdict.unwrap_or(Verdict::Block), Reason::Default, Trace::Full);
        };
        if winner.verdict != Verdict::Allow && unlifted.is_none() {
            let soonest = equals.iter().filter_map(|candidate| lifted(&candidate)).map(|grant| grant.until).min();
            self.valid_until = earlier(self.valid_until, soonest);
        }
        note(considered, winner.place, None);
        for equal in equals.iter().filter(|equal| equal.place != winner.place) {
            note(considered, equal.place, None);
        }
        let hit = self.hit_of(&winner.rule.target);
        let reason = Reason::Rule {
            control: winner.rule.control.clone(),
            category: hit.map(|hit| hit.category.into()),
            list: hit.map(|hit| hit.list.into()),
        };
        self.decision(winner.verdict, reason, Trace::Full)
    }

    /// Stated precedence, then the more specific target, then the more specific audience by declared inclusion, then
    /// block over warn over allow. Several only where all of these are equal.
    fn winners(
        &self,
        mut candidates: Vec<Candidate<'a>>,
        member: Option<&Member>,
        considered: &mut Option<Vec<Considered>>,
    ) -> Vec<Candidate<'a>> {
        let over: Vec<ControlId> = candidates.iter().flat_map(|c| c.rule.over.iter().cloned()).collect();
        retain(&mut candidates, considered, WhyNot::Overridden, |c| !over.contains(&c.rule.control));
        let top = candidates.iter().map(|c| specificity(&c.rule.target)).max();
        retain(&mut candidates, considered, WhyNot::LessSpecificTarget, |c| Some(specificity(&c.rule.target)) == top);
        let audiences: Vec<&Audience> = candidates.iter().map(|c| &c.rule.scope.audience).collect();
        retain(&mut candidates, considered, WhyNot::LessSpecificAudience, |c| {
            !audiences.iter().any(|other| self.is_narrower(other, &c.rule.scope.audience, member))
        });
        let strictest = candidates.iter().map(|c| c.verdict).max();
        retain(&mut candidates, considered, WhyNot::LessStrict, |c| Some(c.verdict) == strictest);
        candidates
    }

    /// Whether audience `a` is strictly narrower than `b` where both bind `member`.
    fn is_narrower(&self, a: &Audience, b: &Audience, member: Option<&Member>) -> bool {
        let Some(member) = member else { return false };
        let by_person = |audience: &Audience| audience.persons.contains(&member.person);
        let everybody = |audience: &Audience| audience.groups.is_empty() && audience.persons.is_empty();
        match (by_person(a), by_person(b)) {
            (true, false) => return true,
            (false, true) | (true, true) => return false,
            (false, false) => {}
        }
        if everybody(a) || everybody(b) {
            return everybody(b) && !everybody(a);
        }
        let held = |audience: &'_ Audience| -> Vec<Group> {
            audience.groups.iter().filter(|group| member.groups.contains(group)).cloned().collect()
        };
        let (a, b) = (held(a), held(b));
        let within = |inner: &[Group], outer: &[Group]| {
            inner.iter().any(|i| outer.iter().any(|o| i != o && self.snapshot.group_is_within(i, o)))
        };
        within(&a, &b) && !within(&b, &a)
    }

    /// `None`: the rule matches now. Where time alone keeps it from matching, the boundary bounds the decision.
    fn why_not(&mut self, rule: &'a WebRule, member: Option<&Member>) -> Option<WhyNot> {
        let standing = Standing { member, place: self.facts.place, device_class: self.facts.device_class };
        rule.scope.why_not(standing, self.snapshot, self.now, &mut self.valid_until)
    }

    fn is_about(&self, target: &Target) -> bool {
        match (target, self.facts.host) {
            (Target::Any, _) => true,
            (Target::Class(class), _) => {
                self.snapshot.program.classes.get(class).is_some_and(|categories| self.any_hit(categories))
            }
            (Target::Category(category), _) => self.hits.iter().any(|hit| hit.category == &**category),
            (Target::Host(host), seen) => host == seen,
            (Target::Domain(domain), Host::Name(name)) => name.is_within(domain),
            (Target::Url { host, path }, Host::Name(name)) => {
                name.is_within(host) && self.path.as_ref().is_some_and(|seen| path_is_below(seen, path))
            }
            (Target::Domain(_) | Target::Url { .. }, Host::Address(_)) => false,
        }
    }

    fn is_closed_by(&self, target: &Target) -> bool {
        let Target::Url { host, path } = target else { return self.is_about(target) };
        let is_on_host = self.facts.host.name().is_some_and(|name| name.is_within(host));
        is_on_host && self.path.as_ref().is_some_and(|seen| path_is_closed_by(seen, path))
    }

    fn hit_of(&self, target: &Target) -> Option<CategoryHit<'a>> {
        match target {
            Target::Category(category) => self.hits.iter().copied().find(|hit| hit.category == &**category),
            Target::Class(class) => self.first_hit(self.snapshot.program.classes.get(class)?),
            Target::Any | Target::Domain(_) | Target::Host(_) | Target::Url { .. } => None,
        }
    }

    fn until(&mut self, at: Option<Timestamp>) {
        self.valid_until = earlier(self.valid_until, at);
    }
}

fn retain<'a>(
    candidates: &mut Vec<Candidate<'a>>,
    considered: &mut Option<Vec<Considered>>,
    lost: WhyNot,
    keep: impl Fn(&Candidate<'a>) -> bool,
) {
    candidates.retain(|candidate| {
        let kept = keep(candidate);
        if !kept {
            note(considered, candidate.place, Some(lost));
        }
        kept
    });
}

fn note(considered: &mut Option<Vec<Considered>>, rule: usize, lost: Option<WhyNot>) {
    if let Some(considered) = considered {
        considered.push(Considered { rule, lost });
    }
}

/// The grant that lifts a control's verdict for the longest; one that names no control lifts any.
fn longest_lifting<'g>(grants: &[&'g Grant], control: Option<&ControlId>) -> Option<&'g Grant> {
    let lifts = |grant: &&&Grant| grant.lifts.as_ref().is_none_or(|lifted| Some(lifted) == control);
    grants.iter().filter(lifts).max_by_key(|grant| grant.until).copied()
}

/// Order of targets: address (longer path first), host, domain (more labels first), category, class, anything.
fn specificity(target: &Target) -> (u8, usize) {
    match target {
        Target::Any => (0, 0),
        Target::Class(_) => (1, 0),
        Target::Category(_) => (2, 0),
        Target::Domain(name) => (3, name.label_count()),
        Target::Host(_) => (4, 0),
        Target::Url { path, .. } => (5, path.len()),
    }
}
