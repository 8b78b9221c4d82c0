//! What every answer of the portal carries, and what every change must come with.
//!
//! One layer round all routes, so that no page can forget it: response headers, the origin of a change, the form's
//! token. A handler that runs for a POST has been through all three.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

/// Nothing but our own files; no inline style or script; pages are never framed.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; \
    img-src 'self'; connect-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // A page about a refused site must not tell the next site where its reader came from. `no-referrer` would also make
    // browsers send `Origin: null` with our own forms (Fetch §3.2.2), which are refused.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), interest-cohort=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers; pages are never kept by a cache unless their handler says so.
pub(crate) async fn headers_add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether a request may change anything, judged by its method.
pub(crate) fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a change comes from one of our own pages. Browsers say so in `Sec-Fetch-Site` (Fetch Metadata) and
/// `Origin` (RFC 6454 §7); a client that sends neither is held to the form's token alone.
pub(crate) fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site")
        && site != "same-origin"
    {
        return false;
    }
    match (text("origin"), text("host")) {
        // `null` is what a page without an origin sends, such as a sandboxed frame: never ours.
        (Some(origin), Some(host)) => {
            origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) == Some(host)
        }
        (Some(_), None) => false,
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: bool) {
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(is_own_origin(&map), expected, "{headers:?}");
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        check(&[("host", "portal.test")], true);
        check(&[("host", "portal.test"), ("origin", "https://portal.test")], true);
        check(&[("host", "portal.test"), ("origin", "https://portal.test"), ("sec-fetch-site", "same-origin")], true);
        check(&[("host", "portal.test"), ("origin", "https://evil.test")], false);
        check(&[("host", "portal.test"), ("origin", "null")], false);
        check(&[("host", "portal.test"), ("sec-fetch-site", "cross-site")], false);
        check(&[("host", "portal.test"), ("sec-fetch-site", "same-site")], false);
        check(&[("origin", "https://portal.test")], false);
    }
}
