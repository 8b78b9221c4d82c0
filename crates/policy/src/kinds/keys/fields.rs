//! The keys of one question of a form that is the school's own.

use super::{Key, Takes, key, needed};

const KINDS: &[(&str, &str)] = &[
    ("site", "a site"),
    ("class", "a class"),
    ("person", "a person of the school"),
    ("line", "one line"),
    ("text", "several lines"),
    ("until", "a day or time by which it ends"),
    ("choice", "one of `choices`"),
    ("tick", "a box to tick"),
    ("day", "a day"),
    ("number", "a whole number"),
];

/// A question of a form, where its name alone does not say all.
pub const FIELD: [Key; 6] = [
    needed(key("name", Takes::Text, "The name of the field, by which routes and scenarios call it.")),
    key("label", Takes::Text, "The question as people read it."),
    key("help", Takes::Text, "A line below the question."),
    key("kind", Takes::OneOf(KINDS), "What an answer is."),
    key("required", Takes::Truth, "Whether it must be answered."),
    key("choices", Takes::Words, "What there is to choose from."),
];
