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

/// Shapes by kind and by the marks of each aspect.
#[derive(Default)]
struct MarkIndex<'a> {
    of_kind: BTreeMap<ControlKind, Vec<usize>>,
    marked: HashMap<(ControlKind, Aspect, &'a str), Vec<usize>>,
    naming: HashMap<(ControlKind, Aspect), BTreeSet<usize>>,
}

impl<'a> MarkIndex<'a> {
    /// Groups include each other, so that two words of parties may mean the same person.
    fn is_indexed(aspect: Aspect) -> bool {
        !matches!(aspect, Aspect::From | Aspect::To)
    }

    fn insert(&mut self, place: usize, rule: &'a ThingRule) {
        let kind = rule.control.kind;
        self.of_kind.entry(kind).or_default().push(place);
        for (aspect, marks) in aspects(rule).filter(|(aspect, _)| Self::is_indexed(*aspect)) {
            self.naming.entry((kind, aspect)).or_default().insert(place);
            for mark in marks {
                self.marked.entry((kind, aspect, mark)).or_default().push(place);
            }
        }
    }

    /// Those that can meet a rule, by the aspect that leaves the fewest.
    fn near(&self, rule: &ThingRule) -> Vec<usize> {
        let kind = rule.control.kind;
        let all = self.of_kind.get(&kind).map_or(&[][..], Vec::as_slice);
        let by_aspect = aspects(rule).filter(|(aspect, _)| Self::is_indexed(*aspect)).map(|(aspect, marks)| {
            let naming = self.naming.get(&(kind, aspect)).map_or(0, BTreeSet::len);
            let with = |mark: &str| self.marked.get(&(kind, aspect, mark)).map_or(0, Vec::len);
            (all.len() - naming + marks.iter().map(|mark| with(mark)).sum::<usize>(), aspect, marks)
        });
        let Some((_, aspect, marks)) = by_aspect.min_by_key(|(count, ..)| *count) else { return all.to_vec() };
        let naming = self.naming.get(&(kind, aspect));
        let silent = all.iter().filter(|place| naming.is_none_or(|naming| !naming.contains(place)));
        let marked = marks.iter().filter_map(|mark| self.marked.get(&(kind, aspect, &**mark))).flatten();
        let near: BTreeSet<usize> = silent.chain(marked).copied().collect();
        near.into_iter().collect()
    }
}
