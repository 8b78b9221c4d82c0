//! Reads one answer of each kind of field; an error is the sentence shown beside the field.

use std::collections::BTreeSet;

use schoolgate_base::{Group, Host, HostNameError, PersonId};

use crate::Site;

const SITE_HELP: &str = "Enter a site such as maps.example, or the address of a page";

/// A host name or an `http` or `https` address; user names, ports, queries and fragments are dropped.
pub(crate) fn site(text: &str) -> Result<Site, String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("A site has no spaces in it. {SITE_HELP}"));
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        Some((scheme, _)) => return Err(format!("“{scheme}” addresses cannot be opened. {SITE_HELP}")),
        None => text,
    };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = Host::parse(without_port(authority)).map_err(site_problem)?;
    if let Host::Name(name) = &host
        && name.label_count() < 2
    {
        return Err(format!("“{name}” is not the whole name of a site. {SITE_HELP}"));
    }
    Ok(Site { host, path: (path.len() > 1).then(|| path.into()) })
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => {
            // A bare IPv6 address has colons of its own; only a bracketed one can carry a port.
            if host.contains(':') && !host.ends_with(']') { authority } else { host }
        }
        _ => authority,
    }
}

fn site_problem(problem: HostNameError) -> String {
    let what = match problem {
        HostNameError::Empty => "This has no site in it.",
        HostNameError::TooLong => "This name is too long to be a site.",
        HostNameError::Label => "Two dots stand together, or a part between dots is too long.",
        HostNameError::Character => "The name of a site has letters, digits, hyphens and dots only.",
        HostNameError::Address => "This is neither a name nor a whole address.",
    };
    format!("{what} {SITE_HELP}")
}

/// A class by its short name in any case, or the group itself.
pub(crate) fn class(text: &str, classes: &BTreeSet<Group>) -> Result<Group, String> {
    let short = |name: &str| name.to_lowercase().trim_start_matches("class:").replace(char::is_whitespace, "");
    let asked = short(text);
    if let Some(group) = classes.iter().find(|group| short(group.as_str()) == asked) {
        return Ok(group.clone());
    }
    let names: Vec<&str> = classes.iter().map(|group| group.as_str().trim_start_matches("class:")).collect();
    if names.is_empty() || names.len() > 30 {
        return Err(format!(
            "There is no class “{text}”. Enter the class as it stands in the timetable, for example 6B"
        ));
    }
    Err(format!("There is no class “{text}”. The classes are {}", names.join(", ")))
}

/// A person by id, as chosen from a list.
pub(crate) fn person(text: &str, persons: &BTreeSet<PersonId>) -> Result<PersonId, String> {
    let id = PersonId::new(text).ok().filter(|id| persons.contains(id));
    id.ok_or_else(|| {
        "Choose a person from the list, or leave this empty and describe them in your own words".to_owned()
    })
}

pub(crate) fn choice(text: &str, choices: &[(Box<str>, Box<str>)]) -> Result<Box<str>, String> {
    if let Some((value, _)) = choices.iter().find(|(value, _)| &**value == text) {
        return Ok(value.clone());
    }
    let labels: Vec<&str> = choices.iter().map(|(_, label)| &**label).collect();
    Err(format!("Choose one of: {}", labels.join(", ")))
}

/// A whole number as people write it: `1,200` is one thousand two hundred.
pub(crate) fn number(text: &str) -> Result<i64, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    digits.parse().map_err(|_| format!("“{text}” is not a whole number. Enter it in digits, for example 12"))
}

/// Without control characters; other white space becomes single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

/// Lines end in `\n`; other control characters are left out.
pub(crate) fn plain_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}
