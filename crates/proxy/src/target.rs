//! What a request asks for, read strictly: two readers of one request must never see two sites.

use std::net::SocketAddr;

use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, Uri, Version};
use schoolgate_base::{Host, normal_path};

use crate::failure::Failure;

/// Longest path and query that is judged and forwarded, in bytes.
const PATH_MAX: usize = 32 * 1024;

/// Ports on which something else than HTTP listens, which would read a request as words of its own (Fetch standard, "bad
/// port"). In order.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// A site as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Site {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// What is asked of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `GET http://site/path`
    Forward { site: Site, path: Box<str> },
    /// `CONNECT site:443`
    Connect(Site),
    /// `GET /path`: meant for us.
    Own { path: Box<str> },
}

impl Site {
    pub(crate) fn has_bad_port(&self) -> bool {
        BAD_PORTS.binary_search(&self.port).is_ok()
    }

    /// How the `Host` header names it on a scheme whose own port is `default_port`.
    pub(crate) fn authority(&self, default_port: u16) -> String {
        let mut text = match &self.host {
            Host::Name(name) => name.as_str().to_owned(),
            Host::Address(_) => self.host.to_string(),
        };
        if self.port != default_port {
            text.push(':');
            text.push_str(&self.port.to_string());
        }
        text
    }
}

/// Reads the target of a request that came to the proxy's port.
pub(crate) fn read<B>(request: &Request<B>) -> Result<Target, Failure> {
    check_hosts(request.headers())?;
    let uri = request.uri();
    if request.method() == Method::CONNECT {
        return connect_site(uri).map(Target::Connect);
    }
    match uri.scheme_str() {
        Some("http") => {
            let authority = uri.authority().ok_or(Failure::Malformed("authority"))?;
            let site = site_of(authority.as_str(), 80)?;
            Ok(Target::Forward { site, path: path_of(uri)? })
        }
        // Nobody sends `GET https://…` in the clear to a proxy; forwarding it would be plain text on a TLS port.
        Some(_) => Err(Failure::Malformed("scheme")),
        None => Ok(Target::Own { path: path_of(uri)? }),
    }
}

/// Reads the site and path of a request whose client dialled `dialled` and knows of no proxy. `Host` names the site; only
/// a client of HTTP/1.0 that names none means the address.
pub(crate) fn read_direct<B>(request: &Request<B>, dialled: SocketAddr) -> Result<(Site, Box<str>), Failure> {
    check_hosts(request.headers())?;
    if request.method() == Method::CONNECT {
        return Err(Failure::Malformed("method"));
    }
    if request.uri().scheme().is_some_and(|scheme| *scheme != Scheme::HTTP) {
        return Err(Failure::Malformed("scheme"));
    }
    let site = match (request.uri().authority(), request.headers().get(HOST)) {
        (authority, Some(host)) => {
            let site = site_of(host.to_str().map_err(|_| Failure::Malformed("host"))?, 80)?;
            if authority.is_some_and(|authority| site_of(authority.as_str(), 80).as_ref() != Ok(&site)) {
                return Err(Failure::Malformed("host"));
            }
            site
        }
        (None, None) if request.version() == Version::HTTP_10 => {
            Site { host: Host::Address(dialled.ip()), port: dialled.port() }
        }
        (_, None) => return Err(Failure::Malformed("host")),
    };
    if site.port != dialled.port() {
        return Err(Failure::Misdirected);
    }
    Ok((site, path_of(request.uri())?))
}

/// Reads the path of a request inside a decrypted connection to `site`, which its `Host` must name.
pub(crate) fn read_inner<B>(request: &Request<B>, site: &Site) -> Result<Box<str>, Failure> {
    // A tunnel inside would carry what nobody decided on.
    if request.method() == Method::CONNECT {
        return Err(Failure::Malformed("method"));
    }
    if request.uri().scheme().is_some_and(|scheme| *scheme != Scheme::HTTPS) {
        return Err(Failure::Malformed("scheme"));
    }
    check_hosts(request.headers())?;
    let named = match (request.uri().authority(), request.headers().get(HOST)) {
        (Some(authority), Some(host)) => {
            // RFC 9113 §8.3.1: two names for one request are one too many.
            let host = host.to_str().map_err(|_| Failure::Malformed("host"))?;
            if site_of(host, 443)? != site_of(authority.as_str(), 443)? {
                return Err(Failure::Malformed("host"));
            }
            authority.as_str()
        }
        (Some(authority), None) => authority.as_str(),
        (None, Some(host)) => host.to_str().map_err(|_| Failure::Malformed("host"))?,
        (None, None) => return Err(Failure::Malformed("host")),
    };
    if site_of(named, 443)? != *site {
        return Err(Failure::Misdirected);
    }
    path_of(request.uri())
}

