//! The moment at which something is done, with the calendar that gives its clocks a meaning.

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{Calendar, Period, Within};

/// Now, and the school's calendar and periods.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub calendar: &'a Calendar,
    pub periods: &'a [Period],
}

impl Moment<'_> {
    /// When a time that starts at `from` is over.
    pub fn deadline(&self, within: &Within, from: Timestamp) -> Timestamp {
        let period = within.period().and_then(|name| self.periods.iter().find(|period| &*period.name == name));
        within.deadline(self.calendar, period, from)
    }

    pub fn today(&self) -> Date {
        self.day_of(self.now)
    }

    /// The local day of an instant; the end of a day is still that day.
    pub fn day_of(&self, at: Timestamp) -> Date {
        let just_before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        let is_end = self.calendar.end_of_day(just_before) == at;
        self.calendar.local(if is_end { just_before } else { at }).date()
    }

    /// As people read it: `Friday 27 November 2026`, with the time unless it is the end of that day.
    pub fn in_words(&self, at: Timestamp) -> String {
        let local = self.calendar.local(at);
        let Ok(just_before) = at.checked_sub(jiff::SignedDuration::from_nanos(1)) else {
            return local.strftime("%A %-d %B %Y at %H:%M").to_string();
        };
        if self.calendar.end_of_day(just_before) == at {
            return self.calendar.local(just_before).strftime("%A %-d %B %Y").to_string();
        }
        local.strftime("%A %-d %B %Y at %H:%M").to_string()
    }
}
