//! What a password must be, and when it must be another.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{ControlId, Within};
use serde::{Deserialize, Serialize};

use crate::index::Snapshot;
use crate::scope::{Scope, Standing};

/// What one `account` control asks of passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRule {
    pub control: ControlId,
    #[serde(flatten)]
    pub scope: Scope,
    /// The fewest characters.
    pub length: u32,
    /// Kinds of characters that must be in it.
    pub with: BTreeSet<CharacterKind>,
    pub refuse: BTreeSet<Weakness>,
    pub change: Option<Within>,
    /// What falls due in this period is due on the first day after it.
    pub not_in: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CharacterKind {
    Letter,
    Upper,
    Lower,
    Digit,
    Symbol,
}

/// Why a password is weak, as whoever sets it knows: from lists, the directory, and the passwords before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// In a list of passwords that leaked.
    Breached,
    /// A word, or one with a digit behind it.
    Dictionary,
    /// Holds the person's name or user name.
    Name,
    /// Holds the school's name.
    SchoolName,
    UsedBefore,
    /// The old one with another number.
    ShortStep,
    /// In use for another system.
    Elsewhere,
}

/// A password about to be set. The password itself is looked at here and kept nowhere.
#[derive(Debug)]
pub struct PasswordFacts<'a> {
    pub standing: Standing<'a>,
    pub password: &'a str,
    pub weaknesses: BTreeSet<Weakness>,
}

/// What is wrong with a password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasswordFault {
    TooShort { least: u32 },
    Without(CharacterKind),
    Weak(Weakness),
}

impl CharacterKind {
    pub const ALL: [(&'static str, Self); 5] = [
        ("letter", Self::Letter),
        ("upper", Self::Upper),
        ("lower", Self::Lower),
        ("digit", Self::Digit),
        ("symbol", Self::Symbol),
    ];

    fn is(self, letter: char) -> bool {
        match self {
            Self::Letter => letter.is_alphabetic(),
            Self::Upper => letter.is_uppercase(),
            Self::Lower => letter.is_lowercase(),
            Self::Digit => letter.is_numeric(),
            Self::Symbol => !letter.is_alphanumeric() && !letter.is_whitespace(),
        }
    }
}

impl Weakness {
    pub const ALL: [(&'static str, Self); 7] = [
        ("breached", Self::Breached),
        ("dictionary", Self::Dictionary),
        ("name", Self::Name),
        ("school-name", Self::SchoolName),
        ("used-before", Self::UsedBefore),
        ("short-step", Self::ShortStep),
        ("elsewhere", Self::Elsewhere),
    ];
}

/// Everything that is wrong with a password, by the controls that say so; empty: it may be set.
pub fn judge_password(
    snapshot: &Snapshot,
    facts: &PasswordFacts<'_>,
    now: Timestamp,
) -> Vec<(ControlId, PasswordFault)> {
    let mut faults = Vec::new();
    for rule in rules(snapshot, facts.standing, now) {
        let length = facts.password.chars().count();
        let is_short = u32::try_from(length).is_ok_and(|length| length < rule.length);
        let short = is_short.then_some(PasswordFault::TooShort { least: rule.length });
        let missing = rule.with.iter().filter(|kind| !facts.password.chars().any(|letter| kind.is(letter)));
        let weak = rule.refuse.intersection(&facts.weaknesses);
        let all = short
            .into_iter()
            .chain(missing.map(|kind| PasswordFault::Without(*kind)))
            .chain(weak.map(|weakness| PasswordFault::Weak(*weakness)));
        faults.extend(all.map(|fault| (rule.control.clone(), fault)));
    }
    faults
}

/// When a password has to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    pub control: ControlId,
    /// The day on which it no longer lets anybody in without a new one.
    pub due: Date,
    pub is_due: bool,
}

/// When a password set on `set_on` has to be changed; `None`: never because of time.
pub fn renewal(snapshot: &Snapshot, standing: Standing<'_>, set_on: Date, now: Timestamp) -> Option<Renewal> {
    let calendar = &snapshot.program.calendar;
    let today = calendar.local(now).date();
    let due = rules(snapshot, standing, now).filter_map(|rule| {
        let length = rule.change.as_ref()?;
        let set_at = set_on.to_zoned(calendar.zone.clone()).ok()?.timestamp();
        let due = calendar.local(length.deadline(calendar, None, set_at)).date();
        let due = rule.not_in.as_ref().map_or(due, |period| first_day_after(snapshot, period, due));
        Some(Renewal { control: rule.control.clone(), due, is_due: due <= today })
    });
    due.min_by_key(|renewal| renewal.due)
}

fn rules<'s>(snapshot: &'s Snapshot, standing: Standing<'_>, now: Timestamp) -> impl Iterator<Item = &'s PasswordRule> {
    snapshot.program.passwords.iter().filter(move |rule| {
        let mut ignored = None;
        rule.scope.why_not(standing, snapshot, now, &mut ignored).is_none()
    })
}

/// The first day at or after `day` whose noon is not in the period. No school has holidays of more than half a year.
fn first_day_after(snapshot: &Snapshot, period: &str, day: Date) -> Date {
    let program = &snapshot.program;
    let Some(period) = program.periods.get(period) else { return day };
    let is_free = |day: &Date| {
        let noon = day.at(12, 0, 0, 0).to_zoned(program.calendar.zone.clone());
        noon.is_ok_and(|noon| !program.calendar.is_in(period, noon.timestamp()))
    };
    day.series(jiff::Span::new().days(1)).take(183).find(is_free).unwrap_or(day)
}
