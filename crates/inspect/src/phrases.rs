//! Which topics a text is about, by phrases.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::text::normalised;

/// Phrases by topic: what a policy holds and a snapshot carries.
pub type Topics = BTreeMap<Box<str>, Vec<Box<str>>>;

/// The most phrases of all topics together.
pub const TOPIC_PHRASES_MAX: usize = 50_000;
/// Longest phrase, so that the compiled set stays small.
const PHRASE_MAX_BYTES: usize = 200;

/// Why phrases cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum PhraseError {
    #[error("there are more than {TOPIC_PHRASES_MAX} phrases")]
    TooMany,
    #[error("cannot compile the phrases")]
    Compile(#[source] BuildError),
}

/// A phrase that can never be met: it holds no word, or more than 200 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub topic: Box<str>,
    pub phrase: Box<str>,
}

/// Phrases compiled for looking through text.
#[derive(Debug)]
pub struct Phrases {
    matcher: AhoCorasick,
    topics: Vec<Box<str>>,
    /// The topic of each pattern, as a place in `topics`.
    topic_of: Vec<usize>,
    unusable: Vec<Unusable>,
}

impl Phrases {
    /// Phrases are compared as the text is: by whole words, without regard to case and punctuation.
    pub fn new(topics: &Topics) -> Result<Self, PhraseError> {
        if TOPIC_PHRASES_MAX < topics.values().map(Vec::len).sum() {
            return Err(PhraseError::TooMany);
        }
        let mut patterns = Vec::new();
        let mut topic_of = Vec::new();
        let mut unusable = Vec::new();
        for (place, (topic, phrases)) in topics.iter().enumerate() {
            for phrase in phrases {
                let Some(pattern) = pattern(phrase) else {
                    unusable.push(Unusable { topic: topic.clone(), phrase: phrase.clone() });
                    continue;
                };
                patterns.push(pattern);
                topic_of.push(place);
            }
        }
        // Every phrase counts, also one inside another.
        let matcher =
            AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).map_err(PhraseError::Compile)?;
        Ok(Self { matcher, topics: topics.keys().cloned().collect(), topic_of, unusable })
    }

    /// Phrases that were left out, for whoever wrote them.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// The topics whose phrases stand in `text`.
    pub fn topics_in(&self, text: &str) -> BTreeSet<&str> {
        let text = normalised(text);
        let topic = |pattern: usize| self.topics.get(*self.topic_of.get(pattern)?);
        let found = self.matcher.find_overlapping_iter(&text);
        found.filter_map(|found| topic(found.pattern().as_usize())).map(|topic| &**topic).collect()
    }
}

/// A phrase as it stands in normalised text: the spaces around it make it match whole words only.
fn pattern(phrase: &str) -> Option<String> {
    let pattern = normalised(phrase);
    (!pattern.is_empty() && phrase.len() <= PHRASE_MAX_BYTES).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topics(of: &[(&str, &[&str])]) -> Topics {
        of.iter()
            .map(|(topic, phrases)| ((*topic).into(), phrases.iter().map(|&phrase| phrase.into()).collect()))
            .collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let topics = topics(&[("fire", &["on fire", "fire"]), ("water", &["under water", "wet"])]);
        let phrases = Phrases::new(&topics).unwrap();
        assert_eq!(phrases.topics_in(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn whole_words_in_any_dress() {
        check("", &[]);
        check("The house is ON FIRE!", &["fire"]);
        check("fireman, wettest", &[]);
        check("wet-fire", &["fire", "water"]);
        check("wet wet", &["water"]);
        check("under (water)", &["water"]);
    }

    #[test]
    fn phrases_that_cannot_be_met_are_named() {
        let long = "x".repeat(201);
        let phrases = Phrases::new(&topics(&[("t", &["?!", "a b", &long])])).unwrap();
        assert_eq!(phrases.unusable().iter().map(|unusable| &*unusable.phrase).collect::<Vec<_>>(), ["?!", &long]);
        assert!(!phrases.topics_in("A, b").is_empty());
        assert!(Phrases::new(&Topics::new()).unwrap().topics_in("anything").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_agrees_with_the_slow_way(text in "[ab '.é-]{0,60}", words in proptest::collection::vec("[ab]{1,2}( [ab]{1,2})?", 1..4)) {
            let list: Vec<&str> = words.iter().map(String::as_str).collect();
            let phrases = Phrases::new(&topics(&[("t", &list)])).unwrap();
            let slow = words.iter().any(|phrase| {
                let wanted: Vec<&str> = phrase.split(' ').collect();
                let text = normalised(&text);
                let have: Vec<&str> = text.split_whitespace().collect();
                have.windows(wanted.len()).any(|window| window == wanted)
            });
            prop_assert_eq!(!phrases.topics_in(&text).is_empty(), slow);
        }
    }
}
