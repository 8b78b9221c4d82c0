#![doc = include_str!("../README.md")]

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod help;
mod phrases;
mod search;
mod text;

pub use help::help_topics;
pub use phrases::{PhraseError, Phrases, TOPIC_PHRASES_MAX, Topics, Unusable};
pub use search::{SearchEngine, SearchEngines};
