//! What shows that a control is kept, and how strong that is. Computed from records and events at each look.
//!
//! A promise is never more than a promise, whatever its share; nothing here reads a sealed case.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{ControlId, ControlKind, Group, PersonId, PolicyId};
use schoolgate_cases::CaseState;
use schoolgate_control::{audiences, is_asked};
use schoolgate_decide::snapshot::{Target, WebRule};
use schoolgate_eventlog::{By, Filter, Number, Range};
use schoolgate_policy::Agreement;
use schoolgate_policy::show::{ClauseView, ControlView, Standing};

use crate::ctx::{Ctx, from_records};
use crate::failure::{Failure, internal};
use crate::views::policy::{ControlShown, Known};
use crate::words::{counted, small_hidden};

/// Numbers are of this many days.
pub(crate) const DAYS: i64 = 30;
/// Cases read at once.
const CASES_PAGE: u64 = 200;

/// Everything that the pages of evidence need, read once for a page.
pub(crate) struct Evidence {
    decisions: BTreeMap<String, Number>,
    /// Requests of the last days by control: decided, and all.
    requests: BTreeMap<ControlId, (usize, usize)>,
    promises: BTreeMap<PolicyId, Promise>,
    /// Keepers with a statement that has not lapsed, and until when.
    statements: BTreeMap<String, Timestamp>,
    has_gateway: bool,
    /// Small numbers are not told.
    counts_only: bool,
}

/// How many agreed to the version in force, of how many who are asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promise {
    pub(crate) signed: Vec<(PersonId, Timestamp)>,
    pub(crate) missing: Vec<PersonId>,
}

impl Promise {
    pub(crate) fn words(&self, counts_only: bool) -> String {
        let (signed, all) = (self.signed.len(), self.signed.len() + self.missing.len());
        if all == 0 {
            return "Nobody is asked to agree yet".to_owned();
        }
        if counts_only && (1..5).contains(&signed) {
            return format!("Promised by fewer than 5 of {all}");
        }
        // The others are as telling as the signed when they are few.
        if counts_only && (1..5).contains(&self.missing.len()) {
            return format!("Promised by nearly all of {all}");
        }
        format!("Promised by {signed} of {all}")
    }
}

/// The time that numbers are about.
pub(crate) fn range(ctx: &Ctx) -> Range {
    Range {
        school: ctx.app.control.school().clone(),
        from: ctx.now - SignedDuration::from_hours(24 * DAYS),
        to: ctx.now + SignedDuration::from_secs(1),
    }
}

impl Evidence {
    pub(crate) async fn load(ctx: &Ctx, counts_only: bool) -> Result<Self, Failure> {
        let evidence = &ctx.app.evidence;
        let numbers = evidence.numbers(&range(ctx), &Filter::default(), By::Control).await.map_err(internal)?;
        let decisions = numbers.into_iter().filter_map(|number| Some((number.key.clone()?, number)));
        Ok(Self {
            decisions: decisions.collect(),
            requests: requests(ctx).await?,
            promises: promises(ctx).await?,
            statements: statements(ctx).await?,
            has_gateway: ctx.app.settings.pac_address.is_some(),
            counts_only,
        })
    }

    pub(crate) fn promise(&self, policy: &PolicyId) -> Option<&Promise> {
        self.promises.get(policy)
    }

    /// Every way in which a clause is kept, with how we know.
    pub(crate) fn of_clause(&self, ctx: &Ctx, clause: &ClauseView) -> Vec<ControlShown> {
        let mut shown: Vec<ControlShown> =
            clause.controls.iter().map(|control| self.of_control(ctx, clause, control)).collect();
        shown.extend(clause.keepers_beside().map(|keeper| self.of_keeper(ctx, keeper)));
        if clause.standing == Standing::Promised {
            shown.push(self.of_promise(clause, "People agree to it".to_owned()));
        }
        shown
    }

