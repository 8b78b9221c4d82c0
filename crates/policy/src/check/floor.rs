//! What no edit turns off: illegal content stays locked for everybody, and what is private is not looked into.

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::school::{CategoryEntry, School};
use crate::syntax::reader::Findings;

/// Categories that are locked in every school, by name and by the lists that only hold such sites.
const LOCKED: [&str; 1] = ["illegal"];
const LOCKED_LISTS: [&str; 2] = ["iwf", "ctiru"];
/// Categories that are never looked into in any school.
const PRIVATE: [&str; 4] = ["bank", "health", "legal", "union"];

/// Holds a school's categories to the floor, and to what the rules in force have locked or made private already.
pub(super) fn check(school: &School, before: Option<&School>, findings: &mut Findings) {
    for (name, entry) in &school.categories {
        let earlier = before.and_then(|before| before.categories.get(name));
        let is_listed = entry.lists.iter().any(|list| LOCKED_LISTS.contains(&&**list));
        if !entry.is_locked
            && (LOCKED.contains(&&**name) || is_listed || earlier.is_some_and(|earlier| earlier.is_locked))
        {
            findings.push(lowered(entry.span, &format!("`{name}` must stay locked"), "write `locked = true`"));
        }
        let was_private = earlier.is_some_and(|earlier| earlier.is_never_inspected);
        if !entry.is_never_inspected && (PRIVATE.contains(&&**name) || was_private) {
            let help = "write `never_inspect = true`";
            findings.push(lowered(entry.span, &format!("`{name}` must never be looked into"), help));
        }
        if let Some(list) = earlier.and_then(|earlier| taken_from(earlier, entry)) {
            let message = format!("`{name}` is locked and no longer holds the list `{list}`");
            findings.push(lowered(entry.span, &message, "name the list again in `lists`"));
        }
    }
    let Some(place) = school.categories.values().map(|entry| entry.span).next() else { return };
    for (name, earlier) in before.into_iter().flat_map(|before| &before.categories) {
        if (earlier.is_locked || earlier.is_never_inspected) && !school.categories.contains_key(name) {
            findings.push(lowered(place, &format!("the category `{name}` is gone"), "put it back as it was"));
        }
    }
}

/// A list that a locked category held and does not hold any more.
fn taken_from<'a>(earlier: &'a CategoryEntry, now: &CategoryEntry) -> Option<&'a str> {
    let mut lists = earlier.lists.iter().filter(|_| earlier.is_locked);
    lists.find(|list| !now.lists.contains(list)).map(|list| &**list)
}

fn lowered(place: Span, message: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::FloorLowered, place, message)
        .why("no setting opens illegal content or looks into banks, health, legal advice and unions")
        .help(help)
}
