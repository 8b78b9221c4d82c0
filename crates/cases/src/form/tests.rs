use jiff::civil::Date;
use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, DateRange};

use super::*;

fn calendar() -> Calendar {
    let date = |text: &str| text.parse::<Date>().unwrap();
    Calendar {
        zone: TimeZone::get("Europe/London").unwrap(),
        terms: vec![DateRange { first: date("2026-09-02"), last: date("2026-12-18") }],
        holidays: Vec::new(),
        exceptions: BTreeMap::new(),
    }
}

/// Tuesday 24 November 2026, 10:10 in London. Shows the answer, or the problem after `!`.
fn answer(kind: FieldKind, text: &str) -> String {
    let calendar = calendar();
    let moment = Moment { now: "2026-11-24T10:10:00Z".parse().unwrap(), calendar: &calendar, periods: &[] };
    let classes = ["class:4A", "class:6B", "class:Year 1"].map(Group::new).into();
    let persons = [PersonId::new("tess.teacher").unwrap()].into();
    let known = Known { classes: &classes, persons: &persons };
    let field = Field { name: "x".into(), label: "The question".into(), help: None, kind, required: true, longest: 60 };
    let longest = "14 days".parse().unwrap();
    let raw = RawValues::from([("x".to_owned(), text.to_owned())]);
    match check_form(&[field], Some(&longest), &raw, known, moment) {
        Ok(values) => match values.get("x").unwrap() {
            Value::Site(site) => site.to_string(),
            Value::Class(group) => group.to_string(),
            Value::Person(person) => person.to_string(),
            Value::Text(text) => text.clone(),
            Value::Until(at) => at.to_string(),
            Value::Choice(choice) => choice.to_string(),
            Value::Tick(ticked) => ticked.to_string(),
            Value::Day(day) => day.to_string(),
            Value::Number(number) => number.to_string(),
        },
        Err(problems) => format!("! {}", problems[0]),
    }
}

#[track_caller]
fn check(kind: FieldKind, text: &str, expected: &str) {
    assert_eq!(answer(kind, text), expected, "{text}");
}

#[track_caller]
fn refused(kind: FieldKind, text: &str, reason: &str) {
    let got = answer(kind, text);
    assert!(got.starts_with('!') && got.contains(reason), "{text}: {got}");
}

#[test]
fn sites_are_hosts_or_addresses() {
    for (text, expected) in [
        ("Bet.Example", "bet.example"),
        ("https://bet.example/", "bet.example"),
        ("HTTPS://tess@bet.example:8443/a/b?name=tess#x", "bet.example/a/b"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
    ] {
        check(FieldKind::Site, text, expected);
    }
    refused(FieldKind::Site, "the maps site", "no spaces");
    refused(FieldKind::Site, "ftp://x.example", "“ftp”");
    refused(FieldKind::Site, "maps", "not the whole name");
    refused(FieldKind::Site, "https://", "no site");
    refused(FieldKind::Site, "javascript://x", "cannot be opened");
    refused(FieldKind::Site, "a..example", "Two dots");
}

#[test]
fn classes_are_the_schools() {
    check(FieldKind::Class, "6b", "class:6B");
    check(FieldKind::Class, "class:6B", "class:6B");
    check(FieldKind::Class, "6 B", "class:6B");
    refused(FieldKind::Class, "7C", "The classes are 4A, 6B, Year 1");
    check(FieldKind::Class, "year 1", "class:Year 1");
    check(FieldKind::Class, "class:Year 1", "class:Year 1");
}

#[test]
fn ends_are_days_or_times() {
    for (text, expected) in [
        ("2026-11-27", "2026-11-28T00:00:00Z"),
        ("27/11/2026", "2026-11-28T00:00:00Z"),
        ("27 11 2026", "2026-11-28T00:00:00Z"),
        ("Friday", "2026-11-28T00:00:00Z"),
        ("tuesday", "2026-11-25T00:00:00Z"),
        ("27 November", "2026-11-28T00:00:00Z"),
        ("27th nov 2026", "2026-11-28T00:00:00Z"),
        ("2026-11-24T11:00", "2026-11-24T11:00:00Z"),
        ("24/11/2026 11:00", "2026-11-24T11:00:00Z"),
        // The fourteenth day counts as far as fourteen days go.
        ("8/12/2026", "2026-12-08T10:10:00Z"),
    ] {
        check(FieldKind::Until, text, expected);
    }
    refused(FieldKind::Until, "2026-12-09", "at most 14 days: until Tuesday 8 December 2026 at 10:10");
    refused(FieldKind::Until, "23/11/2026", "Monday 23 November 2026 is already over");
    refused(FieldKind::Until, "2026-11-24T10:10", "already over");
    refused(FieldKind::Until, "31/02/2027", "is not a day");
    refused(FieldKind::Until, "soon", "is not a day");
}

#[test]
fn answers_are_bounded_and_plain() {
    check(FieldKind::Line, " a\u{7} b\n c ", "a b c");
    check(FieldKind::Text, "a\r\nb\u{0}", "a\nb");
    refused(FieldKind::Text, &"x".repeat(61), "at most 60 characters; yours has 61");
    refused(FieldKind::Text, "  ", "Answer “The question”");
    refused(FieldKind::Tick, "", "Tick");
    check(FieldKind::Person, "tess.teacher", "tess.teacher");
    refused(FieldKind::Person, "nobody", "from the list");
}

#[test]
fn every_problem_is_reported_and_unknown_names_are_ignored() {
    let calendar = calendar();
    let moment = Moment { now: "2026-11-24T10:10:00Z".parse().unwrap(), calendar: &calendar, periods: &[] };
    let known = Known { classes: &BTreeSet::new(), persons: &BTreeSet::new() };
    let form: Vec<Field> = ["site", "class", "why", "until"].into_iter().filter_map(Field::known).collect();
    let raw = RawValues::from([("decided".to_owned(), "yes".to_owned())]);
    let problems = check_form(&form, None, &raw, known, moment).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["site", "class", "why", "until"]);
}

#[test]
fn a_day_may_be_past_or_to_come() {
    assert_eq!(answer(FieldKind::Day, "2026-12-01"), "2026-12-01");
    assert_eq!(answer(FieldKind::Day, "01/12/2020"), "2020-12-01");
    assert_eq!(answer(FieldKind::Day, "friday"), "2026-11-27");
    assert!(answer(FieldKind::Day, "soon").starts_with("! “soon” is not a day."));
    assert!(answer(FieldKind::Day, "31/02/2026").starts_with("! "));
}

#[test]
fn a_number_is_whole() {
    assert_eq!(answer(FieldKind::Number, "1,200"), "1200");
    assert_eq!(answer(FieldKind::Number, "-3"), "-3");
    for text in ["many", "1.5", "12 laptops", "99999999999999999999999"] {
        assert!(answer(FieldKind::Number, text).contains("is not a whole number"), "{text}");
    }
}
