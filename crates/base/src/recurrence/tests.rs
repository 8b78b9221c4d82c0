use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::*;
use crate::{DateRange, Within};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn school() -> Calendar {
    let range = |first: &str, last: &str| DateRange { first: date(first), last: date(last) };
    Calendar {
        zone: TimeZone::get("Europe/London").unwrap(),
        terms: vec![range("2027-01-05", "2027-03-26"), range("2026-09-02", "2026-12-18")],
        holidays: vec![range("2026-10-26", "2026-10-30")],
        exceptions: BTreeMap::new(),
    }
}

#[test]
fn turns_are_read_and_shown_alike() {
    for text in ["school day", "2 school days", "week", "2 weeks", "month", "term", "3 terms", "year", "3 years", "day"]
    {
        assert_eq!(text.parse::<Recurrence>().unwrap().to_string(), text);
    }
    assert_eq!("1 term".parse::<Recurrence>().unwrap().to_string(), "term");
}

#[test]
fn what_does_not_say_how_often_is_refused() {
    for text in
        ["", "s", "fortnight", "every week", "0 weeks", "101 weeks", "99999999999 weeks", "two weeks", "-1 weeks"]
    {
        assert!(text.parse::<Recurrence>().is_err(), "{text}");
    }
    let error = "fortnight".parse::<Recurrence>().unwrap_err().to_string();
    assert!(error.contains("`fortnight`") && error.contains("`2 weeks`"), "{error}");
}

#[track_caller]
fn check_next(every: &str, done: &str, expected: &str) {
    let next = every.parse::<Recurrence>().unwrap().next(&school(), date(done));
    assert_eq!(next, date(expected), "every {every}, done {done}");
}

#[test]
fn it_is_due_again_one_turn_later() {
    check_next("school day", "2026-12-01", "2026-12-02");
    check_next("school day", "2026-12-04", "2026-12-07");
    check_next("school day", "2026-10-23", "2026-11-02");
    check_next("2 school days", "2026-12-04", "2026-12-08");
    check_next("2 weeks", "2026-12-01", "2026-12-15");
    check_next("month", "2027-01-31", "2027-02-28");
    check_next("3 years", "2028-02-29", "2031-02-28");
}

#[test]
fn a_term_is_done_in_it_or_late_after_it() {
    check_next("term", "2026-11-10", "2027-03-26");
    check_next("term", "2026-12-18", "2027-03-26");
    check_next("term", "2026-12-28", "2027-03-26");
    check_next("term", "2026-08-20", "2026-12-18");
    // The calendar holds no third term yet.
    check_next("2 terms", "2026-11-10", "2027-07-26");
}

#[track_caller]
fn check_first(every: &str, since: &str, expected: &str) {
    let first = every.parse::<Recurrence>().unwrap().first(&school(), date(since));
    assert_eq!(first, date(expected), "every {every}, since {since}");
}

#[test]
fn it_is_due_first_within_one_turn() {
    check_first("school day", "2026-12-01", "2026-12-01");
    check_first("school day", "2026-12-05", "2026-12-07");
    check_first("term", "2026-12-18", "2026-12-18");
    check_first("term", "2026-12-19", "2027-03-26");
    check_first("week", "2026-12-01", "2026-12-08");
}

#[test]
fn a_calendar_without_terms_forgets_nothing() {
    let empty = Calendar { terms: Vec::new(), holidays: Vec::new(), ..school() };
    let next = |every: &str| every.parse::<Recurrence>().unwrap().next(&empty, date("2026-12-01"));
    assert_eq!(next("school day"), date("2026-12-02"));
    assert_eq!(next("term"), date("2027-04-01"));
}

#[test]
fn a_day_of_each_year_is_read_shown_and_found() {
    let july: YearDay = "31 july".parse().unwrap();
    assert_eq!(july.to_string(), "31 July");
    assert_eq!(july.from(date("2026-07-31")), date("2026-07-31"));
    assert_eq!(july.from(date("2026-08-01")), date("2027-07-31"));
    assert_eq!("29 February".parse::<YearDay>().unwrap().of(2027), Some(date("2027-02-28")));
    for text in ["", "31", "31 June", "0 July", "July 31", "31 Julember", "31-07"] {
        assert!(text.parse::<YearDay>().is_err(), "{text}");
    }
}

#[track_caller]
fn check_days(within: &str, day: &str, last: &str, first_before: &str) {
    let within: Within = within.parse().unwrap();
    assert_eq!(within.last_day(&school(), date(day)), date(last), "{within} after {day}");
    assert_eq!(within.first_day_before(&school(), date(day)), date(first_before), "{within} before {day}");
}

#[test]
fn a_length_of_time_is_counted_in_days_both_ways() {
    check_days("2 weeks", "2026-12-01", "2026-12-15", "2026-11-17");
    check_days("1 school day", "2026-12-07", "2026-12-08", "2026-12-04");
    check_days("same day", "2026-12-07", "2026-12-07", "2026-12-07");
    check_days("3 hours", "2026-12-07", "2026-12-07", "2026-12-07");
    check_days("72 hours", "2026-12-07", "2026-12-10", "2026-12-04");
    check_days("6 years", "2026-12-01", "2032-12-01", "2020-12-01");
}
