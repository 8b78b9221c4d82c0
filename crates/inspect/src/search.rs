//! What a person searched for, from the address of a search engine's page.

use schoolgate_base::HostName;
use serde::{Deserialize, Serialize};

/// How much of a query string is read, in bytes.
pub(crate) const QUERY_MAX_BYTES: usize = 8 * 1024;

/// A site on which people search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchEngine {
    /// The host, also with `www.` before it. `google.*` stands for Google in every country (one or two labels for
    /// `*`), `*.search.yahoo.com` for everything below.
    pub host: Box<str>,
    /// Names of the parameters of the query string that hold what was searched for.
    pub parameters: Vec<Box<str>>,
}

/// The search engines that are understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SearchEngines(Vec<SearchEngine>);

/// Engines in use in schools, and any site that calls itself `search.` something.
const KNOWN: &[(&str, &[&str])] = &[
    ("google.*", &["q"]),
    ("images.google.*", &["q"]),
    ("news.google.*", &["q"]),
    ("books.google.*", &["q"]),
    ("scholar.google.*", &["q"]),
    ("bing.com", &["q"]),
    ("cn.bing.com", &["q"]),
    ("duckduckgo.com", &["q"]),
    ("html.duckduckgo.com", &["q"]),
    ("lite.duckduckgo.com", &["q"]),
    ("safe.duckduckgo.com", &["q"]),
    ("ecosia.org", &["q"]),
    ("qwant.com", &["q"]),
    ("lite.qwant.com", &["q"]),
    ("qwantjunior.com", &["q"]),
    ("startpage.com", &["query", "q"]),
    ("eu.startpage.com", &["query", "q"]),
    ("swisscows.com", &["query", "q"]),
    ("kiddle.co", &["q"]),
    ("kidrex.org", &["q"]),
    ("kidzsearch.com", &["q"]),
    ("ask.com", &["q"]),
    ("uk.ask.com", &["q"]),
    ("mojeek.com", &["q"]),
    ("kagi.com", &["q"]),
    ("perplexity.ai", &["q"]),
    ("you.com", &["q"]),
    ("dogpile.com", &["q"]),
    ("gibiru.com", &["q"]),
    ("metager.org", &["eingabe"]),
    ("metager.de", &["eingabe"]),
    ("*.search.yahoo.com", &["p"]),
    ("search.yahoo.co.jp", &["p"]),
    ("yandex.*", &["text"]),
    ("ya.ru", &["text"]),
    ("baidu.com", &["wd", "word"]),
    ("m.baidu.com", &["word", "wd"]),
    ("search.naver.com", &["query"]),
    ("seznam.cz", &["q"]),
    ("youtube.com", &["search_query"]),
    ("m.youtube.com", &["search_query"]),
    ("tiktok.com", &["q"]),
    ("reddit.com", &["q"]),
    ("search.*", &["q", "p", "query", "search_query", "text"]),
];

/// Parts of paths on which half-typed words are completed: asking for help there would answer before the question.
const COMPLETIONS: [&str; 5] = ["/complete/", "/sugg", "/osjson", "/ac/", "/as/"];

impl SearchEngines {
    /// The engines in use in schools.
    pub fn known() -> Self {
        let engine = |(host, parameters): &(&str, &[&str])| SearchEngine {
            host: (*host).into(),
            parameters: parameters.iter().map(|&parameter| parameter.into()).collect(),
        };
        Self(KNOWN.iter().map(engine).collect())
    }

    /// Adds engines a school names.
    #[must_use]
    pub fn with(mut self, engines: impl IntoIterator<Item = SearchEngine>) -> Self {
        self.0.extend(engines);
        self
    }

    /// Whether searches are made on this host.
    pub fn is_search_engine(&self, host: &HostName) -> bool {
        self.on(host).next().is_some()
    }

    /// Whether words are completed at this address while somebody types: not a search yet, and too much to write down.
    /// `path` is path and query as in the request; the host does not matter, as engines keep this on hosts of its own.
    pub fn is_completion(path: &str) -> bool {
        path.split_once('?').is_some_and(|(path, _)| completes(path))
    }

