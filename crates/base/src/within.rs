//! Lengths of time as policies write them: `14 days`, `3 school days`, `same day`, `5 minutes in lessons`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{SignedDuration, Span as JiffSpan, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Calendar, Period};

/// The most units a policy may name; more is a typing error.
const COUNT_MAX: u32 = 10_000;
/// How many days are looked through for school days: ten years.
const SEARCH_DAYS: u32 = 3_660;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Minute,
    Hour,
    Day,
    /// Days on which school is kept; also written `working days`.
    SchoolDay,
    Week,
    Month,
    Year,
}

impl Unit {
    fn words(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::SchoolDay => "school day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// A length of time from some moment on.
///
/// Grammar: `"same day"`, or `COUNT UNIT ["in" PERIOD]` where UNIT is minute(s), hour(s), day(s), `school day(s)`,
/// `working day(s)`, week(s), month(s) or year(s), and only minutes and hours may be counted in a period.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Within {
    SameDay,
    Count {
        count: u32,
        unit: Unit,
        /// Only minutes inside this period count.
        period: Option<Box<str>>,
    },
}

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WithinError {
    #[error("`{0}` is not a length of time; write `14 days`, `3 school days`, `same day` or `5 minutes in lessons`")]
    Grammar(String),
    #[error("only minutes and hours can be counted `in {0}`")]
    PeriodNeedsMinutes(String),
    #[error("a length of time is 1 to {COUNT_MAX} units")]
    Count,
}

impl Within {
    /// The name of the period whose minutes are counted, for the checker to look up.
    pub fn period(&self) -> Option<&str> {
        match self {
            Self::SameDay => None,
            Self::Count { period, .. } => period.as_deref(),
        }
    }

    /// When the time that starts at `from` is over. `period` is the one this length names, if any; without it minutes
    /// are counted on the wall clock, which ends sooner and so is never too late.
    pub fn deadline(&self, calendar: &Calendar, period: Option<&Period>, from: Timestamp) -> Timestamp {
        let Self::Count { count, unit, .. } = self else { return calendar.end_of_day(from) };
        let count = i64::from(*count);
        match (unit, period) {
            (Unit::Minute, Some(period)) => minutes_inside(calendar, period, from, count),
            (Unit::Hour, Some(period)) => minutes_inside(calendar, period, from, count * 60),
            (Unit::Minute, None) => from + SignedDuration::from_mins(count),
            (Unit::Hour, None) => from + SignedDuration::from_hours(count),
            (Unit::SchoolDay, _) => school_days_later(calendar, from, count),
            (Unit::Day, _) => later(calendar, from, JiffSpan::new().days(count)),
            (Unit::Week, _) => later(calendar, from, JiffSpan::new().weeks(count)),
            (Unit::Month, _) => later(calendar, from, JiffSpan::new().months(count)),
            (Unit::Year, _) => later(calendar, from, JiffSpan::new().years(count)),
        }
    }

    /// The last day of the time that starts on the day `from`; what is shorter than a day ends on it, and hours count as
    /// the whole days in them.
    pub fn last_day(&self, calendar: &Calendar, from: Date) -> Date {
        match self.days() {
            Days::None => from,
            Days::Span(span) => from.checked_add(span).unwrap_or(Date::MAX),
            Days::School(count) => nth_school_day(calendar, from, count, |day| day.tomorrow().ok()),
        }
    }

    /// The first day of the time that ends on the day `to`.
    pub fn first_day_before(&self, calendar: &Calendar, to: Date) -> Date {
        match self.days() {
            Days::None => to,
            Days::Span(span) => to.checked_sub(span).unwrap_or(Date::MIN),
            Days::School(count) => nth_school_day(calendar, to, count, |day| day.yesterday().ok()),
        }
    }