/// RFC 9112 §3.2: more than one `Host` is refused.
fn check_hosts(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.get_all(HOST).iter().nth(1).is_some() { Err(Failure::Malformed("host")) } else { Ok(()) }
}

fn connect_site(uri: &Uri) -> Result<Site, Failure> {
    let malformed = Failure::Malformed("authority");
    let authority = uri.authority().ok_or(malformed)?;
    // RFC 9110 §9.3.6: there is no default port.
    if uri.scheme().is_some() || authority.port_u16().is_none() {
        return Err(malformed);
    }
    site_of(authority.as_str(), 443)
}

fn site_of(authority: &str, default_port: u16) -> Result<Site, Failure> {
    let malformed = Failure::Malformed("authority");
    // RFC 9110 §4.2.4: a name and password in an address are a trick more often than a need.
    if authority.contains('@') {
        return Err(malformed);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port_of(port).ok_or(malformed)?),
        _ => (authority, default_port),
    };
    // RFC 3986 §3.2.2: an IPv6 address stands in brackets. In `2001:db8::1:80` one reader sees a port and another none.
    if port == 0 || (host.contains(':') && !host.starts_with('[')) {
        return Err(malformed);
    }
    Ok(Site { host: Host::parse(host).map_err(|_| malformed)?, port })
}

/// RFC 3986 §3.2.3: digits, and no sign before them.
fn port_of(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn path_of(uri: &Uri) -> Result<Box<str>, Failure> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if PATH_MAX < path.len() {
        return Err(Failure::Malformed("path"));
    }
    // `OPTIONS *` and an absolute address without a path.
    if !path.starts_with('/') {
        return Ok(format!("/{}", path.trim_start_matches('*')).into());
    }
    match dots_of(path) {
        Dots::None => Ok(path.into()),
        // Servers differ on `/a//../b`, so the site gets the form that is judged. Browsers send no dot segments.
        Dots::Plain => Ok(normal_path(path).into()),
        Dots::Hidden => Err(Failure::Malformed("path")),
    }
}

/// Dot segments of a path.
enum Dots {
    None,
    Plain,
    /// What only some servers take for a step upwards: `/..%2Fa`, `/..;x/a`.
    Hidden,
}

