//! Tries every neighbour of a pack against its scenarios.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use schoolgate_base::ControlKind;
use schoolgate_policy::scenario::Suite;
use schoolgate_policy::{Built, Mutant, heads, mutants, turned, without_clause};

use schoolgate_coverage::pack::Source;

/// What became of all neighbours.
pub(crate) struct Proof {
    pub(crate) tried: Vec<Tried>,
    /// Parts of heads of documents, each with whether a scenario fails without it.
    pub(crate) heads: Vec<HeadTried>,
    /// Clauses (`policy#clause`) without which a scenario fails.
    pub(crate) clauses: BTreeSet<String>,
}

pub(crate) struct Tried {
    pub(crate) control: String,
    pub(crate) clause: String,
    pub(crate) kind: ControlKind,
    pub(crate) what: String,
    pub(crate) is_gone: bool,
    /// The scenario that fails.
    pub(crate) killed_by: Option<String>,
}

pub(crate) struct HeadTried {
    pub(crate) policy: String,
    pub(crate) what: String,
    pub(crate) is_killed: bool,
}

pub(crate) fn prove(source: &Source, built: &Built) -> Proof {
    let suite = Suite::read(&source.pack);
    let all = mutants(built);
    let tried = in_parallel(&all, |mutant| try_one(mutant, built, &suite));
    let heads = in_parallel(&heads(built), |head| HeadTried {
        policy: head.policy.clone(),
        what: head.what.to_owned(),
        is_killed: suite.first_failure(&head.built, &head.policy).is_some(),
    });
    let names: Vec<(String, String)> = built
        .parsed
        .documents
        .iter()
        .flat_map(|document| {
            let policy = &document.front.policy.text;
            document.clauses.iter().map(move |clause| (policy.clone(), clause.id.text.clone()))
        })
        .collect();
    let shown = in_parallel(&names, |(policy, clause)| {
        let fails = suite.naming(clause) > 0
            && without_clause(built, policy, clause).is_some_and(|other| suite.first_failure(&other, clause).is_some());
        fails.then(|| format!("{policy}#{clause}"))
    });
    Proof { tried, heads, clauses: shown.into_iter().flatten().collect() }
}

fn try_one(mutant: &Mutant, built: &Built, suite: &Suite<'_>) -> Tried {
    let killed_by = match turned(built, mutant) {
        Some(other) => suite.first_failure(&other, &mutant.clause_id),
        None => None,
    };
    Tried {
        control: mutant.id.clone(),
        clause: format!("{}#{}", mutant.policy, mutant.clause_id),
        kind: mutant.kind,
        is_gone: mutant.is_gone(),
        what: mutant.what.clone(),
        killed_by,
    }
}

/// Maps over all cores, in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = map(item);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
