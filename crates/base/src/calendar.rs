//! The school's calendar and the periods of its day.
//!
//! A period is a half-open set of local civil minutes on kinds of day. A span over midnight belongs to the day on
//! which it starts; local times that a clock change skips do not occur, repeated ones occur twice; a calendar
//! exception replaces the kind a day would have had.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span as JiffSpan, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

/// How far ahead [`Calendar::next_boundary`] looks, in days: over the longest summer holiday.
const HORIZON_DAYS: i64 = 70;

/// A minute of the local day, 0 to 1440; 1440 is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(u16);

/// Why a text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day; write it as `08:45`, up to `24:00`")]
pub struct MinuteError(String);

impl Minute {
    pub const END_OF_DAY: Self = Self(1440);

    /// `None` beyond 24:00.
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        let total = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && total <= 1440).then_some(Self(total))
    }

    fn of(zoned: &Zoned) -> Self {
        let hour = u16::try_from(zoned.hour()).unwrap_or(0);
        let minute = u16::try_from(zoned.minute()).unwrap_or(0);
        Self(hour * 60 + minute)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for Minute {
    type Err = MinuteError;
    fn from_str(text: &str) -> Result<Self, MinuteError> {
        let wrong = || MinuteError(text.to_owned());
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        if hour.len() != 2 || minute.len() != 2 {
            return Err(wrong());
        }
        let hour = hour.parse().map_err(|_| wrong())?;
        let minute = minute.parse().map_err(|_| wrong())?;
        Self::new(hour, minute).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Minute {
    type Error = MinuteError;
    fn try_from(text: String) -> Result<Self, MinuteError> {
        text.parse()
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> String {
        minute.to_string()
    }
}

/// A kind of day: `school-day`, `weekend`, `holiday`, or one the school names in an exception (`inset`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DayKind(Box<str>);

impl DayKind {
    pub const SCHOOL_DAY: &'static str = "school-day";
    pub const WEEKEND: &'static str = "weekend";
    pub const HOLIDAY: &'static str = "holiday";

    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Days from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateRange {
    pub first: Date,
    pub last: Date,
}

impl DateRange {
    pub fn contains(&self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}

/// Terms, closures and exceptions in the school's own time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calendar {
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    /// Days on which school is kept, weekends aside.
    pub terms: Vec<DateRange>,
    /// Half-terms and bank holidays inside terms.
    pub holidays: Vec<DateRange>,
    /// Single days whose kind is what stands here, whatever they would have been.
    pub exceptions: BTreeMap<Date, DayKind>,
}

/// One stretch of a period, on each day of the kinds (and weekdays, where given).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub kinds: Vec<DayKind>,
    /// ISO numbers, Monday is 1; empty means every day of the week.
    pub weekdays: Vec<i8>,
    pub from: Minute,
    /// Exclusive. At or before `from`, the span runs over midnight.
    pub to: Minute,
}

/// A named set of local minutes: `lessons`, `working-time`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub name: Box<str>,
    pub spans: Vec<Span>,
}

impl Calendar {
    /// A calendar in which no school is kept.
    pub fn plain(zone: TimeZone) -> Self {
        Self { zone, terms: Vec::new(), holidays: Vec::new(), exceptions: BTreeMap::new() }
    }

    pub fn local(&self, now: Timestamp) -> Zoned {
        now.to_zoned(self.zone.clone())
    }

    pub fn day_kind(&self, date: Date) -> DayKind {
        if let Some(kind) = self.exceptions.get(&date) {
            return kind.clone();
        }
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return DayKind::new(DayKind::WEEKEND);
        }
        let open = self.terms.iter().any(|term| term.contains(date))
            && !self.holidays.iter().any(|holiday| holiday.contains(date));
        DayKind::new(if open { DayKind::SCHOOL_DAY } else { DayKind::HOLIDAY })
    }

    pub fn is_school_day(&self, date: Date) -> bool {
        self.day_kind(date).as_str() == DayKind::SCHOOL_DAY
    }

    /// Whether `now` lies in `period`.
    pub fn is_in(&self, period: &Period, now: Timestamp) -> bool {
        let local = self.local(now);
        let minute = Minute::of(&local);
        let today = local.date();
        let yesterday = today.yesterday().ok();
        period.spans.iter().any(|span| {
            if span.from < span.to {
                return span.from <= minute && minute < span.to && self.falls_on(span, today);
            }
            let since_start = span.from <= minute && self.falls_on(span, today);
            let before_end = minute < span.to && yesterday.is_some_and(|day| self.falls_on(span, day));
            since_start || before_end
        })
    }

    /// The first instant after `now` at which the answer of [`Calendar::is_in`] may change; `None` when nothing
    /// changes within the next seventy days.
    pub fn next_boundary(&self, period: &Period, now: Timestamp) -> Option<Timestamp> {
        let is_in = self.is_in(period, now);
        let today = self.local(now).date();
        // A clock change moves civil time by itself, so it is a boundary too.
        let change = self.zone.following(now).next().map(|transition| transition.timestamp());
        // Day by day: doors ask at each decision, and the answer is mostly today's.
        (-1..=HORIZON_DAYS).find_map(|offset| {
            let day = today.checked_add(JiffSpan::new().days(offset)).ok()?;
            let mut candidates = self.boundaries(period, day);
            candidates.extend(change.filter(|&at| self.local(at).date() == day));
            candidates.sort_unstable();
            candidates.into_iter().find(|&at| now < at && self.is_in(period, at) != is_in)
        })
    }

    /// The end of the local day that holds `now`.
    pub fn end_of_day(&self, now: Timestamp) -> Timestamp {
        self.start_of(self.local(now).date(), 1).unwrap_or(now)
    }

    fn falls_on(&self, span: &Span, date: Date) -> bool {
        let weekday = date.weekday().to_monday_one_offset();
        (span.weekdays.is_empty() || span.weekdays.contains(&weekday)) && {
            let kind = self.day_kind(date);
            span.kinds.is_empty() || span.kinds.contains(&kind)
        }
    }

    fn start_of(&self, date: Date, days_later: i64) -> Option<Timestamp> {
        let day = date.checked_add(JiffSpan::new().days(days_later)).ok()?;
        Some(day.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    fn boundaries(&self, period: &Period, day: Date) -> Vec<Timestamp> {
        // A whole-day span changes with the kind of day, at midnight.
        let mut found = Vec::from_iter(self.start_of(day, 0));
        for span in &period.spans {
            found.extend(self.instant(day, span.from));
            found.extend(self.instant(day, span.to));
        }
        found
    }

    fn instant(&self, day: Date, minute: Minute) -> Vec<Timestamp> {
        if minute == Minute::END_OF_DAY {
            return self.start_of(day, 1).into_iter().collect();
        }
        let (Ok(hour), Ok(past)) = (i8::try_from(minute.0 / 60), i8::try_from(minute.0 % 60)) else {
            return Vec::new();
        };
        let ambiguous = self.zone.to_ambiguous_zoned(day.at(hour, past, 0, 0));
        let earlier = ambiguous.clone().earlier().ok().map(|zoned| zoned.timestamp());
        let later = ambiguous.later().ok().map(|zoned| zoned.timestamp());
        earlier.into_iter().chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school() -> Calendar {
        let date = |text: &str| text.parse::<Date>().unwrap();
        Calendar {
            zone: TimeZone::get("Europe/London").unwrap(),
            terms: vec![DateRange { first: date("2026-09-02"), last: date("2026-12-18") }],
            holidays: vec![DateRange { first: date("2026-10-26"), last: date("2026-10-30") }],
            exceptions: [(date("2026-11-27"), DayKind::new("inset"))].into(),
        }
    }

    fn period(from: &str, to: &str, kinds: &[&str]) -> Period {
        Period {
            name: "test".into(),
            spans: vec![Span {
                kinds: kinds.iter().map(|kind| DayKind::new(kind)).collect(),
                weekdays: Vec::new(),
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
            }],
        }
    }

    #[track_caller]
    fn check(period: &Period, local: &str, expected: bool) {
        let zoned: Zoned = format!("{local}[Europe/London]").parse().unwrap();
        assert_eq!(school().is_in(period, zoned.timestamp()), expected, "{local}");
    }

    #[test]
    fn lessons_are_kept_on_school_days_only() {
        let lessons = period("09:00", "15:15", &["school-day"]);
        check(&lessons, "2026-11-24T09:00", true);
        check(&lessons, "2026-11-24T15:15", false);
        check(&lessons, "2026-11-28T10:00", false);
        check(&lessons, "2026-10-27T10:00", false);
        check(&lessons, "2026-11-27T10:00", false);
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_starts_on() {
        let evening = period("20:00", "02:00", &["school-day"]);
        check(&evening, "2026-11-20T23:00", true);
        check(&evening, "2026-11-21T01:00", true);
        check(&evening, "2026-11-21T23:00", false);
        check(&evening, "2026-11-23T01:00", false);
    }

    #[test]
    fn the_next_boundary_is_where_the_answer_changes() {
        let lessons = period("09:00", "15:15", &["school-day"]);
        let at = |local: &str| format!("{local}[Europe/London]").parse::<Zoned>().unwrap().timestamp();
        let calendar = school();
        assert_eq!(calendar.next_boundary(&lessons, at("2026-11-24T10:00")), Some(at("2026-11-24T15:15")));
        assert_eq!(calendar.next_boundary(&lessons, at("2026-11-26T16:00")), Some(at("2026-11-30T09:00")));
        assert_eq!(calendar.next_boundary(&lessons, at("2027-03-01T10:00")), None);
    }

    #[test]
    fn repeated_local_minutes_occur_twice() {
        // Clocks go back on 25 October 2026 at 02:00 BST: 01:30 happens at 00:30Z and at 01:30Z.
        let night = period("01:00", "02:00", &[]);
        let calendar = school();
        for text in ["2026-10-25T00:30Z", "2026-10-25T01:30Z"] {
            assert!(calendar.is_in(&night, text.parse().unwrap()), "{text}");
        }
    }
}