    /// What was searched for; `None` when the address is not that of a search. Several parameters are joined by a
    /// space. `path` is path and query as in the request.
    pub fn terms(&self, host: &HostName, path: &str) -> Option<String> {
        let (path, query) = path.split_once('?')?;
        if self.on(host).next().is_none() || completes(path) {
            return None;
        }
        let query = query.split('#').next().unwrap_or_default();
        let query = query.as_bytes().get(..QUERY_MAX_BYTES.min(query.len())).unwrap_or_default();
        let mut terms = String::new();
        for (name, value) in form_urlencoded::parse(query) {
            let is_term = self.on(host).any(|engine| engine.parameters.iter().any(|parameter| **parameter == *name));
            if is_term && !value.trim().is_empty() {
                if !terms.is_empty() {
                    terms.push(' ');
                }
                terms.push_str(value.trim());
            }
        }
        (!terms.is_empty()).then_some(terms)
    }

    fn on<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a SearchEngine> {
        self.0.iter().filter(move |engine| is_on(&engine.host, host.as_str()))
    }
}

fn completes(path: &str) -> bool {
    let path = path.get(..path.len().min(64)).unwrap_or(path).to_ascii_lowercase();
    COMPLETIONS.iter().any(|completion| path.starts_with(completion))
}

/// Whether `host` is one that `pattern` means.
fn is_on(pattern: &str, host: &str) -> bool {
    if let Some(parent) = pattern.strip_prefix("*.") {
        let below = host.strip_suffix(parent).is_some_and(|below| below.ends_with('.'));
        return below || host == parent;
    }
    let host = host.strip_prefix("www.").unwrap_or(host);
    match pattern.strip_suffix(".*") {
        None => host == pattern,
        Some(stem) => {
            let ending = host.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
            ending.is_some_and(|ending| ending.split('.').count() <= 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        let (host, path) = address.split_at(address.find('/').unwrap());
        let host = HostName::parse(host).unwrap();
        assert_eq!(SearchEngines::known().terms(&host, path).as_deref(), expected, "{address}");
    }

    #[test]
    fn terms_are_read_from_known_engines() {
        check("www.google.com/search?q=fun+with%20maths&hl=en", Some("fun with maths"));
        check("google.co.uk/search?hl=en&q=caf%C3%A9#top", Some("café"));
        check("uk.search.yahoo.com/search?p=a", Some("a"));
        check("www.startpage.com/sp/search?query=b", Some("b"));
        check("www.youtube.com/results?search_query=c", Some("c"));
        check("yandex.ru/search/?text=d", Some("d"));
        check("search.example/?q=e", Some("e"));
        check("www.bing.com/search?q=f&q=g", Some("f g"));
    }

    #[test]
    fn other_addresses_hold_no_search() {
        check("www.google.com/", None);
        check("www.google.com/search?q=", None);
        check("www.google.com/search?q=%20+", None);
        check("docs.google.com/document?q=x", None);
        check("notgoogle.com/search?q=x", None);
        check("google.a.b.example.com/search?q=x", None);
        check("shop.example/?q=shoes", None);
        check("www.google.com/complete/search?q=half+ty", None);
        check("research.example/?q=x", None);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        check("bing.com/search?q=%ff%fe+x%", Some("\u{fffd}\u{fffd} x%"));
        let long = format!("bing.com/search?q={}", "y".repeat(1 << 20));
        let host = HostName::parse("bing.com").unwrap();
        let terms = SearchEngines::known().terms(&host, &long["bing.com".len()..]).unwrap();
        assert!(terms.len() <= QUERY_MAX_BYTES);
    }

    #[test]
    fn schools_can_add_engines() {
        let engine = SearchEngine { host: "library.example".into(), parameters: vec!["find".into()] };
        let engines = SearchEngines::known().with([engine]);
        let host = HostName::parse("library.example").unwrap();
        assert!(engines.is_search_engine(&host));
        assert_eq!(engines.terms(&host, "/x?find=owls").as_deref(), Some("owls"));
    }
}
