//! Safe search, as the engines themselves offer it to networks.
//!
//! Only the engines named here can be held to it, and only where their addresses are seen: in plain HTTP and inside
//! decrypted connections.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use schoolgate_base::{Host, HostName};

/// How an engine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A parameter of the address, in place of what it said before.
    Parameter(&'static str, &'static str),
    Header(&'static str, &'static str),
}

/// Parameters that hold what is searched for.
const TERMS: [&str; 3] = ["q", "p", "query"];

/// Names without the country at their end, and what they want to be told. Sources: the engines' pages for
/// administrators (Google "Lock SafeSearch", Bing "Block adult content", YouTube "Restricted Mode by HTTP header").
const ENGINES: [(&str, Told); 9] = [
    ("google", Told::Parameter("safe", "active")),
    ("bing.com", Told::Parameter("adlt", "strict")),
    ("duckduckgo.com", Told::Parameter("kp", "1")),
    ("search.yahoo.com", Told::Parameter("vm", "r")),
    ("search.brave.com", Told::Parameter("safesearch", "strict")),
    ("youtube.com", Told::Header("youtube-restrict", "Strict")),
    ("youtube-nocookie.com", Told::Header("youtube-restrict", "Strict")),
    ("youtubei.googleapis.com", Told::Header("youtube-restrict", "Strict")),
    ("youtube.googleapis.com", Told::Header("youtube-restrict", "Strict")),
];

/// Whether this host can be held to safe search.
pub(crate) fn is_engine(host: &Host) -> bool {
    host.name().and_then(told).is_some()
}

/// The path with safe search in it, where it has to be another than it was; sets the header where that is the way.
pub(crate) fn hold(host: &Host, method: &Method, path: &str, headers: &mut HeaderMap) -> Option<String> {
    match host.name().and_then(told)? {
        Told::Parameter(name, value) => with_parameter(method, path, name, value),
        Told::Header(name, value) => {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            None
        }
    }
}

fn told(host: &HostName) -> Option<Told> {
    let found = ENGINES.iter().find(|(engine, _)| match *engine {
        // `google.com`, `www.google.co.uk`: the label, with a short country after it.
        "google" => is_google(host),
        engine => HostName::parse(engine).is_ok_and(|engine| host.is_within(&engine)),
    });
    found.map(|(_, told)| *told)
}

fn is_google(host: &HostName) -> bool {
    let labels: Vec<&str> = host.as_str().rsplit('.').collect();
    matches!(
        labels.as_slice(),
        [_, "google"]
            | [_, "google", "www" | "images"]
            | [_, "co" | "com", "google"]
            | [_, "co" | "com", "google", "www" | "images"]
    )
}

fn with_parameter(method: &Method, path: &str, name: &str, value: &str) -> Option<String> {
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    let is_search = query.split('&').any(|pair| TERMS.contains(&key(pair).as_str()));
    // What a POST looks for stands in its body, which nobody here reads.
    if !is_search && *method != Method::POST {
        return None;
    }
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && key(pair) != name).collect();
    let held = format!("{name}={value}");
    pairs.push(&held);
    Some(format!("{before}?{}", pairs.join("&")))
}

/// The name of a parameter as the engine reads it: `%71=cats` is a search as well.
fn key(pair: &str) -> String {
    form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, path: &str, expected: Option<&str>) {
        let held = hold(&host.parse().unwrap(), &Method::GET, path, &mut HeaderMap::new());
        assert_eq!(held.as_deref(), expected, "{host}{path}");
    }

    #[test]
    fn searches_are_held_whatever_they_said_before() {
        check("www.google.com", "/search?q=cats", Some("/search?q=cats&safe=active"));
        check("www.google.co.uk", "/search?safe=off&q=cats&SAFE=images", Some("/search?q=cats&safe=active"));
        check("www.bing.com", "/images/search?q=cats&adlt=off", Some("/images/search?q=cats&adlt=strict"));
        check("duckduckgo.com", "/?q=cats", Some("/?q=cats&kp=1"));
        check("search.yahoo.com", "/search?p=cats", Some("/search?p=cats&vm=r"));
    }

    #[test]
    fn a_search_is_held_however_it_is_spelled() {
        check("www.google.com", "/search?%71=cats", Some("/search?%71=cats&safe=active"));
        check("www.google.com", "/search?%51=cats&s%61fe=off", Some("/search?%51=cats&safe=active"));
        let posted = |path| hold(&"duckduckgo.com".parse().unwrap(), &Method::POST, path, &mut HeaderMap::new());
        assert_eq!(posted("/html/").as_deref(), Some("/html/?kp=1"));
        assert_eq!(posted("/html/?kp=-2&x").as_deref(), Some("/html/?x&kp=1"));
    }

    #[test]
    fn nothing_else_is_touched() {
        check("www.google.com", "/", None);
        check("www.google.com", "/maps?ll=1", None);
        check("docs.google.com", "/document?q=1", None);
        check("google.evil.example", "/search?q=cats", None);
        check("notbing.com", "/search?q=cats", None);
    }

    #[test]
    fn videos_are_asked_for_by_header() {
        for host in ["m.youtube.com", "youtubei.googleapis.com", "youtube.googleapis.com"] {
            let mut headers = HeaderMap::new();
            assert_eq!(hold(&host.parse().unwrap(), &Method::GET, "/results?q=cats", &mut headers), None);
            assert_eq!(headers.get("youtube-restrict").unwrap(), "Strict", "{host}");
        }
        assert!(!is_engine(&"storage.googleapis.com".parse().unwrap()));
    }
}
