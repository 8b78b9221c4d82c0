use proptest::prelude::*;
use schoolgate_base::Calendar;

use super::*;
use crate::testing::{calendar, offices, person, roles};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn dates(texts: &[&str]) -> Vec<Date> {
    texts.iter().map(|text| date(text)).collect()
}

fn duty(falls: Falls) -> DutyDefinition {
    DutyDefinition {
        control: "staff-ict#filter-test/duty".parse().unwrap(),
        version: "2.9".into(),
        kind: "filter-test".into(),
        title: "Test the filter".into(),
        clause: ClauseText::default(),
        who: roles(&["it-technician"]),
        each: Vec::new(),
        falls,
        done: None,
        warn: None,
        tell: vec![Party::Role(Role::new("headteacher")), Party::Them],
        keep: None,
        erases: None,
    }
}

fn every(text: &str) -> Falls {
    Falls::Every(text.parse().unwrap())
}

fn upon(within: &str) -> Falls {
    Falls::Upon { occasion: Occasion::Event("trip".into()), within: within.parse().unwrap() }
}

fn before(within: Option<&str>) -> Falls {
    Falls::Before { event: "home-visit".into(), within: within.map(|text| text.parse().unwrap()) }
}

fn at_noon<'a>(calendar: &'a Calendar, day: &str) -> Moment<'a> {
    Moment { now: format!("{day}T12:00:00Z").parse().unwrap(), calendar, periods: &[] }
}

/// Since 2 September 2026, looked at on `today`: `state due`.
#[track_caller]
fn check(duty: &DutyDefinition, today: &str, done: &[&str], occasions: &[&str], expected: &str) {
    let calendar = calendar();
    let facts = DutyFacts { since: date("2026-09-02"), done: dates(done), occasions: dates(occasions) };
    let found = look_at(duty, &facts, at_noon(&calendar, today));
    let due = found.due.map_or("never".to_owned(), |due| due.to_string());
    assert_eq!(format!("{:?} {due}", found.state), expected);
}

#[test]
fn what_comes_round_is_due_a_turn_after_it_was_done() {
    let daily = duty(every("school day"));
    check(&daily, "2026-12-11", &["2026-12-01"], &[], "Late 2026-12-02");
    check(&daily, "2026-12-02", &["2026-12-01"], &[], "Soon 2026-12-02");
    check(&daily, "2026-12-01", &["2026-12-01"], &[], "Done 2026-12-02");
    check(&daily, "2026-12-11", &[], &[], "Late 2026-09-02");
    let termly = DutyDefinition { warn: Some("2 weeks".parse().unwrap()), ..duty(every("term")) };
    check(&termly, "2026-11-10", &[], &[], "Open 2026-12-18");
    check(&termly, "2026-12-05", &[], &[], "Soon 2026-12-18");
    check(&termly, "2026-12-05", &["2026-11-01"], &[], "Done 2027-04-18");
    // What somebody says they will have done is not done yet.
    check(&daily, "2026-12-02", &["2026-12-01", "2027-01-01"], &[], "Soon 2026-12-02");
}

#[test]
fn a_day_of_the_year_wants_something_done_in_the_year_before_it() {
    let yearly = duty(Falls::By("31 July".parse().unwrap()));
    check(&yearly, "2026-12-01", &[], &[], "Open 2027-07-31");
    check(&yearly, "2027-08-01", &[], &[], "Late 2027-07-31");
    check(&yearly, "2027-06-01", &["2027-05-01"], &[], "Done 2028-07-31");
    check(&yearly, "2027-06-02", &["2027-05-01", "2027-06-01"], &[], "Done 2028-07-31");
    check(&yearly, "2027-08-10", &["2027-08-05"], &[], "Done 2028-07-31");
}

#[test]
fn each_occasion_needs_a_doing_of_its_own() {
    let twice = duty(upon("2 weeks"));
    check(&twice, "2026-12-01", &[], &[], "Idle never");
    check(&twice, "2026-12-01", &[], &["2026-11-20"], "Open 2026-12-04");
    check(&twice, "2026-12-04", &[], &["2026-11-20"], "Soon 2026-12-04");
    check(&twice, "2026-12-05", &[], &["2026-11-20"], "Late 2026-12-04");
    check(&twice, "2026-12-05", &["2026-11-19"], &["2026-11-20"], "Late 2026-12-04");
    check(&twice, "2026-12-05", &["2026-11-20"], &["2026-11-20"], "Done never");
    check(&twice, "2026-12-05", &["2026-11-25"], &["2026-11-20", "2026-11-24"], "Open 2026-12-08");
    check(&twice, "2026-12-01", &[], &["2026-12-24"], "Idle never");
    check(&twice, "2026-12-01", &[], &["2026-08-24"], "Idle never");
}

