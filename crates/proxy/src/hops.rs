//! Headers that belong to one hop and must not be passed on (RFC 9110 §7.6.1), and what a navigation looks like.

use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    COOKIE, EXPECT, HOST, HeaderName, HeaderValue, LOCATION, ORIGIN, REFERER, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, Method, Version};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATE: HeaderName = HeaderName::from_static("proxy-authenticate");
const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Our name in `Via` (RFC 9110 §7.6.3): a pseudonym, so that sites learn nothing of the inside.
const VIA_US: HeaderValue = HeaderValue::from_static("1.1 schoolgate");
const VIA_US_2: HeaderValue = HeaderValue::from_static("2 schoolgate");

/// The value of `Connection` for a change of protocol.
pub(crate) const UPGRADE_ONLY: HeaderValue = HeaderValue::from_static("upgrade");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

const OF_ONE_HOP: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];

/// What frames, routes or decides on a message, and so must stand before it.
const NOT_AFTER_THE_END: [HeaderName; 12] = [
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    CONTENT_RANGE,
    CONTENT_TYPE,
    HOST,
    TRAILER,
    CACHE_CONTROL,
    AUTHORIZATION,
    COOKIE,
    SET_COOKIE,
    LOCATION,
    STRICT_TRANSPORT_SECURITY,
];

/// Headers that `Connection` may not take away: what the message means hangs on them.
fn is_kept(name: &HeaderName) -> bool {
    matches!(name.as_str(), "host" | "content-length" | "cache-control" | "authorization" | "cookie" | "set-cookie")
}

/// Takes away what belongs to the hop it came by in `version`, and adds ours to `Via`. That its reader takes trailers
/// is true of us too, and is said on.
pub(crate) fn pass_on(headers: &mut HeaderMap, version: Version) {
    let takes_trailers = headers.get_all(TE).iter().any(takes_trailers);
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            // By bytes: one name that is none must not keep the others from being taken away.
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .filter(|name| !is_kept(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // RFC 9112 §6.3: where both are there the length is not the body's, and is not passed on.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    for name in OF_ONE_HOP {
        // Comparing is cheaper than the hash of a name that is hardly ever there.
        if headers.keys().any(|header| *header == name) {
            headers.remove(name);
        }
    }
    if takes_trailers {
        headers.insert(TE, TRAILERS);
    }
    headers.append(VIA, if version == Version::HTTP_2 { VIA_US_2 } else { VIA_US });
}

fn takes_trailers(te: &HeaderValue) -> bool {
    te.as_bytes().split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Takes away from trailers what could change how a message is read that has been read already (RFC 9110 §6.5.1).
pub(crate) fn pass_on_trailers(trailers: &mut HeaderMap) {
    for name in OF_ONE_HOP.into_iter().chain(NOT_AFTER_THE_END) {
        trailers.remove(name);
    }
}

/// The protocol that a request wants to change to, if it is one that we carry.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(UPGRADE)?;
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket").then(|| protocol.clone())
}

/// Whether the login of this request belongs to the connection it came by, so that nobody else may be sent over it.
pub(crate) fn binds_connection(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(AUTHORIZATION) else { return false };
    let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
}

/// Whether a person is looking at what comes back, so that it can be a page of the portal. A picture or script that
/// got a page would only break in ways that nobody understands.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    if let Some(mode) = headers.get(SEC_FETCH_MODE) {
        let is_document = headers.get(SEC_FETCH_DEST).is_none_or(|dest| dest == "document");
        return mode == "navigate" && is_document;
    }
    if method != Method::GET && method != Method::HEAD {
        return false;
    }
    let Some(accept) = headers.get(ACCEPT) else { return true };
    let accept = accept.as_bytes();
    let wants_html = accept.windows(9).any(|part| part.eq_ignore_ascii_case(b"text/html"));
    // `Accept: */*` without a page behind it is a program such as curl.
    wants_html || (accept == b"*/*" && !headers.contains_key(REFERER) && !headers.contains_key(ORIGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn headers_of_one_hop_are_taken_away() {
        let mut map = headers(&[
            ("host", "news.example"),
            ("connection", "close, X-Secret, Host"),
            ("x-secret", "1"),
            ("proxy-authorization", "Basic abc"),
            ("proxy-connection", "keep-alive"),
            ("te", "deflate;q=0.5"),
            ("accept", "*/*"),
        ]);
        pass_on(&mut map, Version::HTTP_11);
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host", "via"]);
    }

    #[test]
    fn a_name_that_is_none_does_not_keep_the_others() {
        let mut map = headers(&[("x-secret", "1")]);
        map.insert(CONNECTION, HeaderValue::from_bytes(b"close, X-Secret, H\xefst").unwrap());
        pass_on(&mut map, Version::HTTP_11);
        assert_eq!(map.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["via"]);
    }

    #[test]
    fn a_length_beside_a_transfer_encoding_is_taken_away() {
        let mut map = headers(&[("content-length", "3"), ("transfer-encoding", "chunked")]);
        pass_on(&mut map, Version::HTTP_11);
        assert!(!map.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn that_trailers_are_taken_is_said_on_and_framing_in_them_is_not() {
        let mut map = headers(&[("te", "gzip, Trailers"), ("connection", "te")]);
        pass_on(&mut map, Version::HTTP_2);
        assert_eq!((map[TE].as_bytes(), map[VIA].as_bytes()), (&b"trailers"[..], &b"2 schoolgate"[..]));
        let mut trailers = headers(&[("grpc-status", "0"), ("content-length", "3"), ("connection", "close")]);
        pass_on_trailers(&mut trailers);
        assert_eq!(trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["grpc-status"]);
    }

    #[track_caller]
    fn check_navigation(method: Method, lines: &[(&'static str, &'static str)], expected: bool) {
        assert_eq!(is_navigation(&method, &headers(lines)), expected, "{method} {lines:?}");
    }

    #[test]
    fn navigations_are_told_from_parts_of_pages() {
        check_navigation(Method::GET, &[("accept", "text/html,*/*;q=0.8")], true);
        check_navigation(Method::GET, &[("accept", "*/*")], true);
        check_navigation(Method::GET, &[("accept", "*/*"), ("referer", "http://a.example/")], false);
        check_navigation(Method::GET, &[("accept", "image/avif,*/*;q=0.8")], false);
        check_navigation(Method::POST, &[("accept", "text/html")], false);
        check_navigation(Method::POST, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], true);
        check_navigation(Method::GET, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], false);
        check_navigation(Method::GET, &[("sec-fetch-mode", "no-cors"), ("accept", "text/html")], false);
    }
}