    fn of_control(&self, ctx: &Ctx, clause: &ClauseView, control: &ControlView) -> ControlShown {
        let href = format!("/policies/{}/{}/evidence", clause.id.policy, clause.id.clause);
        let keeper = format!("Kept by {}", control.keeper);
        let mut shown =
            ControlShown { words: capital(&control.words), keeper, how: Known::Nobody, evidence: String::new(), href };
        match control.id.kind {
            _ if !control.is_kept => {
                "No part of this release keeps it yet".clone_into(&mut shown.keeper);
                shown.href.clear();
            }
            _ if !control.kept_by.is_empty() => {
                // Together they carry it out: it is known as well as the one of whom least is known.
                let keepers = control.kept_by.iter().map(|keeper| self.of_keeper(ctx, keeper));
                let rank = |shown: &ControlShown| Known::ALL.iter().position(|how| *how == shown.how);
                if let Some(known) = keepers.max_by_key(rank) {
                    (shown.how, shown.evidence) = (known.how, known.evidence);
                }
                shown.href.clear();
            }
            ControlKind::Web if !self.has_gateway => {
                "This installation has no gateway of its own to keep it".clone_into(&mut shown.keeper);
                shown.href.clear();
            }
            ControlKind::Web => {
                shown.how = Known::System;
                shown.evidence = uncounted(ctx, &control.id).map_or_else(|| self.decided(&control.id), str::to_owned);
            }
            ControlKind::Request => {
                shown.how = Known::Checked;
                shown.evidence = self.requested(&control.id);
                shown.href.clear();
            }
            ControlKind::Report => {
                shown.how = Known::Checked;
                // Even the number of reports belongs to those who received them.
                "Reports are counted nowhere, so that nobody can learn of one".clone_into(&mut shown.evidence);
                shown.href.clear();
            }
            ControlKind::Sign => return self.of_promise(clause, capital(&control.words)),
            ControlKind::Remind => {
                shown.how = Known::Promised;
                "People are reminded; nothing shows what they do then".clone_into(&mut shown.evidence);
                shown.href.clear();
            }
            _ => shown.href.clear(),
        }
        shown
    }

    fn of_promise(&self, clause: &ClauseView, words: String) -> ControlShown {
        let promise = self.promises.get(&clause.id.policy);
        ControlShown {
            words,
            keeper: "By agreement".to_owned(),
            how: Known::Promised,
            evidence: promise.map(|promise| promise.words(self.counts_only)).unwrap_or_default(),
            href: format!("/policies/{}/{}/evidence?of=sign", clause.id.policy, clause.id.clause),
        }
    }

    fn of_keeper(&self, ctx: &Ctx, keeper: &str) -> ControlShown {
        let until = self.statements.get(keeper);
        let (how, evidence) = match until {
            Some(until) => (Known::Checked, format!("Stated, and good until {}", ctx.moments().until(*until))),
            None => (Known::Nobody, "Nobody has said so yet, or it was too long ago".to_owned()),
        };
        ControlShown {
            words: format!("Kept by {keeper}"),
            keeper: "Outside this program".to_owned(),
            how,
            evidence,
            href: String::new(),
        }
    }

    fn decided(&self, control: &ControlId) -> String {
        let number = self.decisions.get(&control.to_string());
        let decisions = number.map_or(0, |number| number.decisions);
        let times = if self.counts_only {
            match decisions {
                0 => "Not needed".to_owned(),
                some => format!("Acted {} times", small_hidden(some)),
            }
        } else {
            match decisions {
                0 => "Not needed".to_owned(),
                1 => "Acted once".to_owned(),
                some => format!("Acted {some} times"),
            }
        };
        format!("{times} in the last {DAYS} days")
    }

    fn requested(&self, control: &ControlId) -> String {
        let (decided, all) = self.requests.get(control).copied().unwrap_or_default();
        if self.counts_only {
            let all = u64::try_from(all).unwrap_or(u64::MAX);
            return format!("Requests in the last {DAYS} days: {}", small_hidden(all));
        }
        match all {
            0 => format!("Nobody asked in the last {DAYS} days"),
            all => format!("{decided} of {} decided in the last {DAYS} days", counted(all, "request", "requests")),
        }
    }
}

