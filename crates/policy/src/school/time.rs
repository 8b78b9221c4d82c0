//! The inner grammar of times in `school.toml`: dates, ranges of dates, and spans of a period.
//!
//! * range: `DATE` or `DATE "to" DATE`
//! * span: `[DAYS] [TIME "-" TIME]`, at least one of both; DAYS are kinds of day (`school-day`, `weekend`, `holiday`,
//!   `inset`), weekdays (`mon`) or ranges of weekdays (`mon-fri`), parted by spaces or commas. Kinds and weekdays
//!   together mean days that are both. An end at or before the start is on the next day.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schoolgate_base::{DateRange, DayKind, Minute, Span as PeriodSpan};

use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::{Findings, list_of};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn date_range(word: &Word, findings: &mut Findings) -> Option<DateRange> {
    let (first, last) = word.text.split_once(" to ").unwrap_or((&word.text, &word.text));
    let (first, last) = (date(word, first, findings), date(word, last, findings));
    let (first, last) = (first?, last?);
    if last < first {
        findings.push(
            Diagnostic::new(Code::BadDate, word.span, format!("`{}` ends before it begins", word.text))
                .help(format!("write `{last} to {first}`")),
        );
        return None;
    }
    Some(DateRange { first, last })
}

pub(super) fn date(word: &Word, piece: &str, findings: &mut Findings) -> Option<Date> {
    let trimmed = piece.trim();
    let parsed = trimmed.parse().ok().filter(|_| trimmed.len() == 10);
    if parsed.is_none() {
        findings.push(
            Diagnostic::new(Code::BadDate, word.place_of(trimmed), format!("`{trimmed}` is not a date"))
                .help("write it as `2026-11-24`"),
        );
    }
    parsed
}

pub(super) fn period_span(
    word: &Word,
    kinds_known: &BTreeSet<Box<str>>,
    findings: &mut Findings,
) -> Option<PeriodSpan> {
    let before = findings.len();
    let mut span =
        PeriodSpan { kinds: Vec::new(), weekdays: Vec::new(), from: Minute::new(0, 0)?, to: Minute::END_OF_DAY };
    let mut has_times = false;
    for piece in word.text.split([' ', ',']).filter(|piece| !piece.is_empty()) {
        if piece.starts_with(|c: char| c.is_ascii_digit()) {
            if has_times {
                findings.push(
                    Diagnostic::new(Code::BadSpan, word.place_of(piece), "a span has one stretch of time")
                        .help("write two spans: `[\"school-day 09:00-12:00\", \"school-day 13:00-15:15\"]`"),
                );
            }
            has_times = true;
            (span.from, span.to) = times(word, piece, findings)?;
        } else {
            days(word, piece, kinds_known, &mut span, findings);
        }
    }
    if !has_times && span.kinds.is_empty() && span.weekdays.is_empty() && findings.len() == before {
        findings.push(
            Diagnostic::new(Code::BadSpan, word.span, "this span is empty")
                .help("write `school-day 09:00-15:15`, `mon-fri 08:00-18:00` or `weekend`"),
        );
    }
    (findings.len() == before).then_some(span)
}

fn times(word: &Word, piece: &str, findings: &mut Findings) -> Option<(Minute, Minute)> {
    let Some((from, to)) = piece.split_once('-') else {
        findings.push(
            Diagnostic::new(Code::BadSpan, word.place_of(piece), format!("`{piece}` is a time, not a stretch of time"))
                .help(format!("write `{piece}-15:15`")),
        );
        return None;
    };
    let mut minute = |text: &str| match text.parse::<Minute>() {
        Ok(minute) => Some(minute),
        Err(error) => {
            findings.push(Diagnostic::new(Code::BadSpan, word.place_of(text), error.to_string()));
            None
        }
    };
    let (from, to) = (minute(from), minute(to));
    Some((from?, to?))
}

fn days(word: &Word, piece: &str, known: &BTreeSet<Box<str>>, span: &mut PeriodSpan, findings: &mut Findings) {
    let folded = piece.to_ascii_lowercase();
    let weekday = |name: &str| WEEKDAYS.iter().position(|day| name.len() >= 3 && day_matches(day, name));
    if let Some(day) = weekday(&folded) {
        span.weekdays.extend(i8::try_from(day + 1));
        return;
    }
    if let Some((first, last)) = folded.split_once('-')
        && let (Some(first), Some(last)) = (weekday(first), weekday(last))
    {
        // `fri-mon` goes over the weekend.
        let length = (last + 7 - first) % 7;
        let days = (0..=length).map(|step| (first + step) % 7 + 1);
        span.weekdays.extend(days.filter_map(|day| i8::try_from(day).ok()));
        return;
    }
    if known.contains(folded.as_str()) {
        span.kinds.push(DayKind::new(&folded));
        return;
    }
    let names = || known.iter().map(|name| &**name).chain(WEEKDAYS);
    let help = match nearest(&folded, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the calendar has {}", list_of(known.iter().map(|name| &**name))),
    };
    findings.push(
        Diagnostic::new(Code::UnknownDayKind, word.place_of(piece), format!("there is no kind of day `{piece}`"))
            .help(help),
    );
}

fn day_matches(short: &str, name: &str) -> bool {
    let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    long.iter().any(|long| long.starts_with(short) && long.starts_with(name))
}
