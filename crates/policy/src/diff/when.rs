//! Times in words: nothing for all of them, the name of a period where they are exactly one, else days and hours.

use std::collections::BTreeMap;

use schoolgate_decide::snapshot::Program;

use crate::overlap::{Clock, Times, both, either, without};

/// The names that times have in either edition.
pub(super) struct Calendar {
    pub(super) clock: Clock,
    periods: BTreeMap<Box<str>, Times>,
}

impl Calendar {
    pub(super) fn new(before: &Program, after: &Program) -> Self {
        let periods = before.periods.values().chain(after.periods.values());
        let clock = Clock::of_all(&[&before.calendar, &after.calendar], periods);
        // A name means what it means now; one that means something else than before is no name for either.
        let mut named: BTreeMap<Box<str>, Times> =
            after.periods.iter().map(|(name, period)| (name.clone(), clock.of(period))).collect();
        for (name, period) in &before.periods {
            let times = clock.of(period);
            match named.get(name) {
                Some(now) if *now != times => drop(named.remove(name)),
                Some(_) => {}
                None => drop(named.insert(name.clone(), times)),
            }
        }
        Self { clock, periods: named }
    }

    /// " in lessons", " outside working time", or nothing for all the time.
    pub(super) fn words(&self, times: &Times) -> String {
        let always = self.clock.always();
        if *times == always {
            return String::new();
        }
        let named = |wanted: &Times| self.periods.iter().find(|(_, period)| *period == wanted).map(|(name, _)| name);
        if let Some(name) = named(times) {
            return format!(" {}", inside(name));
        }
        if let Some(name) = named(&without(&always, times)) {
            return format!(" outside {}", plain(name));
        }
        self.of_two(times).unwrap_or_else(|| format!(" on {}", self.clock.stretches(times)))
    }

    fn of_two(&self, times: &Times) -> Option<String> {
        for (one, first) in &self.periods {
            for (other, second) in self.periods.iter().filter(|(other, _)| *other != one) {
                if without(first, second) == *times {
                    return Some(format!(" {} but outside {}", inside(one), plain(other)));
                }
                if either(first, second) == *times {
                    return Some(format!(" {} and {}", inside(one), inside(other)));
                }
                if both(first, second) == *times {
                    return Some(format!(" {} as far as they are {}", inside(one), inside(other)));
                }
            }
        }
        None
    }
}

fn plain(name: &str) -> String {
    name.replace('-', " ")
}

/// As people say it: at lunch, in lessons.
fn inside(name: &str) -> String {
    let is_moment = ["lunch", "break", "night", "home", "weekend"].iter().any(|word| name.starts_with(word));
    format!("{} {}", if is_moment { "at" } else { "in" }, plain(name))
}
