//! Policies that extend others: whom a clause replaces, and what that leaves of the policy below.
//!
//! A clause that is replaced leaves its document before anything is compiled, shown or signed, so that nothing can
//! speak of a rule that does not hold here. References to it mean the clause that stands in its place.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::reader::Findings;
use crate::syntax::{Document, Part, Word};

/// A clause by the id of its policy and its own.
pub(crate) type ClauseKey = (String, String);

/// Takes replaced clauses out of their documents, and says which clause stands in the place of which.
pub(crate) fn apply(documents: &mut [Document], findings: &mut Findings) -> BTreeMap<ClauseKey, ClauseKey> {
    let extended = Extended::new(documents, findings);
    let found = replacements(documents, &extended, findings);
    for document in documents {
        let policy = document.front.policy.text.clone();
        let gone = |id: &str| found.contains_key(&(policy.clone(), id.to_owned()));
        if document.clauses.iter().any(|clause| gone(&clause.id.text)) {
            take_out(document, &gone);
        }
    }
    found
}

/// Which policy each policy extends.
struct Extended {
    below: BTreeMap<String, String>,
}

impl Extended {
    fn new(documents: &[Document], findings: &mut Findings) -> Self {
        let known: BTreeSet<&str> = documents.iter().map(|document| document.front.policy.text.as_str()).collect();
        let mut below: BTreeMap<String, String> = BTreeMap::new();
        for document in documents {
            let Some(word) = &document.front.extends else { continue };
            if known.contains(word.text.as_str()) {
                below.insert(document.front.policy.text.clone(), word.text.clone());
            } else {
                findings.push(unknown_policy(word, &known));
            }
        }
        let mut extended = Self { below };
        extended.break_circles(documents, findings);
        extended
    }

    /// The policies below one, nearest first; ends where the declaration turns in a circle.
    fn all_below(&self, policy: &str) -> Vec<&str> {
        let mut chain: Vec<&str> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut at = policy;
        while let Some(next) = self.below.get(at).filter(|next| seen.insert(next)) {
            chain.push(next);
            at = next;
        }
        chain
    }

    fn break_circles(&mut self, documents: &[Document], findings: &mut Findings) {
        for document in documents {
            let policy = &document.front.policy.text;
            let circle = self.all_below(policy);
            let Some(at) = circle.iter().position(|name| name == policy) else { continue };
            let names = circle.get(..=at).unwrap_or(&[]).join("` extends `");
            let span = document.front.extends.as_ref().map_or(document.front.span, |word| word.span);
            findings.push(
                Diagnostic::new(Code::ExtendsCycle, span, format!("`{policy}` extends `{names}`"))
                    .why("no policy would be the one that the others build upon")
                    .help("leave `extends` out of one of them"),
            );
            self.below.remove(policy);
        }
    }
}

fn unknown_policy(word: &Word, known: &BTreeSet<&str>) -> Diagnostic {
    let help = match nearest(&word.text, known.iter().copied().filter(|id| !id.is_empty())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a policy of this pack, or add its folder to `extends` of `[school]`".to_owned(),
    };
    Diagnostic::new(Code::UnknownPolicy, word.span, format!("there is no policy `{}`", word.text)).help(help)
}

fn replacements(
    documents: &[Document],
    extended: &Extended,
    findings: &mut Findings,
) -> BTreeMap<ClauseKey, ClauseKey> {
    let mut places: BTreeMap<(&str, &str), (Span, bool)> = BTreeMap::new();
    for document in documents {
        for clause in &document.clauses {
            let key = (document.front.policy.text.as_str(), clause.id.text.as_str());
            places.entry(key).or_insert((clause.id.span, clause.notes.is_locked));
        }
    }
    let mut found: BTreeMap<ClauseKey, ClauseKey> = BTreeMap::new();
    let mut claims: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for document in documents {
        let own = document.front.policy.text.as_str();
        let below = extended.all_below(own);
        for clause in &document.clauses {
            let Some(word) = &clause.notes.replaces else { continue };
            let Some((policy, id)) = target(word, &below) else {
                findings.push(not_extended(word, document));
                continue;
            };
            let Some(((policy, id), (place, is_locked))) = places.get_key_value(&(policy, id)) else {
                let ids = places.keys().filter(|(name, _)| below.contains(name));
                findings.push(unknown_clause(word, ids));
                continue;
            };
            if *is_locked {
                findings.push(locked(word, *place));
            } else if let Some(first) = claims.insert((policy, id), word.span) {
                findings.push(twice(word, first));
            } else {
                let by = (own.to_owned(), clause.id.text.clone());
                found.insert(((*policy).to_owned(), (*id).to_owned()), by);
            }
        }
    }
    found
}

/// `england-2026#phones`, or `#phones` of the policy that is extended directly.
fn target<'w>(word: &'w Word, below: &[&'w str]) -> Option<(&'w str, &'w str)> {
    let (policy, id) = word.text.split_once('#').unwrap_or(("", &word.text));
    let policy = if policy.is_empty() { below.first().copied()? } else { policy };
    below.contains(&policy).then_some((policy, id))
}

fn not_extended(word: &Word, document: &Document) -> Diagnostic {
    let policy = word.text.split_once('#').map_or("england-2026", |(policy, _)| policy);
    let own = &document.front.policy.text;
    let message = format!("`{}` is no clause of a policy that `{own}` extends", word.text);
    Diagnostic::new(Code::UnknownClause, word.span, message)
        .help(format!("write `extends = \"{policy}\"` into the head of this policy, or leave `replaces` out"))
}

fn unknown_clause<'n>(word: &Word, ids: impl Iterator<Item = &'n (&'n str, &'n str)>) -> Diagnostic {
    let names: Vec<String> = ids.map(|(policy, id)| format!("{policy}#{id}")).collect();
    let help = match nearest(&word.text, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a clause of the policy that this one extends".to_owned(),
    };
    Diagnostic::new(Code::UnknownClause, word.span, format!("there is no clause `{}`", word.text)).help(help)
}

fn locked(word: &Word, place: Span) -> Diagnostic {
    Diagnostic::new(Code::LockedWeakened, word.span, format!("`{}` is locked and cannot be replaced", word.text))
        .why("whoever wrote it wants it to hold in every school that takes the policy on")
        .help("leave `replaces` out and write what you demand beside it")
        .other(place, "locked here")
}

fn twice(word: &Word, first: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateName, word.span, format!("two clauses replace `{}`", word.text))
        .help("let one of the two stand in its place")
        .other(first, "the other one")
}

fn take_out(document: &mut Document, gone: &dyn Fn(&str) -> bool) {
    let mut places: Vec<Option<usize>> = Vec::with_capacity(document.clauses.len());
    let mut left = 0;
    for clause in &document.clauses {
        let stays = !gone(&clause.id.text);
        places.push(stays.then_some(left));
        left += usize::from(stays);
    }
    document.clauses.retain(|clause| !gone(&clause.id.text));
    let place = |at: usize| places.get(at).copied().flatten();
    let parts = std::mem::take(&mut document.parts);
    let kept = parts.into_iter().filter_map(|part| match part {
        Part::Clause(at) => place(at).map(Part::Clause),
        part => Some(part),
    });
    document.parts = kept.collect();
}
