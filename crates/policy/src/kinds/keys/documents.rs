//! The keys of a document's head, and of the notes at the top of a clause's control block.

use super::{Key, SIGN, Takes, key, needed};

const EDITION: &[Key] = &[
    needed(key("version", Takes::Text, "The version that was in force.")),
    needed(key("date", Takes::Date, "From this day on.")),
    key("what", Takes::Text, "What it changed."),
];

const CONSULTATION: &[Key] = &[
    needed(key("who", Takes::Text, "Who was asked.")),
    needed(key("on", Takes::Date, "On this day.")),
    key("what", Takes::Text, "About what."),
];

/// The head of a document, between its `+++` lines.
pub const HEAD: [Key; 21] = [
    needed(key("policy", Takes::Text, "The policy's id: staff-ict.")),
    needed(key("title", Takes::Text, "As people read it.")),
    needed(key("version", Takes::Text, "This version: 2.9.")),
    key("owner", Takes::One(&Takes::Roles), "The office that answers for it."),
    key("author", Takes::One(&Takes::Roles), "The office that wrote it."),
    key("responsible", Takes::Roles, "Offices that answer for it beside its owner."),
    key("adopted_by", Takes::Roles, "The bodies that adopt it."),
    key("adopted", Takes::Date, "The day this version was adopted."),
    key("published", Takes::Date, "The day it was published."),
    key("review", Takes::Every, "How long after its adoption it is looked at again: every 3 years."),
    key("review_by", Takes::Date, "A fixed day instead of `review`."),
    key("audience", Takes::Groups, "Whom it concerns."),
    key("sign", Takes::Table(&SIGN), "How people agree to it."),
    key("reading_age", Takes::Number, "The age, in years, at which its clauses are meant to be read with ease."),
    key("related", Takes::Words, "Titles of documents that belong to it."),
    key("history", Takes::List(EDITION), "Earlier versions."),
    key("consulted", Takes::List(CONSULTATION), "Who was asked before it was adopted."),
    key("extends", Takes::Text, "A policy of the pack whose clauses hold too."),
    key("answers", Takes::Words, "Rows of the register of clauses that the head itself answers."),
    key("kept_by", Takes::Keepers, "Who keeps what no control of the policy does."),
    LIMITED,
];

const LIMITED: Key =
    key("limited", Takes::Map(&Takes::Text, &Takes::Text), "What is missing for the whole, by row of the register.");

/// The notes of a clause, above its first control.
pub const NOTES: [Key; 12] = [
    key("answers", Takes::Words, "Rows of the school's register of clauses that this clause answers."),
    key("kept_by", Takes::Keepers, "Who keeps what the controls here do not: a keeper of school.toml, or a role."),
    key("for", Takes::Groups, "Whom it binds, where that is narrower than the policy's audience."),
    key(
        "information",
        Takes::Or(&Takes::Truth, &Takes::Text),
        "The clause tells, it does not demand; better with the reason.",
    ),
    LIMITED,
    key(
        "refused",
        Takes::Map(&Takes::Text, &Takes::Text),
        "Rows that would be unlawful or unkind as they stand: why, and what is done instead.",
    ),
    key("note", Takes::Text, "For technicians and owners."),
    key("was", Takes::Words, "Ids that the clause had in earlier editions."),
    key("locked", Takes::Truth, "Whoever extends this policy cannot weaken it."),
    key("replaces", Takes::Text, "The clause of an extended policy in whose place it stands."),
    key("source", Takes::Text, "Where the rule comes from."),
    key("since", Takes::Date, "Since when it has held."),
];
