//! What is otherwise for somebody since they last agreed: the words, and what the rules do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schoolgate_base::{ClauseId, Group, PolicyId};
use schoolgate_control::InForce;
use schoolgate_policy::Built;
use schoolgate_policy::diff::{About, Consequence, diff, for_holder};
use schoolgate_policy::show::{ClauseChange, PolicyChange, changes, html, show};
use schoolgate_records::Signature;
use serde::Serialize;

use crate::ctx::{Ctx, Signed, from_control};
use crate::failure::{Failure, internal};
use crate::views::agreement::{ChangeShown, EffectShown};

/// What is otherwise for one person; kept with their signature as JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Changed {
    pub(crate) words: PolicyChange,
    /// What the rules of the policy do otherwise.
    pub(crate) effects: Vec<Consequence>,
}

impl Changed {
    /// Changes of the words, for the top of the page.
    pub(crate) fn words_shown(&self) -> Vec<ChangeShown> {
        let shown = |what, number: &String, text: &str, before: &str| ChangeShown {
            what,
            number: number.clone(),
            html: html(text),
            before: html(before),
        };
        let of = |change: &ClauseChange| match change {
            ClauseChange::Added { number, text, .. } => Some(shown("New", number, text, "")),
            ClauseChange::Removed { number, text, .. } => Some(shown("Gone", number, text, "")),
            ClauseChange::Reworded { number, before, after, .. } => Some(shown("Changed", number, after, before)),
            ClauseChange::KeptOtherwise { .. } => None,
        };
        self.words.clauses.iter().filter_map(of).collect()
    }

    /// What the rules do otherwise, for the top of the page.
    pub(crate) fn effects_shown(&self) -> Vec<EffectShown> {
        let of = |effect: &Consequence| EffectShown {
            what: effect.what.clone(),
            before: effect.before.clone(),
            after: effect.after.clone(),
        };
        self.effects.iter().map(of).collect()
    }
}

/// What two editions say otherwise to anybody. Comparing them takes up to a second, and a staff room signs together.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    /// The edition in force that the rest is compared with, and by earlier edition what it said otherwise.
    known: Mutex<(u32, BTreeMap<u32, Arc<Comparison>>)>,
}

#[derive(Debug)]
struct Comparison {
    words: BTreeMap<PolicyId, PolicyChange>,
    /// Whom clauses bind that are gone now, where that was narrower than their policy's audience.
    bound: BTreeMap<ClauseId, Vec<Group>>,
    consequences: Vec<Consequence>,
}

impl Comparisons {
    fn find(&self, in_force: u32, earlier: u32) -> Option<Arc<Comparison>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.get(&earlier).filter(|_| known.0 == in_force).cloned()
    }

    fn keep(&self, in_force: u32, earlier: u32, comparison: &Arc<Comparison>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != in_force {
            *known = (in_force, BTreeMap::new());
        }
        known.1.insert(earlier, Arc::clone(comparison));
    }
}

/// What is otherwise for a person since an earlier agreement of theirs; `None` when its edition is no longer kept.
pub(crate) async fn changed_since(ctx: &Ctx, signed: &Signed, before: &Signature) -> Result<Option<Changed>, Failure> {
    let (in_force, comparisons) = (&ctx.in_force, &ctx.app.comparisons);
    let Some(earlier) = in_force.edition_agreed(&before.policy, &before.version, before.at) else { return Ok(None) };
    if let Some(known) = comparisons.find(in_force.edition, earlier) {
        return Ok(Some(known.for_person(&before.policy, signed, in_force)));
    }
    let Some(built) = ctx.app.control.edition(earlier).await.map_err(from_control)? else { return Ok(None) };
    let now = Arc::clone(in_force);
    let compare = move || Arc::new(Comparison::new(&built, &now));
    let comparison = tokio::task::spawn_blocking(compare).await.map_err(internal)?;
    comparisons.keep(in_force.edition, earlier, &comparison);
    Ok(Some(comparison.for_person(&before.policy, signed, in_force)))
}

impl Comparison {
    fn new(before: &Built, in_force: &InForce) -> Self {
        let mut words = BTreeMap::new();
        for old in before.parsed.documents.iter().filter_map(|document| show(document, &before.compiled)) {
            if let Some(now) = in_force.view(&old.policy) {
                words.insert(old.policy.clone(), changes(&old, now));
            }
        }
        let has_effect = |consequence: &Consequence| {
            !matches!(consequence.about, About::Clauses | About::Policies | About::Agreements)
        };
        let consequences = diff(before, &in_force.built).into_iter().filter(has_effect).collect();
        Self { words, bound: before.compiled.binds.clone(), consequences }
    }

    fn for_person(&self, policy: &PolicyId, signed: &Signed, in_force: &InForce) -> Changed {
        let compiled = &in_force.built.compiled;
        let concerns = |change: &ClauseChange| match change {
            ClauseChange::Added { id, .. }
            | ClauseChange::Reworded { id, .. }
            | ClauseChange::KeptOtherwise { id, .. } => compiled.is_bound(id, &signed.groups),
            ClauseChange::Removed { id, .. } => {
                self.bound.get(id).is_none_or(|bound| bound.iter().any(|group| signed.groups.contains(group)))
            }
        };
        let mut words = self.words.get(policy).cloned().unwrap_or_default();
        words.clauses.retain(concerns);
        let of_policy = |effect: &&&Consequence| effect.clause.as_ref().is_some_and(|clause| clause.policy == *policy);
        let effects = for_holder(&self.consequences, &signed.groups, &signed.roles);
        Changed { words, effects: effects.iter().filter(of_policy).map(|&effect| effect.clone()).collect() }
    }
}
