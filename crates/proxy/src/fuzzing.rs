//! What fuzz targets call: what a request asks for, the headers of one hop, and addresses that are held to safe search.

use std::str::FromStr;

use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, VIA};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Uri, Version};
use http_body_util::Empty;
use schoolgate_base::Host;

use crate::expect::Expectation;
use crate::target::{Site, Target, read, read_direct, read_inner};
use crate::{hops, message, safe_search, websocket};

/// Method, target and version in the first line, headers in the others; `None` for what the HTTP library refuses.
fn request(data: &[u8]) -> Option<Request<Empty<&'static [u8]>>> {
    let (first, rest) = data.split_at_checked(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()))?;
    let mut words = first.split(|byte| *byte == b' ');
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::from_bytes(words.next()?).ok()?;
    *request.uri_mut() = Uri::try_from(words.next()?).ok()?;
    if words.next() == Some(b"HTTP/1.0") {
        *request.version_mut() = Version::HTTP_10;
    }
    *request.headers_mut() = headers(rest);
    Some(request)
}

fn headers(lines: &[u8]) -> HeaderMap {
    let pair = |line: &[u8]| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        Some((HeaderName::from_bytes(name).ok()?, value))
    };
    lines.split(|byte| *byte == b'\n').filter_map(pair).collect()
}

/// A site that was read is the one that the HTTP library's reader of authorities sees, and is read again as it is written;
/// a path that was judged is judged the same again, goes to the site as it is, and has no step upwards in any spelling.
pub fn request_target(data: &[u8]) {
    let Some(request) = request(data) else { return };
    match read(&request) {
        Ok(Target::Forward { site, path }) => {
            check_site(&site, request.uri().authority(), 80);
            check_path(&request, &site, &path);
        }
        Ok(Target::Connect(site)) => check_site(&site, request.uri().authority(), 443),
        Ok(Target::Own { path }) => assert!(path.starts_with('/'), "{path}"),
        Err(_) => {}
    }
    let host = request.headers().get(HOST).and_then(|host| Authority::from_str(host.to_str().ok()?).ok());
    let dialled = ([192, 0, 2, 1], host.as_ref().and_then(Authority::port_u16).unwrap_or(80)).into();
    if let Ok((site, path)) = read_direct(&request, dialled) {
        if request.headers().contains_key(HOST) {
            check_site(&site, host.as_ref(), 80);
        }
        check_path(&request, &site, &path);
    }
    let named = request.uri().authority().or(host.as_ref());
    let inner = named
        .and_then(|named| Some(Site { host: Host::parse(named.host()).ok()?, port: named.port_u16().unwrap_or(443) }));
    if let Some(site) = inner
        && let Ok(path) = read_inner(&request, &site)
    {
        check_path(&request, &site, &path);
    }
}

fn check_site(site: &Site, theirs: Option<&Authority>, default_port: u16) {
    let Some(theirs) = theirs else { unreachable!("{site:?} was read where there is none") };
    assert_eq!(Host::parse(theirs.host()).as_ref(), Ok(&site.host), "{theirs}");
    assert_eq!(theirs.port_u16().unwrap_or(default_port), site.port, "{theirs}");
    let is_number = theirs.port().is_none_or(|port| port.as_str().bytes().all(|byte| byte.is_ascii_digit()));
    assert!(is_number && !theirs.as_str().contains('@'), "{theirs}");
    let Ok(again) = Authority::from_str(&site.authority(default_port)) else { unreachable!("{site:?}") };
    assert_eq!(Host::parse(again.host()).as_ref(), Ok(&site.host), "{again}");
    assert_eq!(again.port_u16().unwrap_or(default_port), site.port, "{again}");
}

