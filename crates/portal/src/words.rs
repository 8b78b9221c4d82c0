//! Plain words for times, people and counts, as pages use them.

use jiff::Timestamp;
use schoolgate_base::{Calendar, Role};

/// Below this a count is not shown to somebody who sees no names.
const COUNT_SHOWN_MIN: u64 = 5;

/// Now, in the school's time zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments<'a> {
    pub(crate) now: Timestamp,
    pub(crate) calendar: &'a Calendar,
}

impl Moments<'_> {
    /// `today at 10:42`, `tomorrow at 09:00`, `Friday 27 November at 10:12`, with the year when it is another.
    pub(crate) fn at(&self, at: Timestamp) -> String {
        let (local, today) = (self.calendar.local(at), self.calendar.local(self.now));
        format!("{} at {}", day_words(&local, &today), local.strftime("%H:%M"))
    }

    /// As [`Self::at`]; the end of a day is that day: "until Friday 27 November".
    pub(crate) fn until(&self, at: Timestamp) -> String {
        let before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        if self.calendar.end_of_day(before) == at {
            let (local, today) = (self.calendar.local(before), self.calendar.local(self.now));
            return match day_words(&local, &today).as_str() {
                "today" => "the end of today".to_owned(),
                "tomorrow" => "the end of tomorrow".to_owned(),
                day => day.to_owned(),
            };
        }
        self.at(at)
    }

    /// `10:42` on the same day, else as [`Self::at`].
    pub(crate) fn since(&self, at: Timestamp) -> String {
        let (local, today) = (self.calendar.local(at), self.calendar.local(self.now));
        if local.date() == today.date() { local.strftime("%H:%M").to_string() } else { self.at(at) }
    }

    /// The same words tomorrow: for what is kept, such as agreements.
    pub(crate) fn full(&self, at: Timestamp) -> String {
        self.calendar.local(at).strftime("%-d %B %Y at %H:%M").to_string()
    }

    /// As forms take it: `27/11/2026`.
    pub(crate) fn last_day(&self, at: Timestamp) -> String {
        let before = at.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        self.calendar.local(before).strftime("%d/%m/%Y").to_string()
    }
}

fn day_words(local: &jiff::Zoned, today: &jiff::Zoned) -> String {
    let date = local.date();
    if date == today.date() {
        return "today".to_owned();
    }
    if today.date().yesterday().is_ok_and(|yesterday| yesterday == date) {
        return "yesterday".to_owned();
    }
    if today.date().tomorrow().is_ok_and(|tomorrow| tomorrow == date) {
        return "tomorrow".to_owned();
    }
    let format = if local.year() == today.year() { "%A %-d %B" } else { "%A %-d %B %Y" };
    local.strftime(format).to_string()
}

/// `one rule`, `3 rules`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("one {one}") } else { format!("{count} {many}") }
}

/// A count for somebody who sees no names: small ones would point at persons.
pub(crate) fn small_hidden(count: u64) -> String {
    match count {
        0 => "none".to_owned(),
        count if count < COUNT_SHOWN_MIN => format!("fewer than {COUNT_SHOWN_MIN}"),
        count => count.to_string(),
    }
}

/// `Ivy Tech, Olive Online or Helen Head`.
pub(crate) fn either(names: &[String]) -> String {
    joined(names, "or")
}

/// `Ivy Tech, Olive Online and Helen Head`.
pub(crate) fn both(names: &[String]) -> String {
    joined(names, "and")
}

fn joined(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// An office as people say it, where the school has not said so itself.
pub(crate) fn office(role: &Role) -> String {
    role.as_str().replace('-', " ")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn calendar() -> Calendar {
        Calendar {
            zone: TimeZone::get("Europe/London").unwrap(),
            terms: Vec::new(),
            holidays: Vec::new(),
            exceptions: Default::default(),
        }
    }

    #[track_caller]
    fn check(at: &str, at_words: &str, until_words: &str) {
        let calendar = calendar();
        let moments = Moments { now: "2026-11-24T10:10:00Z".parse().unwrap(), calendar: &calendar };
        let at = at.parse().unwrap();
        assert_eq!((moments.at(at).as_str(), moments.until(at).as_str()), (at_words, until_words));
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        check("2026-11-24T10:42:00Z", "today at 10:42", "today at 10:42");
        check("2026-11-23T09:00:00Z", "yesterday at 09:00", "yesterday at 09:00");
        check("2026-11-28T00:00:00Z", "Saturday 28 November at 00:00", "Friday 27 November");
        check("2026-11-25T00:00:00Z", "tomorrow at 00:00", "the end of today");
        check("2027-07-01T11:00:00Z", "Thursday 1 July 2027 at 12:00", "Thursday 1 July 2027 at 12:00");
    }

    #[test]
    fn small_counts_are_not_told() {
        assert_eq!([0, 1, 4, 5].map(small_hidden), ["none", "fewer than 5", "fewer than 5", "5"]);
    }

    #[test]
    fn names_are_joined_as_in_speech() {
        let names = ["A", "B", "C"].map(str::to_owned);
        assert_eq!(either(&names), "A, B or C");
        assert_eq!(both(names.get(..1).unwrap()), "A");
    }
}
