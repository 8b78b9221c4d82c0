//! What devices need: certificate, proxy address, and whether we are well.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::views::certificate::CertificatePage;

/// How to set up a device.
pub(crate) async fn certificate_show(ctx: Ctx) -> PageResult {
    let settings = &ctx.app.settings;
    let state = if ctx.client.via_proxy {
        "You reached this page through the school's proxy. That part works."
    } else {
        "You reached this page without the school's proxy. Set the address above, then load this page again."
    };
    // The gateway's own address: a device finds the portal's name only once it goes through the gateway.
    let has_gateway = !settings.proxy_address.is_empty();
    let pac = if has_gateway { format!("http://{}/proxy.pac", settings.proxy_address) } else { String::new() };
    shown(&CertificatePage {
        frame: ctx.frame("", "Set up a device"),
        fingerprint: settings.ca_fingerprint.clone(),
        pac,
        state: state.to_owned(),
    })
}

pub(crate) async fn certificate_download(State(app): State<Arc<App>>) -> Response {
    if app.settings.ca_pem.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"schoolgate-ca.crt\""),
    ];
    (headers, app.settings.ca_pem.clone()).into_response()
}

/// The proxy's automatic configuration: everything through us, nothing around us.
pub(crate) async fn pac_show(State(app): State<Arc<App>>) -> Response {
    let proxy = &app.settings.proxy_address;
    if proxy.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let text = format!("function FindProxyForURL(url, host) {{\n  return \"PROXY {proxy}\";\n}}\n");
    ([(header::CONTENT_TYPE, "application/x-ns-proxy-autoconfig")], text).into_response()
}

/// Whether records can be read and rules are in force: for a monitor, without detail.
pub(crate) async fn health_show(State(app): State<Arc<App>>) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    match app.control.offices().await {
        Ok(_) => {
            let edition = app.control.in_force().edition;
            let snapshot = app.control.snapshot().root.number;
            let text = format!("ok\nversion {version}\nrules edition {edition}\nsnapshot {snapshot}\n");
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the records cannot be read\n").into_response(),
    }
}
