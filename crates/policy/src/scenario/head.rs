//! Scenarios about the head of a document: whose it is, and when it has to be looked at again.

use jiff::civil::Date;
use schoolgate_base::Role;

use super::Scenario;
use super::given::{Given, dated};
use super::outcome::{Day, Outcome, People, Thing, Vocabulary, judge};
use super::read::pieces;
use super::web::Failures;
use super::world::World;
use crate::compile::PolicyHead;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["owned by", "adopted by", "author", "answers to", "told"],
    days: &["due", "adopted on", "published on"],
    things: &[("related to", Thing::Words), ("consulted", Thing::Words), ("was", Thing::Words)],
    states: &["overdue"],
    texts: &[],
    help: "write `Then overdue`, `Then due 2027-09-21`, `Then owned by headteacher`, `Then adopted by …`, \
           `Then author …`, `Then answers to …`, `Then related to \"…\"`, `Then was 2.8 on 2023-01-01`, \
           `Then consulted staff` or `Then told headteacher`",
};

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
    let world = &given.world;
    let today = world.compiled.school.calendar.local(given.now).date();
    judge(scenario, world, &VOCABULARY, findings, || outcome(scenario, head, today, world))
}

fn outcome(scenario: &Scenario, head: &PolicyHead, today: Date, world: &World<'_>) -> Outcome {
    let is_overdue = head.review_by.is_some_and(|due| due <= today);
    let heads = || head.owner.iter().chain(&head.responsible).chain(&head.adopted_by);
    let titles = head.related.iter().map(|title| ("related to", title.to_string(), None));
    let asked = head.consulted.iter().map(|(_, who)| ("consulted", who.to_string(), None));
    let versions = days_asked_about(scenario).into_iter().filter_map(|day| {
        let version = in_force(head, day)?;
        Some(("was", format!("{version} on {day}"), None))
    });
    Outcome {
        people: vec![
            ("owned by", offices(head.owner.iter(), world)),
            ("adopted by", offices(head.adopted_by.iter(), world)),
            ("author", offices(head.author.iter(), world)),
            ("answers to", offices(head.responsible.iter(), world)),
            // Who hears that the review is overdue.
            ("told", offices(heads().filter(|_| is_overdue), world)),
        ],
        days: vec![
            ("due", head.review_by.map(Day::Whole)),
            ("adopted on", head.adopted.map(Day::Whole)),
            ("published on", head.published.map(Day::Whole)),
        ],
        things: titles.chain(asked).chain(versions).collect(),
        states: Vec::from_iter(is_overdue.then(|| "overdue".to_owned())),
        ..Outcome::default()
    }
}

fn offices<'r>(roles: impl Iterator<Item = &'r Role>, world: &World<'_>) -> People {
    let mut people = People::default();
    for role in roles {
        let holders = world.offices.of_role(role).iter();
        people.persons.extend(holders.map(|holder| (holder.person.clone(), Some(role.clone()))));
        people.roles.insert(role.clone());
    }
    people
}

/// The days of `was 2.8 on 2023-01-01`.
fn days_asked_about(scenario: &Scenario) -> Vec<Date> {
    let parts = scenario.then.iter().flat_map(pieces);
    parts.filter(|part| part.text.contains("was ")).filter_map(|part| dated(&part.text).0).collect()
}

/// The version that was in force on a day.
fn in_force(head: &PolicyHead, day: Date) -> Option<&str> {
    if head.adopted.or(head.published).is_some_and(|since| since <= day) {
        return Some(&head.version);
    }
    let past = head.history.iter().filter(|(since, _)| *since <= day);
    past.max_by_key(|(since, _)| *since).map(|(_, version)| &**version)
}
