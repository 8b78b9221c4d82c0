//! Medians and quartiles.

use serde::Serialize;

/// The middle of some measurements and its spread.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Quartiles {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Quartiles {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (part * values.len().saturating_sub(1) as f64).round() as usize;
            values.get(place).copied().unwrap_or(f64::NAN)
        };
        Self { lower: at(0.25), median: at(0.5), upper: at(0.75) }
    }
}