    fn days(&self) -> Days {
        // Hours of lessons have no days.
        let Self::Count { count, unit, period: None } = self else { return Days::None };
        let count = i64::from(*count);
        match unit {
            // Hours of a clock count as the whole days in them: 72 hours are three days, 20 hours end on their day.
            Unit::Minute => Days::Span(JiffSpan::new().days(count / (24 * 60))),
            Unit::Hour => Days::Span(JiffSpan::new().days(count / 24)),
            Unit::Day => Days::Span(JiffSpan::new().days(count)),
            Unit::SchoolDay => Days::School(count),
            Unit::Week => Days::Span(JiffSpan::new().weeks(count)),
            Unit::Month => Days::Span(JiffSpan::new().months(count)),
            Unit::Year => Days::Span(JiffSpan::new().years(count)),
        }
    }
}

/// A length of time in whole days.
enum Days {
    None,
    Span(JiffSpan),
    School(i64),
}

/// The `count`-th school day after `from` in a direction; in a calendar without any, as if all days were.
fn nth_school_day(calendar: &Calendar, from: Date, count: i64, step: fn(Date) -> Option<Date>) -> Date {
    let (mut day, mut left) = (from, count);
    for _ in 0..SEARCH_DAYS {
        if left == 0 {
            return day;
        }
        let Some(next) = step(day) else { return day };
        day = next;
        left -= i64::from(calendar.is_school_day(day));
    }
    if left == 0 {
        return day;
    }
    let steps = usize::try_from(count).unwrap_or(usize::MAX);
    std::iter::successors(Some(from), |day| step(*day)).nth(steps).unwrap_or(from)
}

fn later(calendar: &Calendar, from: Timestamp, span: JiffSpan) -> Timestamp {
    calendar.local(from).checked_add(span).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// The end of the `count`-th school day after the day of `from`.
fn school_days_later(calendar: &Calendar, from: Timestamp, count: i64) -> Timestamp {
    let mut day = calendar.local(from).date();
    let mut left = count;
    // A calendar without terms would never count down: give up in the end, as if days were counted.
    for _ in 0..SEARCH_DAYS {
        if left == 0 {
            break;
        }
        let Ok(next) = day.tomorrow() else { return Timestamp::MAX };
        day = next;
        if calendar.is_school_day(day) {
            left -= 1;
        }
    }
    if left > 0 {
        return later(calendar, from, JiffSpan::new().days(count));
    }
    match day.to_zoned(calendar.zone.clone()) {
        Ok(start) => calendar.end_of_day(start.timestamp()),
        Err(_) => Timestamp::MAX,
    }
}

fn minutes_inside(calendar: &Calendar, period: &Period, from: Timestamp, minutes: i64) -> Timestamp {
    let mut left = SignedDuration::from_mins(minutes);
    let mut at = from;
    // Each step crosses one boundary; a period without boundaries ends the walk at once.
    for _ in 0..10_000 {
        let next = calendar.next_boundary(period, at);
        if calendar.is_in(period, at) {
            let end = at + left;
            match next {
                Some(next) if next < end => left -= next.duration_since(at),
                _ => return end,
            }
        }
        match next {
            Some(next) => at = next,
            None => return at + left,
        }
    }
    at
}

impl FromStr for Within {
    type Err = WithinError;

    fn from_str(text: &str) -> Result<Self, WithinError> {
        let wrong = || WithinError::Grammar(text.to_owned());
        let text = text.trim();
        if text == "same day" {
            return Ok(Self::SameDay);
        }
        let (length, period) = match text.split_once(" in ") {
            Some((length, period)) => (length.trim(), Some(period.trim())),
            None => (text, None),
        };
        let (count, unit) = length.split_once(' ').ok_or_else(wrong)?;
        let count: u32 = count.parse().map_err(|_| wrong())?;
        if count == 0 || COUNT_MAX < count {
            return Err(WithinError::Count);
        }
        let unit = match unit.trim().trim_end_matches('s') {
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "school day" | "working day" => Unit::SchoolDay,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "year" => Unit::Year,
            _ => return Err(wrong()),
        };
        match period {
            Some(period) if !matches!(unit, Unit::Minute | Unit::Hour) => {
                Err(WithinError::PeriodNeedsMinutes(period.to_owned()))
            }
            period => Ok(Self::Count { count, unit, period: period.map(Into::into) }),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Count { count, unit, period } = self else { return f.write_str("same day") };
        let plural = if *count == 1 { "" } else { "s" };
        write!(f, "{count} {}{plural}", unit.words())?;
        match period {
            Some(period) => write!(f, " in {period}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Within {
    type Error = WithinError;
    fn try_from(text: String) -> Result<Self, WithinError> {
        text.parse()
    }
}

impl From<Within> for String {
    fn from(within: Within) -> String {
        within.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_trip() {
        for text in ["same day", "1 day", "14 days", "3 school days", "5 minutes in lessons", "2 years"] {
            assert_eq!(text.parse::<Within>().unwrap().to_string(), text);
        }
        assert_eq!("1 working day".parse::<Within>().unwrap().to_string(), "1 school day");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "days", "0 days", "3 fortnights", "3 days in lessons", "-1 days"] {
            assert!(text.parse::<Within>().is_err(), "{text}");
        }
    }
}
