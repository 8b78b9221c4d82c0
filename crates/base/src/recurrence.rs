//! How often a duty comes round: `school day`, `week`, `2 weeks`, `month`, `term`, `3 terms`, `year`; and a day of each
//! year: `31 July`.
//!
//! Days, not moments: what comes round is done by the end of a day.

use std::fmt;
use std::str::FromStr;

use jiff::Span as JiffSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Calendar;

/// The most turns a policy may name; more is a typing error.
const COUNT_MAX: u32 = 100;
/// How far ahead a school day is looked for, in days: over the longest closure there is.
const HORIZON_DAYS: usize = 400;
/// Months of a term that the calendar does not hold yet: three terms make a year.
const TERM_MONTHS: i64 = 4;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What is counted between two turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    Day,
    SchoolDay,
    Week,
    Month,
    /// By the end of each term of the calendar.
    Term,
    Year,
}

impl Turn {
    const ALL: [Self; 6] = [Self::Day, Self::SchoolDay, Self::Week, Self::Month, Self::Term, Self::Year];

    fn words(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::SchoolDay => "school day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Term => "term",
            Self::Year => "year",
        }
    }
}

/// How often something comes round.
///
/// Grammar: `[COUNT] TURN` where TURN is day(s), `school day(s)`, week(s), month(s), term(s) or year(s).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    count: u32,
    turn: Turn,
}

/// Why a text does not say how often.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    #[error(
        "`{0}` does not say how often; write `school day`, `week`, `2 weeks`, `month`, `term`, `3 terms` or `year`"
    )]
    Grammar(String),
    #[error("something comes round every 1 to {COUNT_MAX} turns")]
    Count,
}

impl Recurrence {
    pub fn turn(self) -> Turn {
        self.turn
    }

    pub fn count(self) -> u32 {
        self.count
    }

    /// The day by whose end it is due again, when it was last done on `done`.
    ///
    /// What is done in a term counts for that term, and what is done between two terms for the one before: it is due
    /// again by the end of the next. Where the calendar ends sooner, a term counts as four months, so that nothing is
    /// forgotten because nobody entered next year's terms.
    pub fn next(self, calendar: &Calendar, done: Date) -> Date {
        match self.turn {
            Turn::SchoolDay => self.school_day(calendar, done.tomorrow().unwrap_or(done)),
            Turn::Term => self.end_of_term(calendar, done, |first, _| done < first),
            Turn::Day | Turn::Week | Turn::Month | Turn::Year => self.later(done),
        }
    }

    /// The day by whose end it is due for the first time, when it has to be done since `since`.
    pub fn first(self, calendar: &Calendar, since: Date) -> Date {
        match self.turn {
            Turn::SchoolDay => self.school_day(calendar, since),
            Turn::Term => self.end_of_term(calendar, since, |_, last| since <= last),
            Turn::Day | Turn::Week | Turn::Month | Turn::Year => self.later(since),
        }
    }

    fn later(self, from: Date) -> Date {
        let count = i64::from(self.count);
        let span = match self.turn {
            Turn::Day | Turn::SchoolDay => JiffSpan::new().days(count),
            Turn::Week => JiffSpan::new().weeks(count),
            Turn::Month => JiffSpan::new().months(count),
            Turn::Term => JiffSpan::new().months(count * TERM_MONTHS),
            Turn::Year => JiffSpan::new().years(count),
        };
        from.checked_add(span).unwrap_or(Date::MAX)
    }

    /// The `count`-th school day from `from` on; in a calendar without any, as if all days were.
    fn school_day(self, calendar: &Calendar, from: Date) -> Date {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let mut days = days_from(from).take(HORIZON_DAYS).filter(|day| calendar.is_school_day(*day));
        days.nth(count.saturating_sub(1)).unwrap_or_else(|| self.later(from.yesterday().unwrap_or(from)))
    }

