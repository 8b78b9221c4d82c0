//! Searches about something to talk to somebody about.

use std::sync::LazyLock;

use schoolgate_base::HostName;
use schoolgate_inspect::{Phrases, SearchEngine, SearchEngines, help_topics};

use crate::snapshot::Help;

/// The phrases that always hold. Compiled once a process: they are many, and snapshots come with every publish.
static BUILT_IN: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&help_topics()).ok());

/// The phrases that open the help page, ready to be looked for: the built-in ones and a program's own.
#[derive(Debug)]
pub(crate) struct HelpSearches {
    engines: SearchEngines,
    /// `None` where a hostile program has far too many phrases; the built-in ones hold all the same.
    own: Option<Phrases>,
}

impl HelpSearches {
    pub(crate) fn new(help: &Help) -> Self {
        let parameters = ["q", "p", "query", "text"].map(Box::from).to_vec();
        let named = |host: &HostName| SearchEngine { host: host.as_str().into(), parameters: parameters.clone() };
        let engines = SearchEngines::known().with(help.engines.iter().map(named));
        Self { engines, own: Phrases::new(&help.topics).ok() }
    }

    /// The topic of a search, when `path` on `host` is one and is about one.
    pub(crate) fn topic(&self, host: &HostName, path: &str) -> Option<Box<str>> {
        let terms = self.engines.terms(host, path)?;
        let sets = BUILT_IN.iter().chain(&self.own);
        sets.flat_map(|phrases| phrases.topics_in(&terms)).next().map(Into::into)
    }

    pub(crate) fn are_made_on(&self, host: &HostName) -> bool {
        self.engines.is_search_engine(host)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_program_adds_phrases_and_takes_none_away() {
        let own = BTreeMap::from([("loneliness".into(), vec!["nobody likes me".into()])]);
        let searches = HelpSearches::new(&Help { topics: own, ..Help::default() });
        let topic = |host: &str, path: &str| searches.topic(&HostName::parse(host).unwrap(), path);
        assert_eq!(topic("search.example", "/?q=nobody+likes+me").as_deref(), Some("loneliness"));
        assert_eq!(topic("www.bing.com", "/search?q=self+harm").as_deref(), Some("self-harm"));
        assert_eq!(topic("www.bing.com", "/search?q=owls"), None);
        assert_eq!(topic("news.example", "/?q=self+harm"), None);
    }
}
