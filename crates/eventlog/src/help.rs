//! The daily counts of visits to the help list.
//!
//! A visit is added to a number in memory; the numbers are written down rarely and on their own. In the spool a visit
//! would stand between two events of somebody, and its place would say who it was.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use schoolgate_base::SchoolId;

use crate::error::LogError;
use crate::files;

/// Most days of schools kept: ten years of a hundred schools. Beyond that a new day is not begun.
const DAYS_MAX: usize = 366_000;

/// Visits per school and day.
#[derive(Debug, Default)]
pub(crate) struct HelpCounts {
    days: BTreeMap<SchoolId, BTreeMap<Date, u64>>,
    is_changed: bool,
}

impl HelpCounts {
    pub(crate) fn load(path: &Path) -> Result<Self, LogError> {
        let read = files::read_if_there(path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
        let Some(bytes) = read else { return Ok(Self::default()) };
        let days = serde_json::from_slice(&bytes).map_err(|source| LogError::Json { path: path.to_owned(), source })?;
        Ok(Self { days, is_changed: false })
    }

    pub(crate) fn add(&mut self, school: &SchoolId, date: Date) {
        if let Some(count) = self.days.get_mut(school).and_then(|days| days.get_mut(&date)) {
            *count += 1;
        } else if self.days.values().map(BTreeMap::len).sum::<usize>() < DAYS_MAX {
            self.days.entry(school.clone()).or_default().insert(date, 1);
        }
        self.is_changed = true;
    }

    /// Days from `first` to before `end` with at least one visit.
    pub(crate) fn between(&self, school: &SchoolId, first: Date, end: Date) -> Vec<(Date, u64)> {
        let days = self.days.get(school);
        days.into_iter()
            .flat_map(|days| days.range(first..end.max(first)))
            .map(|(&date, &count)| (date, count))
            .collect()
    }

    /// The file's new content, if there is any; it counts as written from now on.
    pub(crate) fn take_changed(&mut self) -> Option<Vec<u8>> {
        if !self.is_changed {
            return None;
        }
        self.is_changed = false;
        serde_json::to_vec_pretty(&self.days).ok()
    }

    /// The content taken last did not reach the disk.
    pub(crate) fn not_written(&mut self) {
        self.is_changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_numbers_by_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("help-counts.json");
        let (ours, other) = ("riverside".parse().unwrap(), "hilltop".parse().unwrap());
        let date = |text: &str| text.parse::<Date>().unwrap();
        let mut counts = HelpCounts::load(&path).unwrap();
        assert!(counts.take_changed().is_none());
        for day in ["2026-11-23", "2026-11-24", "2026-11-24"] {
            counts.add(&ours, date(day));
        }
        counts.add(&other, date("2026-11-24"));
        files::replace(&path, &counts.take_changed().unwrap()).unwrap();
        let counts = HelpCounts::load(&path).unwrap();
        assert_eq!(counts.between(&ours, date("2026-11-24"), date("2026-11-25")), [(date("2026-11-24"), 2)]);
        assert_eq!(counts.between(&ours, date("2026-11-25"), date("2026-11-20")), []);
    }
}
