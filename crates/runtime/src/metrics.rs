//! Counters and gauges, rendered in Prometheus' text format.
//!
//! Names and labels are `&'static str`: what a peer sends can never make a new series.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A number that only grows. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn increment(&self) {
        self.add(1);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One label of a series: `("reason", "loopback")`. The empty pair stands for none.
type Label = (&'static str, &'static str);

#[derive(Debug, Clone)]
enum Value {
    Counter(Counter),
    Gauge(Gauge),
}

#[derive(Debug)]
struct Family {
    help: &'static str,
    kind: &'static str,
    series: BTreeMap<Label, Value>,
}

/// The program's metrics. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<&'static str, Family>>>);

impl Metrics {
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter `name` without labels; the same one each time.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        self.labelled_counter(name, help, ("", ""))
    }

    pub fn labelled_counter(&self, name: &'static str, help: &'static str, label: Label) -> Counter {
        match self.value(name, help, "counter", label, || Value::Counter(Counter::default())) {
            Value::Counter(counter) => counter,
            Value::Gauge(_) => Counter::default(),
        }
    }

    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        match self.value(name, help, "gauge", ("", ""), || Value::Gauge(Gauge::default())) {
            Value::Gauge(gauge) => gauge,
            Value::Counter(_) => Gauge::default(),
        }
    }

    /// All series in Prometheus' text format 0.0.4.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (name, family) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
            for ((label, word), value) in &family.series {
                let value = match value {
                    Value::Counter(counter) => i128::from(counter.value()),
                    Value::Gauge(gauge) => i128::from(gauge.value()),
                };
                let _ = match *label {
                    "" => writeln!(text, "{name} {value}"),
                    label => writeln!(text, "{name}{{{label}=\"{word}\"}} {value}"),
                };
            }
        }
        text
    }

    fn value(
        &self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        label: Label,
        make: impl FnOnce() -> Value,
    ) -> Value {
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(|| Family { help, kind, series: BTreeMap::new() });
        debug_assert_eq!(family.kind, kind, "`{name}` is used as two kinds of metric");
        family.series.entry(label).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_shared_and_rendered() {
        let metrics = Metrics::new();
        metrics.counter("schoolgate_requests_total", "Requests.").increment();
        metrics.counter("schoolgate_requests_total", "Requests.").add(2);
        metrics.labelled_counter("schoolgate_refused_total", "Refused.", ("reason", "loopback")).increment();
        metrics.gauge("schoolgate_connections", "Open connections.").add(-1);
        let expected = "# HELP schoolgate_connections Open connections.\n# TYPE schoolgate_connections gauge\n\
            schoolgate_connections -1\n# HELP schoolgate_refused_total Refused.\n\
            # TYPE schoolgate_refused_total counter\nschoolgate_refused_total{reason=\"loopback\"} 1\n\
            # HELP schoolgate_requests_total Requests.\n# TYPE schoolgate_requests_total counter\n\
            schoolgate_requests_total 3\n";
        assert_eq!(metrics.render(), expected);
    }
}