fn check_path(request: &Request<Empty<&'static [u8]>>, site: &Site, path: &str) {
    assert!(path.starts_with('/') && !path.contains('#'), "{path}");
    let revealed = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let revealed = [("%2e", "."), ("\\", "/"), ("%2f", "/"), ("%5c", "/"), ("%3b", ";")]
        .iter()
        .fold(revealed, |path, (from, to)| path.replace(from, to));
    let is_step = |segment: &str| segment.split(';').next() == Some("..");
    assert!(!revealed.split('/').any(is_step), "{path} steps upwards");
    let Ok(uri) = message::origin_form(request.uri(), path) else { unreachable!("{path} cannot be sent") };
    assert_eq!(uri.path_and_query().map(|path| path.as_str()), Some(path));
    let authority = site.authority(80);
    let mut sent = request.clone();
    *sent.uri_mut() = uri;
    for version in [Version::HTTP_11, Version::HTTP_2, Version::HTTP_11] {
        assert!(message::fit(&mut sent, version, &authority).is_ok(), "{authority}{path}");
        assert_eq!(sent.uri().path_and_query().map(|path| path.as_str()), Some(path));
    }
    assert_eq!(sent.headers().get(HOST).map(HeaderValue::as_bytes), Some(authority.as_bytes()));
    let again = Request::get(format!("http://{authority}{path}")).body(()).map(|request| read(&request));
    assert_eq!(again.ok(), Some(Ok(Target::Forward { site: site.clone(), path: path.into() })), "{authority}{path}");
}

/// Nothing of one hop goes on: neither what is so by its name nor what `Connection` names; and nothing after a body that
/// would frame or route it.
pub fn hop_headers(data: &[u8]) {
    let map = headers(data);
    let named: Vec<HeaderName> = map
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    let kept = ["host", "content-length", "cache-control", "authorization", "cookie", "set-cookie", "te", "via"];
    let mut passed = map.clone();
    hops::pass_on(&mut passed, Version::HTTP_11);
    for name in named.iter().filter(|name| !kept.contains(&name.as_str())) {
        assert!(!passed.contains_key(name), "{name} goes on");
    }
    for name in ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "upgrade"]
    {
        assert!(!passed.contains_key(name), "{name} goes on");
    }
    assert!(passed.get_all(TE).iter().all(|te| te == "trailers"));
    assert!(!map.contains_key(TRANSFER_ENCODING) || !passed.contains_key("content-length"));
    assert!(passed.get_all(VIA).iter().next_back().is_some_and(|via| via == "1.1 schoolgate"));
    let mut trailers = map.clone();
    hops::pass_on_trailers(&mut trailers);
    for name in ["content-length", "transfer-encoding", "host", "set-cookie", "connection", "te"] {
        assert!(!trailers.contains_key(name), "{name} after the end");
    }
    let _ = (hops::is_navigation(&Method::GET, &map), hops::binds_connection(&map));
    assert!(hops::wanted_upgrade(&map).is_none_or(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")));
    let mut asked = Request::new(());
    *asked.headers_mut() = map;
    let (head, ()) = asked.into_parts();
    assert!(Expectation::of(&head).is_none() || head.headers.contains_key("expect"));
    let mut answer = http::Response::new(());
    *answer.headers_mut() = head.headers;
    let is_accepted = websocket::is_accepted(&answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(!is_accepted || answer.headers().contains_key("sec-websocket-accept"));
}

/// A search that is held says what it has to and says it once, and is held already when it comes again. The input is an
/// address without its scheme.
pub fn safe_search(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (host, path) = text.split_at_checked(text.find('/').unwrap_or(text.len())).unwrap_or((text, ""));
    let Ok(host) = Host::parse(host) else { return };
    let hold = |path: &str| safe_search::hold(&host, &Method::GET, path, &mut HeaderMap::new());
    let Some(held) = hold(path) else { return };
    assert!(safe_search::is_engine(&host), "{host}");
    assert_eq!(hold(&held).as_deref(), Some(&*held), "{host}{path}");
    let (_, query) = held.split_once('?').unwrap_or_default();
    let (name, value) = query.rsplit('&').next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
    let said: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key.eq_ignore_ascii_case(name)).collect();
    assert!(said.len() == 1 && said.iter().all(|(_, said)| said == value), "{host}{held}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("request_target", super::request_target),
            ("hop_headers", super::hop_headers),
            ("safe_search", super::safe_search),
        ];
        schoolgate_testkit::fuzz::hold(targets, 200_000);
    }
}
