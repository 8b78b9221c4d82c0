//! What the DNS door counts.

use schoolgate_runtime::{Counter, Gauge, Metrics};

use crate::failure::Failure;

#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub(crate) queries: Counter,
    pub(crate) from_cache: Counter,
    pub(crate) looked_up: Counter,
    pub(crate) stale: Counter,
    pub(crate) turned_away: Counter,
    pub(crate) inner: Counter,
    pub(crate) limited: Counter,
    pub(crate) unsent: Counter,
    pub(crate) connections: Gauge,
    pub(crate) connections_turned_away: Counter,
    pub(crate) events_dropped: Counter,
    metrics: Metrics,
}

impl Meters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help);
        Self {
            queries: counter("schoolgate_dns_queries_total", "Queries read."),
            from_cache: counter("schoolgate_dns_cached_total", "Queries answered from memory."),
            looked_up: counter("schoolgate_dns_lookups_total", "Look-ups at upstream servers."),
            stale: counter("schoolgate_dns_stale_total", "Queries answered with what was over its time."),
            turned_away: counter("schoolgate_dns_turned_away_total", "Queries not answered as asked, by a decision."),
            inner: counter("schoolgate_dns_inner_total", "Answers left empty because they led inside."),
            limited: counter("schoolgate_dns_limited_total", "Queries over the rate of their address."),
            unsent: counter("schoolgate_dns_unsent_total", "Answers that the network would not take."),
            connections: metrics.gauge("schoolgate_dns_connections", "Open client connections."),
            connections_turned_away: counter(
                "schoolgate_dns_connections_turned_away_total",
                "Connections closed at once because there were too many.",
            ),
            events_dropped: counter(
                "schoolgate_dns_events_dropped_total",
                "Events that the recorder's queue had no room for.",
            ),
            metrics: metrics.clone(),
        }
    }

    pub(crate) fn failed(&self, failure: Failure) {
        let label = ("reason", failure.word());
        self.metrics
            .labelled_counter("schoolgate_dns_failed_total", "Queries refused or failed, by reason.", label)
            .increment();
    }
}
