//! Reads the end people wish for: a day, a weekday, or a local time.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, Timestamp};
use schoolgate_base::Within;

use crate::Moment;

const HELP: &str = "Enter a day such as 27/11/2026, or “Friday”";

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A day means its end; a local time means that time. Neither in the past nor beyond `longest`.
pub(crate) fn until(text: &str, longest: Option<&Within>, moment: Moment<'_>) -> Result<Timestamp, String> {
    let latest = longest.map(|within| (within, moment.deadline(within, moment.now)));
    let at = match wished(text, moment) {
        Some(Wish::Day(day)) => end_of(day, latest.map(|(_, latest)| latest), moment),
        Some(Wish::Time(time)) => time.to_zoned(moment.calendar.zone.clone()).ok().map(|zoned| zoned.timestamp()),
        None => None,
    };
    let Some(at) = at else { return Err(format!("“{text}” is not a day. {HELP}")) };
    if at <= moment.now {
        return Err(format!("{} is already over. {HELP}", moment.in_words(at)));
    }
    if let Some((within, latest)) = latest
        && latest < at
    {
        let last = moment.in_words(latest);
        return Err(format!("The policy allows at most {within}: until {last}. Choose that or an earlier day"));
    }
    Ok(at)
}

/// A day, past or to come.
pub(crate) fn day(text: &str, moment: Moment<'_>) -> Result<Date, String> {
    match wished(text, moment) {
        Some(Wish::Day(day)) => Ok(day),
        Some(Wish::Time(time)) => Ok(time.date()),
        None => Err(format!("“{text}” is not a day. {HELP}")),
    }
}

enum Wish {
    Day(Date),
    Time(DateTime),
}

/// The end of a day; of the last day allowed, as much as is allowed.
fn end_of(day: Date, latest: Option<Timestamp>, moment: Moment<'_>) -> Option<Timestamp> {
    let start = day.to_zoned(moment.calendar.zone.clone()).ok()?.timestamp();
    let end = moment.calendar.end_of_day(start);
    match latest {
        Some(latest) if moment.calendar.local(latest).date() == day => Some(end.min(latest)),
        _ => Some(end),
    }
}

fn wished(text: &str, moment: Moment<'_>) -> Option<Wish> {
    let text = text.trim().to_lowercase();
    if let Some((date, time)) = text.split_once(['t', ' '])
        && let (Some(date), Some((hour, minute))) = (iso_or_slashes(date), clock(time))
    {
        return Some(Wish::Time(date.at(hour, minute, 0, 0)));
    }
    let today = moment.calendar.local(moment.now).date();
    let day = match text.as_str() {
        "today" => Some(today),
        "tomorrow" => today.tomorrow().ok(),
        word => weekday(word).and_then(|weekday| next(today, weekday)),
    };
    day.or_else(|| iso_or_slashes(&text)).or_else(|| in_words(&text, today)).map(Wish::Day)
}

/// Today counts: on a Friday, “Friday” is today.
fn next(today: Date, weekday: Weekday) -> Option<Date> {
    today.checked_add(Span::new().days(i64::from(today.weekday().until(weekday)))).ok()
}

fn weekday(word: &str) -> Option<Weekday> {
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    days.into_iter().find(|(name, _)| *name == word).map(|(_, weekday)| weekday)
}

fn clock(text: &str) -> Option<(i8, i8)> {
    let (hour, rest) = text.split_once(':')?;
    let minute = rest.split(':').next()?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

/// `2026-11-27`, `27/11/2026`, `27.11.2026` or `27 11 2026`; the day first, as British people write it.
fn iso_or_slashes(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split(['-', '/', '.', ' ']).filter(|part| !part.is_empty()).collect();
    let &[first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    if year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// `27 November` or `27 nov 2026`; without a year the next such day.
fn in_words(text: &str, today: Date) -> Option<Date> {
    let mut parts = text.split_whitespace();
    let day: i8 = parts.next()?.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| name.starts_with(month))?;
    let month = i8::try_from(month).ok()? + 1;
    if let Some(year) = parts.next() {
        return Date::new(year.parse().ok()?, month, day).ok();
    }
    let this_year = Date::new(today.year(), month, day).ok()?;
    if today <= this_year { Some(this_year) } else { Date::new(today.year() + 1, month, day).ok() }
}
