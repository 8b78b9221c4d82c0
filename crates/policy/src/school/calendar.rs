//! The days of the school: `[calendar]` of `school.toml`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, DateRange, DayKind};

use super::time;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Table, ValueKind, Word};

pub(super) fn read(table: &Table, findings: &mut Findings) -> Calendar {
    let mut reader = Reader::new(table, table.span, "`[calendar]`", findings);
    let zone = reader.needed("zone", "\"Europe/London\"").and_then(|word| {
        let zone = TimeZone::get(&word.text).ok();
        if zone.is_none() {
            reader.findings.push(
                Diagnostic::new(Code::UnknownZone, word.span, format!("there is no time zone `{}`", word.text))
                    .help("write it as the tz database does: `Europe/London`"),
            );
        }
        zone
    });
    let mut ranges = |key: &'static str| {
        let words = reader.words(key).unwrap_or_default();
        let placed = |word: Word| Some((time::date_range(&word, reader.findings)?, word.span));
        words.into_iter().filter_map(placed).collect::<Vec<_>>()
    };
    let (terms, holidays) = (ranges("terms"), ranges("holidays"));
    check_days(&terms, &holidays, reader.findings);
    let days = |ranges: Vec<(DateRange, Span)>| ranges.into_iter().map(|(range, _)| range).collect();
    let (terms, holidays) = (days(terms), days(holidays));
    let mut exceptions = BTreeMap::new();
    for (key, value) in reader.table("exceptions").map_or(&[][..], |table| &table.entries) {
        let ValueKind::Text(kind) = &value.kind else {
            reader.wrong_type(&key.text, value.span, value.kind.name(), "a kind of day, such as `inset`");
            continue;
        };
        if let Some(date) = time::date(key, &key.text, reader.findings) {
            exceptions.insert(date, DayKind::new(&kind.text));
        }
    }
    reader.finish();
    Calendar { zone: zone.unwrap_or(TimeZone::UTC), terms, holidays, exceptions }
}

/// Terms that overlap, and holidays in no term: most often a wrong year.
fn check_days(terms: &[(DateRange, Span)], holidays: &[(DateRange, Span)], findings: &mut Findings) {
    let meet = |one: &DateRange, other: &DateRange| one.first <= other.last && other.first <= one.last;
    for (at, (term, span)) in terms.iter().enumerate() {
        if let Some((_, before)) = terms.iter().take(at).find(|(before, _)| meet(before, term)) {
            findings.push(
                Diagnostic::new(Code::OddCalendar, *span, "this term overlaps another")
                    .help("mend its first or its last day")
                    .other(*before, "the other one"),
            );
        }
    }
    for (holiday, span) in holidays.iter().filter(|(holiday, _)| !terms.iter().any(|(term, _)| meet(term, holiday))) {
        findings.push(
            Diagnostic::new(Code::OddCalendar, *span, format!("{} is in no term", holiday.first))
                .why("days outside terms are holidays already, so this changes nothing")
                .help("mend the year, or leave it out"),
        );
    }
}
