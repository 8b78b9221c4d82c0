//! Scenarios about the head of a document: whose it is, and when it has to be looked at again.

use jiff::civil::Date;
use schoolgate_base::Role;

use super::Scenario;
use super::given::{Given, dated};
use super::read::{piece, pieces};
use super::web::Failures;
use super::world::{Name, not_understood};
use crate::compile::PolicyHead;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

const THEN: &str = "write `Then overdue`, `Then due 2027-09-21`, `Then owned by headteacher`, `Then adopted by …`, \
                    `Then author …`, `Then answers to …`, `Then related to \"…\"`, `Then was 2.8 on 2023-01-01`, \
                    `Then consulted staff` or `Then told headteacher`";

/// The policy that a sentence looks up: "staff-ict is looked up".
pub(super) fn policy_of<'g>(when: &Word, given: &Given<'g>) -> Option<&'g PolicyHead> {
    let name = when.text.strip_suffix(" is looked up")?;
    given.world.compiled.policies.iter().find(|head| head.id.as_str() == name.trim())
}

/// Runs a scenario; `None` when a sentence is not understood.
pub(super) fn run(
    scenario: &Scenario,
    head: &PolicyHead,
    given: &Given<'_>,
    findings: &mut Findings,
) -> Option<Failures> {
    let before = findings.len();
    let today = given.world.compiled.school.calendar.local(given.now).date();
    let mut failed = Failures::new();
    for line in &scenario.then {
        let mut verb = "";
        for part in pieces(line) {
            let text = part.text.trim();
            let found = VERBS.iter().find_map(|name| Some((*name, text.strip_prefix(name)?)));
            let (current, rest) = found.unwrap_or((verb, text));
            verb = current;
            match holds(current, &piece(&part, rest), head, today, given) {
                Some(true) => {}
                Some(false) => failed.push((part.span, part.text.clone(), words(head, today))),
                None => findings.push(not_understood(&part, THEN)),
            }
        }
    }
    (before == findings.len()).then_some(failed)
}

const VERBS: [&str; 12] = [
    "overdue",
    "not overdue",
    "owned by ",
    "adopted by ",
    "adopted on ",
    "published on ",
    "author ",
    "answers to ",
    "due ",
    "related to ",
    "consulted ",
    "told ",
];

fn holds(verb: &str, rest: &Word, head: &PolicyHead, today: Date, given: &Given<'_>) -> Option<bool> {
    let text = rest.text.trim().trim_matches('"');
    let (verb, text) = if text.starts_with("was ") { ("", text) } else { (verb, text) };
    let role = || match given.world.look_up(text) {
        Some(Name::Role(role)) => Some(role),
        _ => None,
    };
    if let Some(past) = text.strip_prefix("was ").filter(|_| verb.is_empty()) {
        let (version, day) = past.split_once(" on ")?;
        return Some(in_force(head, dated(day).0?) == Some(version.trim()));
    }
    Some(match verb {
        "overdue" => is_overdue(head, today),
        "not overdue" => !is_overdue(head, today),
        "owned by " => head.owner == Some(role()?),
        "adopted by " => head.adopted_by.contains(&role()?),
        "adopted on " => head.adopted == Some(dated(text).0?),
        "published on " => head.published == Some(dated(text).0?),
        "author " => head.author == Some(role()?),
        "answers to " => head.responsible.contains(&role()?),
        "due " => head.review_by == Some(dated(text).0?),
        "related to " => head.related.iter().any(|title| **title == *text),
        "consulted " => head.consulted.iter().any(|(_, who)| **who == *text),
        "told " => told(head, today).contains(&&role()?),
        _ => return None,
    })
}

fn is_overdue(head: &PolicyHead, today: Date) -> bool {
    head.review_by.is_some_and(|due| due <= today)
}

/// Who hears that the review is overdue.
fn told(head: &PolicyHead, today: Date) -> Vec<&Role> {
    if !is_overdue(head, today) {
        return Vec::new();
    }
    head.owner.iter().chain(&head.responsible).chain(&head.adopted_by).collect()
}

/// The version that was in force on a day.
fn in_force(head: &PolicyHead, day: Date) -> Option<&str> {
    if head.adopted.or(head.published).is_some_and(|since| since <= day) {
        return Some(&head.version);
    }
    let past = head.history.iter().filter(|(since, _)| *since <= day);
    past.max_by_key(|(since, _)| *since).map(|(_, version)| &**version)
}

fn words(head: &PolicyHead, today: Date) -> String {
    let due = head.review_by.map_or_else(|| "no review".to_owned(), |due| format!("review due {due}"));
    let late = if is_overdue(head, today) { ", overdue" } else { "" };
    let owner = head.owner.as_ref().map_or_else(String::new, |owner| format!(", owned by {owner}"));
    format!("version {}, {due}{late}{owner}", head.version)
}