    /// The end of the `count`-th term, by its first day, that `counts`.
    fn end_of_term(self, calendar: &Calendar, from: Date, counts: impl Fn(Date, Date) -> bool) -> Date {
        let mut terms = calendar.terms.clone();
        terms.sort_by_key(|term| term.first);
        let ends: Vec<Date> = terms.iter().filter(|term| counts(term.first, term.last)).map(|term| term.last).collect();
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        if let Some(end) = ends.get(count.saturating_sub(1)) {
            return *end;
        }
        let known = terms.iter().map(|term| term.last).max().map_or(from, |last| last.max(from));
        let missing = i64::try_from(count.saturating_sub(ends.len())).unwrap_or(i64::MAX / TERM_MONTHS);
        known.checked_add(JiffSpan::new().months(missing.saturating_mul(TERM_MONTHS))).unwrap_or(Date::MAX)
    }
}

fn days_from(from: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |day| day.tomorrow().ok())
}

impl FromStr for Recurrence {
    type Err = RecurrenceError;

    fn from_str(text: &str) -> Result<Self, RecurrenceError> {
        let wrong = || RecurrenceError::Grammar(text.to_owned());
        let text = text.trim();
        let (count, turn) = match text.split_once(' ') {
            Some((count, turn)) if count.bytes().all(|b| b.is_ascii_digit()) && !count.is_empty() => {
                (count.parse::<u32>().map_err(|_| RecurrenceError::Count)?, turn.trim())
            }
            _ => (1, text),
        };
        let singular = turn.strip_suffix('s').unwrap_or(turn);
        let turn = Turn::ALL.into_iter().find(|known| known.words() == singular).ok_or_else(wrong)?;
        if count == 0 || COUNT_MAX < count {
            return Err(RecurrenceError::Count);
        }
        Ok(Self { count, turn })
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str(self.turn.words()),
            count => write!(f, "{count} {}s", self.turn.words()),
        }
    }
}

impl TryFrom<String> for Recurrence {
    type Error = RecurrenceError;
    fn try_from(text: String) -> Result<Self, RecurrenceError> {
        text.parse()
    }
}

impl From<Recurrence> for String {
    fn from(recurrence: Recurrence) -> String {
        recurrence.to_string()
    }
}

/// A day of each year: `31 July`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearDay {
    month: i8,
    day: i8,
}

/// Why a text is not a day of each year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of each year; write it as `31 July`")]
pub struct YearDayError(String);

impl YearDay {
    /// That day of a year; 29 February is the 28th where there is none.
    pub fn of(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).or_else(|_| Date::new(year, self.month, 28)).ok()
    }

    /// The first such day on or after `from`.
    pub fn from(self, from: Date) -> Date {
        let years = [Some(from.year()), from.year().checked_add(1)];
        let days = years.into_iter().flatten().filter_map(|year| self.of(year));
        days.into_iter().find(|day| from <= *day).unwrap_or(Date::MAX)
    }
}

impl FromStr for YearDay {
    type Err = YearDayError;

    fn from_str(text: &str) -> Result<Self, YearDayError> {
        let wrong = || YearDayError(text.to_owned());
        let (day, name) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let day: i8 = day.parse().map_err(|_| wrong())?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name.trim())).ok_or_else(wrong)?;
        let month = i8::try_from(month + 1).map_err(|_| wrong())?;
        // 2024 has a 29 February.
        Date::new(2024, month, day).map_err(|_| wrong())?;
        Ok(Self { month, day })
    }
}

impl fmt::Display for YearDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = usize::try_from(self.month - 1).ok().and_then(|at| MONTHS.get(at));
        write!(f, "{} {}", self.day, month.copied().unwrap_or_default())
    }
}

impl TryFrom<String> for YearDay {
    type Error = YearDayError;
    fn try_from(text: String) -> Result<Self, YearDayError> {
        text.parse()
    }
}

impl From<YearDay> for String {
    fn from(day: YearDay) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests;
