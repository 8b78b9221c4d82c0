//! What devices need: certificate, proxy address, and whether we are well.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schoolgate_identity::{CaptivePortal, MEDIA_TYPE};

use crate::app::{App, CaCertificate, CaFile};
use crate::client::Client;
use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, internal, shown};
use crate::profiles::{self, Certificate, Setup};
use crate::views::certificate::{CertificatePage, CertificateShown, Check};

/// How the files of certificates are called.
const CA_FILE: &str = "schoolgate-ca";

/// How to set up a device, and how far this one is.
pub(crate) async fn certificate_show(ctx: Ctx) -> PageResult {
    let settings = &ctx.app.settings;
    shown(&CertificatePage {
        frame: ctx.frame("", "Set up a device"),
        certificates: certificates(&ctx),
        pac: settings.pac_address.clone().unwrap_or_default(),
        away: settings.away.as_ref().map(|away| away.gateways.clone()).unwrap_or_default(),
        doh: settings.doh.clone().unwrap_or_default(),
        checks: checks(&ctx),
        address: ctx.client.address.to_string(),
    })
}

/// Those that devices should have, the one in use first.
fn certificates(ctx: &Ctx) -> Vec<CertificateShown> {
    let (ca, moments) = (ctx.app.settings.ca.now(), ctx.moments());
    let is_only = ca.certificates.len() == 1;
    let shown = |(at, one): (usize, &CaCertificate)| CertificateShown {
        is_in_use: at == 0,
        from: one.valid.map(|(from, _)| moments.last_day(from)).unwrap_or_default(),
        until: one.valid.map(|(_, until)| moments.last_day(until)).unwrap_or_default(),
        fingerprint: one.fingerprint.clone(),
        href: if is_only {
            format!("/certificate/{CA_FILE}.crt")
        } else {
            format!("/certificate/{CA_FILE}-{}.crt", at + 1)
        },
    };
    ca.certificates.iter().enumerate().map(shown).collect()
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
    let ca = settings.ca.now();
    if let Some(pem) = ca_file(&ca, &file) {
        return Ok(ca_download(&file, pem));
    }
    let Some(pac) = settings.pac_address.clone() else { return Err(Failure::NotFound) };
    let setup = Setup {
        school: app.control.in_force().built.compiled.school.name.to_string(),
        certificates: Certificate::read_all(&ca.pem()),
        retired: Certificate::read_all(&ca.retired.concat()),
        pac,
        away: settings.away.as_ref().map(|away| away.pac.clone()),
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

/// All certificates that devices should have, or one by its number: what people open by hand takes the first of a file
/// and leaves the others.
fn ca_file(ca: &CaFile, name: &str) -> Option<String> {
    let number = name.strip_prefix(CA_FILE)?.strip_suffix(".crt")?;
    if number.is_empty() {
        return Some(ca.pem()).filter(|pem| !pem.is_empty());
    }
    let at = number.strip_prefix('-')?.parse::<usize>().ok()?.checked_sub(1)?;
    ca.certificates.get(at).map(|one| one.pem.clone())
}

fn ca_download(name: &str, pem: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
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
