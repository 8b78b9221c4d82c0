//! What devices need: certificate, proxy address, and whether we are well.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schoolgate_identity::{CaptivePortal, MEDIA_TYPE};

use crate::app::App;
use crate::client::Client;
use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, internal, shown};
use crate::profiles::{self, Certificate, Setup};
use crate::views::certificate::{CertificatePage, Check};

/// How to set up a device, and how far this one is.
pub(crate) async fn certificate_show(ctx: Ctx) -> PageResult {
    let settings = &ctx.app.settings;
    shown(&CertificatePage {
        frame: ctx.frame("", "Set up a device"),
        fingerprint: settings.ca.now().fingerprint,
        pac: settings.pac_address.clone().unwrap_or_default(),
        doh: settings.doh.clone().unwrap_or_default(),
        checks: checks(&ctx),
        address: ctx.client.address.to_string(),
    })
}

/// What this page's own way here says of the device. A page that came through the gateway came under a certificate of
/// the school's CA.
fn checks(ctx: &Ctx) -> Vec<Check> {
    let name = &ctx.app.settings.portal_name;
    if ctx.client.via_proxy {
        return vec![
            Check::good("This page came through the school's gateway."),
            Check::good(
                "It came with a certificate that the school made. If your browser warned you before it showed the \
                 page, the certificate is not installed here; if it did not, it is.",
            ),
        ];
    }
    vec![
        Check::bad("This page came without the school's gateway. Set the way to the internet, below, and look again."),
        Check::open(format!(
            "Whether the certificate is installed shows only through the gateway. Then open https://{name}/certificate: \
             a page without a warning means yes."
        )),
    ]
}

/// Settings for many devices, as a file for their management.
pub(crate) async fn profile_download(State(app): State<Arc<App>>, Path(file): Path<String>) -> PageResult {
    let settings = &app.settings;
    let Some(pac) = settings.pac_address.clone() else { return Err(Failure::NotFound) };
    let setup = Setup {
        school: app.control.in_force().built.compiled.school.name.to_string(),
        certificates: Certificate::read_all(&settings.ca.now().pem),
        pac,
        doh: settings.doh.clone(),
    };
    let (kind, text) = match file.as_str() {
        "schoolgate.mobileconfig" => ("application/x-apple-aspen-config", profiles::apple(&setup)),
        "schoolgate.json" => ("application/json", Ok(format!("{:#}\n", profiles::chromium(&setup)))),
        "policies.json" => ("application/json", Ok(format!("{:#}\n", profiles::firefox(&setup, &[])))),
        "schoolgate.ps1" => ("text/plain; charset=utf-8", profiles::windows(&setup)),
        "schoolgate.sh" => ("text/plain; charset=utf-8", profiles::linux(&setup)),
        _ => return Err(Failure::NotFound),
    };
    let text = text.map_err(internal)?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
    ];
    Ok((headers, text).into_response())
}

pub(crate) async fn certificate_download(State(app): State<Arc<App>>) -> Response {
    let pem = app.settings.ca.now().pem;
    if pem.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"schoolgate-ca.crt\""),
    ];
    (headers, pem).into_response()
}

/// The proxy's automatic configuration, the same as the gateway's own.
pub(crate) async fn pac_show(State(app): State<Arc<App>>, Extension(client): Extension<Client>) -> Response {
    let Some(pac) = &app.pac else { return StatusCode::NOT_FOUND.into_response() };
    let text = pac(client.address);
    ([(header::CONTENT_TYPE, "application/x-ns-proxy-autoconfig")], text).into_response()
}

/// Whether the web is open to the device that asks (RFC 8908).
pub(crate) async fn captive_show(State(app): State<Arc<App>>, Extension(client): Extension<Client>) -> Response {
    let Some(look) = &app.look else { return StatusCode::NOT_FOUND.into_response() };
    // Devices ask again where they hear nothing; what is not known is not said.
    let Some(open) = look(client.address).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let user_portal = format!("https://{}/", app.settings.portal_name);
    let portal = CaptivePortal { user_portal: &user_portal, venue_info: None };
    // RFC 8908 §5: the answer is this device's own.
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "private, no-store")];
    (headers, portal.answer(open, app.control.now())).into_response()
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