#[test]
fn before_an_event_it_is_done_in_its_time() {
    let visit = duty(before(Some("2 days")));
    check(&visit, "2026-12-01", &[], &[], "Idle never");
    check(&visit, "2026-12-01", &[], &["2026-12-10"], "Open 2026-12-10");
    check(&visit, "2026-12-08", &[], &["2026-12-10"], "Soon 2026-12-10");
    check(&visit, "2026-12-08", &["2026-12-01"], &["2026-12-10"], "Soon 2026-12-10");
    check(&visit, "2026-12-09", &["2026-12-09"], &["2026-12-10"], "Done never");
    check(&visit, "2026-12-12", &["2026-12-11"], &["2026-12-10"], "Late 2026-12-10");
    let any = duty(before(None));
    check(&any, "2026-12-09", &["2026-09-09"], &["2026-12-10"], "Done never");
    check(&any, "2026-12-09", &["2026-11-09"], &["2026-11-10", "2026-12-10"], "Open 2026-12-10");
}

#[test]
fn it_falls_to_holders_or_their_deputies_or_everybody_of_a_group() {
    let people: BTreeMap<PersonId, BTreeSet<Group>> = [
        (person("tess"), [Group::new("staff"), Group::new("teachers")].into()),
        (person("pia"), [Group::new("pupil")].into()),
    ]
    .into();
    let names = |found: BTreeSet<PersonId>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let one = duty(every("week"));
    assert_eq!(names(falls_to(&one, &offices(), &people)), ["ivy"]);
    let mut deputised = offices();
    deputised.add(Role::new("it-technician"), person("tess"), true);
    assert_eq!(names(falls_to(&one, &deputised, &people)), ["ivy"]);
    assert_eq!(names(falls_to(&one, &deputised.without(&person("ivy")), &people)), ["tess"]);
    let each = DutyDefinition { who: Vec::new(), each: vec![Group::new("staff")], ..one.clone() };
    let them = falls_to(&each, &offices(), &people);
    assert_eq!(names(told_when_late(&each, &offices(), &them)), ["helen", "tess"]);
}

prop_compose! {
    fn some_day()(ahead in 0..400i64) -> Date {
        date("2026-09-02").checked_add(jiff::Span::new().days(ahead)).unwrap()
    }
}

fn some_falls() -> impl Strategy<Value = Falls> {
    prop_oneof![
        prop_oneof![Just("school day"), Just("2 weeks"), Just("month"), Just("term"), Just("year")].prop_map(every),
        Just(upon("2 weeks")),
        Just(before(Some("3 days"))),
        Just(before(None)),
        Just(Falls::By("31 July".parse().unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn doing_it_today_never_leaves_more_to_do(
        falls in some_falls(),
        done in proptest::collection::vec(some_day(), 0..4),
        occasions in proptest::collection::vec(some_day(), 0..3),
        today in some_day(),
    ) {
        let calendar = calendar();
        let (duty, now) = (duty(falls), at_noon(&calendar, &today.to_string()));
        let before = DutyFacts { since: date("2026-09-02"), done, occasions };
        let mut after = before.clone();
        after.done.push(today);
        let (before, after) = (look_at(&duty, &before, now), look_at(&duty, &after, now));
        prop_assert!(before.due.is_some() || after.due.is_none());
        if let (Some(before), Some(after)) = (before.due, after.due) {
            prop_assert!(before <= after, "{before} {after}");
        }
    }

    #[test]
    fn late_is_what_is_due_on_a_day_that_is_over(
        falls in some_falls(),
        done in proptest::collection::vec(some_day(), 0..4),
        occasions in proptest::collection::vec(some_day(), 0..3),
        today in some_day(),
    ) {
        let calendar = calendar();
        let facts = DutyFacts { since: date("2026-09-02"), done, occasions };
        let found = look_at(&duty(falls), &facts, at_noon(&calendar, &today.to_string()));
        prop_assert_eq!(found.state == DutyState::Late, found.due.is_some_and(|due| due < today));
        prop_assert!(found.state != DutyState::Idle || found.due.is_none());
    }
}
