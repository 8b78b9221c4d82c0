//! How old the people of a group are: grammar, and ages that no group or two groups cover.

use std::fmt;

use schoolgate_base::Group;

use super::School;
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::reader::Findings;
use crate::syntax::{Spanned, Word};

/// Nobody is older.
const OLDEST: u8 = 150;

/// Ages in completed years, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    pub first: u8,
    /// `None`: no upper end.
    pub last: Option<u8>,
}

impl fmt::Display for Ages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (0, Some(last)) => write!(f, "under {}", u16::from(last) + 1),
            (first, Some(last)) => write!(f, "{first} to {last}"),
            (first, None) => write!(f, "{first} and over"),
        }
    }
}

/// Grammar: `"under" YEARS`, `"over" YEARS`, `YEARS "and over"`, or `YEARS "to" YEARS`.
pub(super) fn ages(word: &Word, findings: &mut Findings) -> Option<Spanned<Ages>> {
    let found = parse(word.text.trim());
    if found.is_none() {
        let help = match nearest(&word.text, ["under 18", "over 18", "18 and over", "11 to 16"]) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write `under 18`, `18 and over`, `over 18` or `11 to 16`".to_owned(),
        };
        findings.push(Diagnostic::new(Code::BadAge, word.span, format!("`{}` is not an age", word.text)).help(help));
    }
    found.map(|value| Spanned { value, span: word.span })
}

fn parse(text: &str) -> Option<Ages> {
    if let Some(end) = text.strip_prefix("under ") {
        return Some(Ages { first: 0, last: Some(years(end)?.checked_sub(1)?) });
    }
    if let Some(start) = text.strip_prefix("over ") {
        return Some(Ages { first: years(start)? + 1, last: None });
    }
    if let Some(start) = text.strip_suffix(" and over") {
        return Some(Ages { first: years(start)?, last: None });
    }
    let (first, last) = text.split_once(" to ")?;
    let (first, last) = (years(first)?, years(last)?);
    (first <= last).then_some(Ages { first, last: Some(last) })
}

fn years(text: &str) -> Option<u8> {
    text.trim().parse().ok().filter(|years| *years < OLDEST)
}

/// A border between two groups of one parent that falls on no group or on two.
pub(crate) fn check(school: &School, findings: &mut Findings) {
    let mut aged: Vec<(&Group, &Group, &Spanned<Ages>)> = school
        .groups
        .iter()
        .filter_map(|(group, entry)| Some((entry.within.as_ref()?, group, entry.age.as_ref()?)))
        .collect();
    aged.sort_by_key(|(parent, group, age)| (*parent, age.value.first, *group));
    for pair in aged.windows(2) {
        let [(parent, younger, before), (other_parent, older, after)] = pair else { continue };
        if parent != other_parent {
            continue;
        }
        let Some(message) = border(younger, before.value, older, after.value) else { continue };
        findings.push(
            Diagnostic::new(Code::AgeGap, after.span, message)
                .why("a rule for one of the two and a rule for the other leave it open which holds")
                .help(match before.value.last {
                    Some(last) => format!("write `{} and over` here, or move the other border", u16::from(last) + 1),
                    None => format!("write `{}` there as a range that ends, such as `11 to 16`", before.value),
                })
                .other(before.span, format!("`{younger}`: {}", before.value)),
        );
    }
}

fn border(younger: &Group, before: Ages, older: &Group, after: Ages) -> Option<String> {
    let covered = before.last.unwrap_or(OLDEST);
    let next = covered.saturating_add(1);
    if next == after.first {
        return None;
    }
    if next < after.first {
        let whom = match after.first - next {
            1 => format!("who is exactly {next} is"),
            _ => format!("people from {next} to {} are", after.first - 1),
        };
        return Some(format!("{whom} neither in `{younger}` nor in `{older}`"));
    }
    let last = after.last.map_or(before.last, |last| Some(last.min(covered)));
    let whom = match last {
        Some(last) if last == after.first => format!("who is exactly {last} is"),
        Some(last) => format!("people from {} to {last} are", after.first),
        None => format!("people from {} on are", after.first),
    };
    Some(format!("{whom} both in `{younger}` and in `{older}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, first: u8, last: Option<u8>) {
        assert_eq!(parse(text), Some(Ages { first, last }), "{text}");
    }

    #[test]
    fn ages_are_whole_years() {
        check("under 18", 0, Some(17));
        check("18 and over", 18, None);
        check("over 18", 19, None);
        check("11 to 16", 11, Some(16));
        for text in ["", "18", "under", "under 0", "over 400", "16 to 11", "eighteen and over", "under -1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
