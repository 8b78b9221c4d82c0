//! Styles, scripts and typeface, embedded at build time and served under names that change with their content.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

mod table {
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// Long enough that a school day's pages fetch each file once.
const CACHE: &str = "public, max-age=86400";

/// The address of a file; its length stands in the query so that a new build is fetched at once.
pub(crate) fn address(name: &str) -> String {
    let version = table::FILES.iter().find(|(known, _)| *known == name).map_or(0, |(_, bytes)| fingerprint(bytes));
    format!("/assets/{name}?v={version:08x}")
}

pub(crate) async fn asset_show(Path(name): Path<String>) -> Response {
    let Some((name, bytes)) = table::FILES.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, media_type(name)), (header::CACHE_CONTROL, CACHE)], *bytes).into_response()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// FNV-1a, 32 bits: tells builds apart, guards nothing.
fn fingerprint(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
