//! What fuzz targets call: words out of addresses, and phrases out of words.

use std::str::from_utf8;
use std::sync::LazyLock;

use schoolgate_base::HostName;

use crate::search::QUERY_MAX_BYTES;
use crate::{Phrases, SearchEngines, Topics, help_topics};

/// Words are found on search engines only, are no longer than what was looked at, and are never blank. The input is an
/// address without its scheme.
pub fn search_terms(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (host, path) = text.split_at_checked(text.find('/').unwrap_or(text.len())).unwrap_or((text, ""));
    let Ok(host) = HostName::parse(host) else { return };
    let engines = SearchEngines::known();
    let Some(terms) = engines.terms(&host, path) else { return };
    assert!(engines.is_search_engine(&host), "{host}");
    assert!(!terms.trim().is_empty() && terms.trim() == terms, "{terms:?}");
    // A character that is cut in two at the end is shown as one of three bytes.
    assert!(terms.len() <= QUERY_MAX_BYTES + 3, "{} bytes", terms.len());
}

/// Every phrase that can be met is met between other words, in any case that leads back; a text without words has no
/// topic.
pub fn phrases(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let topics: Topics = [("topic".into(), vec![text.into()])].into();
    let Ok(phrases) = Phrases::new(&topics) else { return };
    let is_met = |text: &str| !phrases.topics_in(text).is_empty();
    let is_usable = phrases.unusable().is_empty();
    assert_eq!(is_met(&format!("some, {text}. more")), is_usable, "{text:?}");
    assert_eq!(is_met(text), is_usable, "{text:?}");
    if is_usable && text.is_ascii() {
        assert!(is_met(&text.to_ascii_uppercase()), "{text:?}");
    }
    static HELP: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&help_topics()).ok());
    let topics = HELP.as_ref().map(|help| help.topics_in(text)).unwrap_or_default();
    assert!(topics.is_empty() || text.contains(char::is_alphanumeric), "{text:?}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] =
            &[("search_terms", super::search_terms), ("phrases", super::phrases)];
        schoolgate_testkit::fuzz::hold(targets, 60_000);
    }
}