/// Why no number is kept of what a web control does, where none is: "not needed" would be untrue.
pub(crate) fn uncounted(ctx: &Ctx, control: &ControlId) -> Option<&'static str> {
    let program = &ctx.in_force.built.compiled.program;
    let rules: Vec<&WebRule> = program.rules.iter().filter(|rule| &rule.control == control).collect();
    let is_locked = |rule: &&WebRule| match &rule.target {
        Target::Category(name) => program.marks.locked.contains(name),
        _ => false,
    };
    if rules.is_empty() {
        None
    } else if rules.iter().all(is_locked) {
        Some("Refused for everybody; no record of such a visit leads to a rule, a site or a person")
    } else if rules.iter().all(|rule| rule.verdict.is_none()) {
        Some("Holds for what is open; no count is kept of it")
    } else {
        None
    }
}

async fn requests(ctx: &Ctx) -> Result<BTreeMap<ControlId, (usize, usize)>, Failure> {
    let store = ctx.app.control.store();
    let since = ctx.now - SignedDuration::from_hours(24 * DAYS);
    let mut requests: BTreeMap<ControlId, (usize, usize)> = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.case_list_open(None, after.as_deref(), CASES_PAGE).await.map_err(from_records)?;
        for file in &page.items {
            // Newest first: all others are older still.
            if file.case.opened_at < since {
                return Ok(requests);
            }
            let counts = requests.entry(file.case.pin.control.clone()).or_default();
            counts.1 += 1;
            if !matches!(file.case.state, CaseState::Open | CaseState::Withdrawn) {
                counts.0 += 1;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(requests);
        }
    }
}

async fn promises(ctx: &Ctx) -> Result<BTreeMap<PolicyId, Promise>, Failure> {
    let store = ctx.app.control.store();
    let people = store.person_active(ctx.now).await.map_err(from_records)?;
    let versions = store.signature_versions().await.map_err(from_records)?;
    let compiled = &ctx.in_force.built.compiled;
    let mut promises: BTreeMap<PolicyId, Promise> = BTreeMap::new();
    let mut seen: BTreeSet<(PolicyId, PersonId)> = BTreeSet::new();
    for agreement in &compiled.agreements {
        let promise = promises.entry(agreement.policy.clone()).or_default();
        for person in &people {
            let of = |capacity| audiences(person, capacity, &compiled.program.groups);
            let asked = |groups: Vec<Group>| is_asked(agreement, &groups);
            let is_asked = person.capacities.iter().any(|capacity| asked(of(*capacity)));
            if !is_asked || !seen.insert((agreement.policy.clone(), person.id.clone())) {
                continue;
            }
            match signed_at(agreement, &person.id, &versions) {
                Some(at) => promise.signed.push((person.id.clone(), at)),
                None => promise.missing.push(person.id.clone()),
            }
        }
    }
    Ok(promises)
}

fn signed_at(
    agreement: &Agreement,
    person: &PersonId,
    versions: &[schoolgate_records::SignedVersion],
) -> Option<Timestamp> {
    let mut of_person = versions.iter().filter(|one| &one.person == person && one.policy == agreement.policy);
    of_person.find(|one| one.version == agreement.version).map(|one| one.at)
}

async fn statements(ctx: &Ctx) -> Result<BTreeMap<String, Timestamp>, Failure> {
    let list = ctx.app.control.store().statement_list().await.map_err(from_records)?;
    let valid = list.into_iter().filter(|one| ctx.now < one.statement.until);
    Ok(valid.map(|one| (one.statement.subject.to_string(), one.statement.until)).collect())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(signed: usize, missing: usize, expected: &str, counts_only: &str) {
        let person = |number: usize| PersonId::new(&format!("p{number}")).unwrap();
        let promise = Promise {
            signed: (0..signed).map(|number| (person(number), Timestamp::UNIX_EPOCH)).collect(),
            missing: (0..missing).map(person).collect(),
        };
        assert_eq!((promise.words(false).as_str(), promise.words(true).as_str()), (expected, counts_only));
    }

    #[test]
    fn a_promise_says_by_whom_and_small_numbers_stay_hidden() {
        check(41, 11, "Promised by 41 of 52", "Promised by 41 of 52");
        check(3, 49, "Promised by 3 of 52", "Promised by fewer than 5 of 52");
        check(50, 2, "Promised by 50 of 52", "Promised by nearly all of 52");
        check(0, 0, "Nobody is asked to agree yet", "Nobody is asked to agree yet");
    }
}
