//! An address for Prometheus. No series says anything of a person; who may read them is said by where it listens.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use schoolgate_runtime::{Metrics, Tasks};
use tokio::net::TcpListener;

use crate::front::{Front, Listener, Tls};

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers at `/metrics` until the tasks are drained.
pub(crate) fn serve(listener: TcpListener, metrics: Metrics, tasks: Tasks) {
    let shown = move || {
        let text = metrics.render();
        async move { ([(CONTENT_TYPE, TEXT)], text) }
    };
    let router = Router::new().route("/metrics", get(shown));
    Front::new(router, tasks, Arc::new(|_| {})).listen(Listener::Browsers(listener), Tls::Off);
}