fn dots_of(path_and_query: &str) -> Dots {
    let path = path_and_query.split('?').next().unwrap_or_default();
    if !path.contains("..") && !path.contains("/.") && !path.contains(['%', '\\']) {
        return Dots::None;
    }
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace('\\', "/");
    let revealed = path.replace("%2f", "/").replace("%5c", "/").replace("%3b", ";");
    // A step upwards is hidden when it is one more than the path shows.
    let steps = |path: &str| path.split('/').filter(|segment| *segment == "..").count();
    let possible = revealed.split('/').filter(|segment| segment.split(';').next() == Some("..")).count();
    if steps(&path) < possible {
        Dots::Hidden
    } else if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        Dots::Plain
    } else {
        Dots::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, uri: &str, expected: Result<(&str, u16, &str), Failure>) {
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let read = read(&request).map(|target| match target {
            Target::Forward { site, path } => (site.host.to_string(), site.port, path),
            Target::Connect(site) => (site.host.to_string(), site.port, "".into()),
            Target::Own { path } => (String::new(), 0, path),
        });
        let expected = expected.map(|(host, port, path)| (host.to_owned(), port, path.into()));
        assert_eq!(read, expected, "{method} {uri}");
    }

    #[test]
    fn targets_are_read_strictly() {
        check("GET", "http://News.Example./a?b=c", Ok(("news.example", 80, "/a?b=c")));
        check("GET", "http://news.example:8080", Ok(("news.example", 8080, "/")));
        check("GET", "http://[2001:db8::1]/", Ok(("[2001:db8::1]", 80, "/")));
        check("GET", "/proxy.pac", Ok(("", 0, "/proxy.pac")));
        check("CONNECT", "news.example:443", Ok(("news.example", 443, "")));
        check("CONNECT", "[::1]:443", Ok(("[::1]", 443, "")));
        check("GET", "http://news.example/exam/%2e%2e/games//x?y=../z", Ok(("news.example", 80, "/games/x?y=../z")));
        check("GET", "http://news.example/web//%7Ea..b/.c", Ok(("news.example", 80, "/web//%7Ea..b/.c")));
        for hidden in ["/exam/..%2Fgames", "/exam%2f..%2fgames", "/exam/%2e.;x=1/games", "/exam/..%5cgames"] {
            check("GET", &format!("http://news.example{hidden}"), Err(Failure::Malformed("path")));
        }
        let authority = Err(Failure::Malformed("authority"));
        check("CONNECT", "news.example", authority);
        check("GET", "http://127.1/", authority);
        check("GET", "http://user@news.example/", authority);
        check("GET", "http://news.example:0/", authority);
        check("GET", "http://news.example:+80/", authority);
        check("GET", "https://news.example/", Err(Failure::Malformed("scheme")));
    }

    #[track_caller]
    fn check_direct(uri: &str, hosts: &[&str], version: Version, expected: Result<(&str, u16, &str), Failure>) {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let read = read_direct(&request.body(()).unwrap(), "192.0.2.1:80".parse().unwrap());
        let read = read.map(|(site, path)| (site.host.to_string(), site.port, path));
        assert_eq!(read, expected.map(|(host, port, path)| (host.to_owned(), port, path.into())), "{uri} {hosts:?}");
    }

    #[test]
    fn the_site_of_an_intercepted_request_is_the_one_it_names() {
        let (one, old) = (Version::HTTP_11, Version::HTTP_10);
        let host = Err(Failure::Malformed("host"));
        check_direct("/a", &["News.Example"], one, Ok(("news.example", 80, "/a")));
        check_direct("/a", &["news.example:80"], one, Ok(("news.example", 80, "/a")));
        check_direct("/a", &["192.0.2.9"], one, Ok(("192.0.2.9", 80, "/a")));
        check_direct("/a", &[], old, Ok(("192.0.2.1", 80, "/a")));
        check_direct("http://news.example/a", &["news.example"], one, Ok(("news.example", 80, "/a")));
        check_direct("/a", &[], one, host);
        check_direct("/a", &["news.example", "bet.example"], one, host);
        check_direct("http://bet.example/a", &["news.example"], one, host);
        check_direct("http://bet.example/a", &[], old, host);
        check_direct("/a", &["news.example:25"], one, Err(Failure::Misdirected));
        let authority = Err(Failure::Malformed("authority"));
        for two_ways in ["news.example:+80", "2001:db8::1:80", "1::2:3", "news.example:"] {
            check_direct("/a", &[two_ways], one, authority);
        }
        check_direct("https://news.example/a", &["news.example"], one, Err(Failure::Malformed("scheme")));
    }

    #[test]
    fn bad_ports_are_in_order() {
        assert!(BAD_PORTS.is_sorted());
        let has = |port| Site { host: "news.example".parse().unwrap(), port }.has_bad_port();
        assert!(has(22) && has(25) && has(10080) && !has(80) && !has(8080));
    }

    #[test]
    fn an_inner_request_must_be_for_the_site_of_its_connection() {
        let site = Site { host: "news.example".parse().unwrap(), port: 443 };
        let request = |host: &str| Request::builder().uri("/a").header(HOST, host).body(()).unwrap();
        assert_eq!(read_inner(&request("news.example"), &site), Ok("/a".into()));
        assert_eq!(read_inner(&request("NEWS.example:443"), &site), Ok("/a".into()));
        assert_eq!(read_inner(&request("bet.example"), &site), Err(Failure::Misdirected));
        let tunnel = Request::builder().method("CONNECT").uri("news.example:443").body(()).unwrap();
        assert_eq!(read_inner(&tunnel, &site), Err(Failure::Malformed("method")));
        let twice =
            Request::builder().uri("/").header(HOST, "news.example").header(HOST, "b.example").body(()).unwrap();
        assert_eq!(read_inner(&twice, &site), Err(Failure::Malformed("host")));
    }
}
