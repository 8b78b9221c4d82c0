//! What is otherwise for somebody since they last agreed: the words, and what the rules do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schoolgate_base::{ClauseId, Group, PolicyId};
use schoolgate_control::{InForce, built_of};
use schoolgate_policy::Built;
use schoolgate_policy::diff::{About, Consequence, diff, for_holder};
use schoolgate_policy::show::{ClauseChange, ClauseView, PolicyChange, PolicyView, changes, html, show};
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

/// What earlier editions said otherwise. Comparing two takes up to a second, and a staff room signs together: the
/// first to ask compares, and the others wait for it.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    known: Mutex<Known>,
    comparing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// The edition that all the others are compared with.
    in_force: u32,
    by_earlier: BTreeMap<u32, Arc<Comparison>>,
}

#[derive(Debug)]
struct Comparison {
    before: BTreeMap<PolicyId, PolicyView>,
    /// Whom clauses bound, where that was narrower than their policy's audience.
    bound: BTreeMap<ClauseId, Vec<Group>>,
    consequences: Vec<Consequence>,
}

impl Comparisons {
    fn find(&self, in_force: u32, earlier: u32) -> Option<Arc<Comparison>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_earlier.get(&earlier).filter(|_| known.in_force == in_force).cloned()
    }

    fn keep(&self, in_force: u32, earlier: u32, comparison: &Arc<Comparison>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.in_force < in_force {
            *known = Known { in_force, by_earlier: BTreeMap::new() };
        }
        // A page that began before the last adoption keeps nothing.
        if known.in_force == in_force {
            known.by_earlier.insert(earlier, Arc::clone(comparison));
        }
    }

    /// `None` when the earlier edition is no longer kept, or this program can no longer read it.
    async fn load(&self, ctx: &Ctx, earlier: u32) -> Result<Option<Arc<Comparison>>, Failure> {
        let in_force = &ctx.in_force;
        if let Some(known) = self.find(in_force.edition, earlier) {
            return Ok(Some(known));
        }
        let _turn = self.comparing.lock().await;
        if let Some(known) = self.find(in_force.edition, earlier) {
            return Ok(Some(known));
        }
        let Some(edition) = ctx.app.control.edition(earlier).await.map_err(from_control)? else { return Ok(None) };
        let now = Arc::clone(in_force);
        let compare = move || {
            let before = built_of(&edition);
            before.is_fit().then(|| Arc::new(Comparison::new(&before, &now)))
        };
        let comparison = tokio::task::spawn_blocking(compare).await.map_err(internal)?;
        if let Some(comparison) = &comparison {
            self.keep(in_force.edition, earlier, comparison);
        }
        Ok(comparison)
    }
}

/// What is otherwise for a person since an earlier agreement of theirs; `None` when nobody can say any more.
pub(crate) async fn changed_since(ctx: &Ctx, signed: &Signed, before: &Signature) -> Result<Option<Changed>, Failure> {
    let in_force = &ctx.in_force;
    let Some(earlier) = in_force.edition_agreed(&before.policy, &before.version, before.at) else { return Ok(None) };
    let comparison = ctx.app.comparisons.load(ctx, earlier).await?;
    Ok(comparison.and_then(|comparison| comparison.for_person(&before.policy, signed, in_force)))
}

impl Comparison {
    fn new(before: &Built, in_force: &InForce) -> Self {
        let views = before.parsed.documents.iter().filter_map(|document| show(document, &before.compiled));
        // Words, heads and agreements stand on the page in forms of their own.
        let is_effect = |consequence: &Consequence| {
            !matches!(consequence.about, About::Clauses | About::Policies | About::Agreements)
        };
        Self {
            before: views.map(|view| (view.policy.clone(), view)).collect(),
            bound: before.compiled.binds.clone(),
            consequences: diff(before, &in_force.built).into_iter().filter(is_effect).collect(),
        }
    }

    fn was_bound(&self, clause: &ClauseId, signed: &Signed) -> bool {
        self.bound.get(clause).is_none_or(|bound| bound.iter().any(|group| signed.groups.contains(group)))
    }

    fn for_person(&self, policy: &PolicyId, signed: &Signed, in_force: &InForce) -> Option<Changed> {
        let is_bound = |id: &ClauseId| in_force.built.compiled.is_bound(id, &signed.groups);
        let mut before = self.before.get(policy)?.clone();
        let mut now = in_force.view(policy)?.clone();
        // A rule that begins to bind somebody is new to them, whoever else it bound before.
        before.retain_clauses(|clause: &ClauseView| self.was_bound(&clause.id, signed));
        now.retain_clauses(|clause: &ClauseView| is_bound(&clause.id));
        let of_policy = |effect: &&Consequence| effect.clause.as_ref().is_some_and(|clause| clause.policy == *policy);
        let effects = for_holder(&self.consequences, &signed.groups, &signed.roles);
        let effects = effects.into_iter().filter(of_policy).cloned().collect();
        Some(Changed { words: changes(&before, &now), effects })
    }
}
