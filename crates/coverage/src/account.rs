//! What became of each row.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::ControlKind;
use schoolgate_policy::Built;
use schoolgate_policy::scenario::Suite;
use schoolgate_policy::syntax::{Clause, Document};
use serde::Serialize;

use crate::prove::Proof;
use schoolgate_coverage::pack::Source;
use schoolgate_coverage::register::{Row, RowKind};

/// At most so many of a hundred rows only tell.
const INFORMATION_MOST: usize = 8;
/// At least so many of a hundred neighbours of what enforces, detects, approves or routes are noticed.
const KILLED_LEAST: usize = 90;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "lowercase")]
pub(crate) enum Standing {
    Proved,
    Limited {
        why: String,
    },
    Refused {
        why: String,
    },
    Information {
        why: String,
    },
    /// Nobody accounts for it.
    Silent {
        why: String,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct PackAccount {
    pub(crate) pack: String,
    pub(crate) rows: Vec<RowAccount>,
    /// Names in `answers` that the register does not have.
    pub(crate) unknown: Vec<String>,
    pub(crate) neighbours: Option<Neighbours>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RowAccount {
    pub(crate) id: String,
    pub(crate) kind: RowKind,
    /// `policy#clause`, or the policy where its head answers.
    pub(crate) at: Vec<String>,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// How many neighbours scenarios notice, of the controls that answer rows which are turned.
#[derive(Debug, Serialize)]
pub(crate) struct Neighbours {
    pub(crate) tried: usize,
    pub(crate) noticed: usize,
    pub(crate) survivors: Vec<String>,
}

impl PackAccount {
    pub(crate) fn count(&self, is: impl Fn(&Standing) -> bool) -> usize {
        self.rows.iter().filter(|row| is(&row.standing)).count()
    }

    pub(crate) fn is_whole(&self) -> bool {
        let information = self.count(|standing| matches!(standing, Standing::Information { .. }));
        let is_sharp = self.neighbours.as_ref().is_none_or(|all| all.tried * KILLED_LEAST <= all.noticed * 100);
        self.unknown.is_empty()
            && self.count(|standing| matches!(standing, Standing::Silent { .. })) == 0
            && information * 100 <= self.rows.len() * INFORMATION_MOST
            && is_sharp
    }
}

/// A place that answers a row.
enum Place<'a> {
    Head(&'a Document),
    Clause(&'a Document, &'a Clause),
}

impl Place<'_> {
    fn name(&self) -> String {
        match self {
            Self::Head(document) => document.front.policy.text.clone(),
            Self::Clause(document, clause) => format!("{}#{}", document.front.policy.text, clause.id.text),
        }
    }

    fn reason(
        &self,
        row: &str,
        of: fn(&Clause) -> &Vec<(schoolgate_policy::syntax::Word, schoolgate_policy::syntax::Word)>,
    ) -> Option<String> {
        let reasons = match self {
            Self::Head(document) => &document.front.limited,
            Self::Clause(_, clause) => of(clause),
        };
        reasons.iter().find(|(id, _)| id.text == row).map(|(_, why)| why.text.clone())
    }
}

pub(crate) fn account(source: &Source, built: &Built, proof: Option<Proof>) -> PackAccount {
    let places = places(built);
    let suite = Suite::read(&source.pack);
    let witness = Witness { suite: &suite, proof: proof.as_ref(), built };
    let known: BTreeSet<&str> = source.rows.iter().map(|row| row.id.as_str()).collect();
    let rows = source.rows.iter().map(|row| {
        let here = places.get(row.id.as_str()).map_or(&[][..], Vec::as_slice);
        RowAccount {
            id: row.id.clone(),
            kind: row.kind,
            at: here.iter().map(Place::name).collect(),
            standing: standing(row, here, &witness),
        }
    });
    let rows: Vec<RowAccount> = rows.collect();
    let unknown = places.keys().filter(|id| !known.contains(*id)).map(|id| (*id).to_owned()).collect();
    let neighbours = proof.as_ref().map(|proof| neighbours(&rows, proof));
    PackAccount { pack: source.name.clone(), rows, unknown, neighbours }
}

fn places(built: &Built) -> BTreeMap<&str, Vec<Place<'_>>> {
    let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for document in &built.parsed.documents {
        let front = &document.front;
        for word in front.answers.iter().chain(front.limited.iter().map(|(row, _)| row)) {
            places.entry(&word.text).or_default().push(Place::Head(document));
        }
        for clause in &document.clauses {
            let notes = &clause.notes;
            let reasons = notes.limited.iter().chain(&notes.refused).map(|(row, _)| row);
            let own = clause.controls.iter().flat_map(|control| &control.answers);
            let ids: BTreeSet<&str> =
                notes.answers.iter().chain(reasons).chain(own).map(|word| word.text.as_str()).collect();
            for id in ids {
                places.entry(id).or_default().push(Place::Clause(document, clause));
            }
        }
    }
    places
}

fn standing(row: &Row, places: &[Place<'_>], witness: &Witness<'_>) -> Standing {
    let silent = |why: &str| Standing::Silent { why: why.to_owned() };
    if places.is_empty() {
        return silent("no clause answers it");
    }
    if let Some(why) = places.iter().find_map(|place| place.reason(&row.id, |clause| &clause.notes.refused)) {
        let has_lesser =
            places.iter().any(|place| matches!(place, Place::Clause(_, clause) if !clause.controls.is_empty()));
        return if has_lesser {
            Standing::Refused { why }
        } else {
            silent("it is refused, and nothing lesser is built")
        };
    }
    if let Some(why) = places.iter().find_map(|place| place.reason(&row.id, |clause| &clause.notes.limited)) {
        return Standing::Limited { why };
    }
    if places.iter().any(|place| witness.proves(row, place)) {
        return Standing::Proved;
    }
    let tells = places.iter().find_map(|place| match place {
        Place::Clause(_, clause) if clause.notes.is_information => {
            clause.notes.information.as_ref().map(|why| why.text.clone())
        }
        _ => None,
    });
    if let Some(why) = tells {
        return Standing::Information { why };
    }
    if places.iter().any(|place| witness.is_bound(row, place)) {
        return silent("no scenario fails without its control");
    }
    silent(&format!("no control of its clause is as much as `{}`", row.kind.word()))
}

/// What shows that something holds.
struct Witness<'a> {
    suite: &'a Suite<'a>,
    /// Without it, a scenario that names the clause is believed.
    proof: Option<&'a Proof>,
    built: &'a Built,
}

impl Witness<'_> {
    fn is_bound(&self, row: &Row, place: &Place<'_>) -> bool {
        match place {
            Place::Head(_) => row.kind.is_met_by_head(),
            Place::Clause(document, clause) => {
                relevant(row, clause).next().is_some() || (row.kind == RowKind::Attest && self.is_signed(document))
            }
        }
    }

    fn proves(&self, row: &Row, place: &Place<'_>) -> bool {
        match place {
            Place::Head(document) => row.kind.is_met_by_head() && self.proves_head(document),
            Place::Clause(document, clause) => {
                let name = place.name();
                let by_control = relevant(row, clause).any(|kind| self.proves_control(&name, clause, kind));
                by_control || (row.kind == RowKind::Attest && self.is_signed(document) && self.is_shown(&name, clause))
            }
        }
    }

    fn proves_control(&self, name: &str, clause: &Clause, kind: ControlKind) -> bool {
        match self.proof {
            None => self.suite.naming(&clause.id.text) > 0,
            Some(proof) => proof
                .tried
                .iter()
                .any(|tried| tried.clause == name && tried.kind == kind && tried.is_gone && tried.killed_by.is_some()),
        }
    }

    fn proves_head(&self, document: &Document) -> bool {
        let policy = &document.front.policy.text;
        match self.proof {
            None => true,
            Some(proof) => {
                let mut parts = proof.heads.iter().filter(|tried| tried.policy == *policy).peekable();
                parts.peek().is_some() && parts.all(|tried| tried.is_killed)
            }
        }
    }

    fn is_shown(&self, name: &str, clause: &Clause) -> bool {
        match self.proof {
            None => self.suite.naming(&clause.id.text) > 0,
            Some(proof) => proof.clauses.contains(name),
        }
    }

    /// Whether people agree to the document as a whole.
    fn is_signed(&self, document: &Document) -> bool {
        let policy = &document.front.policy.text;
        self.built.compiled.agreements.iter().any(|agreement| agreement.policy.as_str() == policy)
    }
}

/// The kinds of those controls of a clause that are as much as a row asks for; where a control says which rows it
/// answers, only for those.
fn relevant<'c>(row: &'c Row, clause: &'c Clause) -> impl Iterator<Item = ControlKind> + 'c {
    let answers =
        |words: &[schoolgate_policy::syntax::Word]| words.is_empty() || words.iter().any(|word| word.text == row.id);
    clause
        .controls
        .iter()
        .filter(move |control| answers(&control.answers))
        .map(|control| control.kind)
        .filter(|kind| row.kind.is_met_by(*kind))
}

/// Of the clauses that answer rows whose every word counts.
fn neighbours(rows: &[RowAccount], proof: &Proof) -> Neighbours {
    let turned: Vec<&RowAccount> =
        rows.iter().filter(|row| row.kind.is_turned() && row.standing == Standing::Proved).collect();
    let counts = |clause: &str, kind: ControlKind| {
        turned.iter().any(|row| row.kind.is_met_by(kind) && row.at.iter().any(|at| at == clause))
    };
    let tried: Vec<_> = proof.tried.iter().filter(|tried| counts(&tried.clause, tried.kind)).collect();
    let survivors = tried.iter().filter(|tried| tried.killed_by.is_none());
    let survivors = survivors.map(|tried| format!("{}: {}", tried.control, tried.what));
    let heads = proof.heads.iter().filter(|head| !head.is_killed);
    let heads = heads.map(|head| format!("{}: its head without `{}`", head.policy, head.what));
    let survivors: Vec<String> = survivors.chain(heads).collect();
    let all = tried.len() + proof.heads.len();
    Neighbours { tried: all, noticed: all - survivors.len(), survivors }
}
