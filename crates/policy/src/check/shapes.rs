//! Which rules about things can meet at all: rules that say the same are one shape, and shapes whose marks of one aspect
//! have nothing in common are never compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schoolgate_base::{ControlId, ControlKind};
use schoolgate_decide::things::{Aspect, ThingRule};

use super::things::{Placed, aspects};

/// So many pairs of rules are compared, a few seconds' worth; a real pack has some ten thousand.
pub(super) const PAIRS_MAX: usize = 2_000_000;

/// Rules that say the same of the same.
pub(super) type Shape<'a> = Vec<Placed<'a>>;

/// Rules by what they say. One that goes over another, or that another goes over, stands for itself.
pub(super) fn shapes<'a>(rules: &[Placed<'a>], overruled: &BTreeSet<&ControlId>) -> Vec<Shape<'a>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut shapes: Vec<Shape<'a>> = Vec::new();
    for rule in rules {
        let said = rule.0;
        let is_plain = said.over.is_empty() && !overruled.contains(&said.control);
        let alone = (!is_plain).then_some(&said.control);
        let key = format!("{:?}", (said.control.kind, &said.scope, &said.conditions, said.action, alone));
        let place = *places.entry(key).or_insert(shapes.len());
        match shapes.get_mut(place) {
            Some(shape) => shape.push(*rule),
            None => shapes.push(vec![*rule]),
        }
    }
    shapes
}

/// Gives `compare` every two shapes of one kind that can meet, as far as marks of one aspect tell; `false` where there
/// are too many.
pub(super) fn candidates(shapes: &[Shape<'_>], compare: &mut dyn FnMut(&[Placed<'_>], &[Placed<'_>])) -> bool {
    let mut index = MarkIndex::default();
    let mut taken = 0_usize;
    for (place, shape) in shapes.iter().enumerate() {
        let Some((rule, _)) = shape.first() else { continue };
        let earlier = index.near(rule);
        taken = taken.saturating_add(earlier.len());
        if PAIRS_MAX < taken {
            return false;
        }
        for other in earlier.into_iter().filter_map(|place| shapes.get(place)) {
            compare(other, shape);
        }
        index.insert(place, rule);
    }
    true
}

/// Aspects by which shapes are told apart. Not those of parties: groups include each other, so that two words may mean
/// the same person.
const INDEXED: [Aspect; 10] = [
    Aspect::By,
    Aspect::Contains,
    Aspect::Attached,
    Aspect::Is,
    Aspect::In,
    Aspect::Does,
    Aspect::Shows,
    Aspect::System,
    Aspect::Blocked,
    Aspect::Visited,
];

/// Shapes by kind and by the marks of each aspect.
#[derive(Default)]
struct MarkIndex<'a> {
    of_kind: BTreeMap<ControlKind, Vec<usize>>,
    marked: HashMap<(ControlKind, Aspect, &'a str), Vec<usize>>,
    /// Those that say nothing of an aspect, and so fit whatever its marks are.
    silent: HashMap<(ControlKind, Aspect), Vec<usize>>,
}

impl<'a> MarkIndex<'a> {
    fn insert(&mut self, place: usize, rule: &'a ThingRule) {
        let kind = rule.control.kind;
        self.of_kind.entry(kind).or_default().push(place);
        for aspect in INDEXED {
            match aspects(rule).find(|(named, _)| *named == aspect) {
                None => self.silent.entry((kind, aspect)).or_default().push(place),
                Some((_, marks)) => {
                    for mark in marks {
                        self.marked.entry((kind, aspect, mark)).or_default().push(place);
                    }
                }
            }
        }
    }

    /// Those that can meet a rule, by the aspect that leaves the fewest.
    fn near(&self, rule: &ThingRule) -> Vec<usize> {
        let kind = rule.control.kind;
        let by_aspect = aspects(rule).filter(|(aspect, _)| INDEXED.contains(aspect)).map(|(aspect, marks)| {
            let marked = marks.iter().filter_map(move |mark| self.marked.get(&(kind, aspect, &**mark)));
            let found: Vec<&Vec<usize>> = marked.chain(self.silent.get(&(kind, aspect))).collect();
            (found.iter().map(|places| places.len()).sum::<usize>(), found)
        });
        let Some((_, found)) = by_aspect.min_by_key(|(count, _)| *count) else {
            return self.of_kind.get(&kind).cloned().unwrap_or_default();
        };
        let near: BTreeSet<usize> = found.into_iter().flatten().copied().collect();
        near.into_iter().collect()
    }
}
