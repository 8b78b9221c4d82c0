//! A request as its site gets it, in the version of HTTP that was agreed on with the site.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Uri, Version};
use hyper::body::Body;

use crate::failure::Failure;

/// The path that was judged, and nothing else.
pub(crate) fn origin_form(uri: &Uri, judged: &str) -> Result<Uri, Failure> {
    // Shares the bytes that were read. Of `http://site#top` there are none: they are shown as `/` and written as nothing.
    let shared = uri.path_and_query().filter(|path| path.as_str() == judged).cloned().map(Uri::from);
    match shared.filter(|shared| !shared.path().is_empty()) {
        Some(shared) => Ok(shared),
        None => judged.parse().map_err(|_| Failure::Malformed("path")),
    }
}

/// Puts `request` into the form of `version`. Whatever the client wrote into `Host` or `:authority` is replaced by the
/// target that was judged (RFC 9112 §3.2.2, RFC 9113 §8.3.1). May be called again for another version.
pub(crate) fn fit<B: Body>(request: &mut Request<B>, version: Version, authority: &str) -> Result<(), Failure> {
    if version == Version::HTTP_2 {
        into_two(request, authority)?;
    } else {
        into_one(request, authority)?;
    }
    *request.version_mut() = version;
    Ok(())
}

fn into_one<B: Body>(request: &mut Request<B>, authority: &str) -> Result<(), Failure> {
    if request.uri().scheme().is_some() {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    }
    // hyper writes a body without a length as chunks by itself, except for methods that rarely have one.
    let has_body = !request.body().is_end_stream();
    let headers = request.headers_mut();
    if has_body && !headers.contains_key(CONTENT_LENGTH) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    headers.insert(HOST, HeaderValue::from_str(authority).map_err(|_| Failure::Malformed("host"))?);
    join_cookies(headers);
    // RFC 9110 §10.1.4: `TE` is of this hop, and says so.
    if headers.contains_key(TE) && !headers.contains_key(UPGRADE) {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    Ok(())
}

fn into_two<B>(request: &mut Request<B>, authority: &str) -> Result<(), Failure> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(authority.parse().map_err(|_| Failure::Malformed("host"))?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Failure::Malformed("path"))?;
    for name in [HOST, CONNECTION, TRANSFER_ENCODING, EXPECT] {
        request.headers_mut().remove(name);
    }
    Ok(())
}

/// RFC 9113 §8.2.3: HTTP/2 may cut cookies apart, and HTTP/1.1 has one line of them.
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Empty, Full};

    use super::*;

    fn request() -> Request<Empty<&'static [u8]>> {
        let request = Request::builder().uri("/a?b=c").header(COOKIE, "one=1").header(COOKIE, "two=2");
        request.header(TE, "trailers").body(Empty::new()).unwrap()
    }

    #[test]
    fn a_request_changes_its_form_and_back() {
        let mut request = request();
        fit(&mut request, Version::HTTP_2, "news.example").unwrap();
        assert_eq!(request.uri(), "https://news.example/a?b=c");
        assert!(!request.headers().contains_key(HOST) && !request.headers().contains_key(CONNECTION));
        assert_eq!(request.headers().get_all(COOKIE).iter().count(), 2);
        fit(&mut request, Version::HTTP_11, "news.example:8443").unwrap();
        assert_eq!(request.uri(), "/a?b=c");
        assert_eq!(request.headers()[HOST], "news.example:8443");
        assert_eq!(request.headers()[COOKIE], "one=1; two=2");
        assert_eq!(request.headers()[CONNECTION], "te");
    }

    #[test]
    fn an_address_without_a_path_and_with_a_fragment_asks_for_the_root() {
        let uri: Uri = "http://news.example#top".parse().unwrap();
        assert_eq!(origin_form(&uri, "/").unwrap().to_string(), "/");
    }

    #[test]
    fn a_body_without_a_length_goes_in_chunks() {
        let mut request = Request::builder().method("GET").uri("/").body(Full::<&[u8]>::from(&b"body"[..])).unwrap();
        fit(&mut request, Version::HTTP_11, "news.example").unwrap();
        assert_eq!(request.headers()[TRANSFER_ENCODING], "chunked");
        fit(&mut request, Version::HTTP_2, "news.example").unwrap();
        assert!(!request.headers().contains_key(TRANSFER_ENCODING));
    }
}
