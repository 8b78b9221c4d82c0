//! What the proxy counts.

use schoolgate_runtime::{Counter, Gauge, Metrics, Refusal};

use crate::failure::Failure;

#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub(crate) connections: Gauge,
    pub(crate) connections_turned_away: Counter,
    /// Request lines and headers that hyper would not read: garbage, too large, too slow.
    pub(crate) heads_refused: Counter,
    /// Connections of balancers that did not begin as agreed.
    pub(crate) headers_refused: Counter,
    pub(crate) requests: Counter,
    pub(crate) turned_away: Counter,
    pub(crate) tunnels: Gauge,
    pub(crate) inspected: Counter,
    pub(crate) local_answers: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) hellos_refused: Counter,
    pub(crate) revoked: Counter,
    pub(crate) events_dropped: Counter,
    metrics: Metrics,
}

impl Meters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help);
        Self {
            connections: metrics.gauge("schoolgate_proxy_connections", "Open client connections."),
            connections_turned_away: counter(
                "schoolgate_proxy_connections_turned_away_total",
                "Connections closed at once because there were too many.",
            ),
            heads_refused: counter(
                "schoolgate_proxy_heads_refused_total",
                "Request heads that were garbage, too large or too slow.",
            ),
            headers_refused: counter(
                "schoolgate_proxy_balancer_headers_refused_total",
                "Connections of load balancers without a PROXY protocol header in order and in time.",
            ),
            requests: counter("schoolgate_proxy_requests_total", "Requests read."),
            turned_away: counter("schoolgate_proxy_turned_away_total", "Requests sent elsewhere by a decision."),
            tunnels: metrics.gauge("schoolgate_proxy_tunnels", "Open tunnels."),
            inspected: counter("schoolgate_proxy_inspected_total", "Connections that were decrypted."),
            local_answers: counter(
                "schoolgate_proxy_local_answers_total",
                "TLS connections answered in place of a site.",
            ),
            handshakes_failed: counter(
                "schoolgate_proxy_handshakes_failed_total",
                "TLS handshakes that clients broke off.",
            ),
            hellos_refused: counter(
                "schoolgate_proxy_hellos_refused_total",
                "Tunnels closed because their first bytes were no hello for the site that was asked for.",
            ),
            revoked: counter("schoolgate_proxy_revoked_total", "Open connections closed by a later decision."),
            events_dropped: counter(
                "schoolgate_proxy_events_dropped_total",
                "Events that the recorder's queue had no room for.",
            ),
            metrics: metrics.clone(),
        }
    }

    pub(crate) fn refused(&self, failure: &Failure) {
        let label = ("reason", failure.word());
        self.metrics
            .labelled_counter("schoolgate_proxy_failed_total", "Requests refused or failed, by reason.", label)
            .increment();
    }

    pub(crate) fn ticket(&self, outcome: &'static str) {
        self.metrics
            .labelled_counter(
                "schoolgate_proxy_tickets_total",
                "Kerberos tickets that clients showed, by what became of them.",
                ("outcome", outcome),
            )
            .increment();
    }

    pub(crate) fn inner(&self, refusal: Refusal) {
        let label = ("kind", refusal.as_str());
        self.metrics
            .labelled_counter("schoolgate_proxy_inner_total", "Requests for addresses that lead inside.", label)
            .increment();
    }
}
