//! The manual: one page for each kind of control, each finding, and each file of a pack.
//!
//! A page is the comment at the head of the module that reads the thing, so that it stands beside the code it is true
//! of, and the table of keys that the parser is tested against.

mod examples;
mod fences;
mod guide;

use schoolgate_base::ControlKind;
use schoolgate_cases::Field;

use crate::diagnostic::{Code, Severity};
use crate::kinds::keys::{self, FIELD, HEAD, Key, NOTES, SCHOOL, Takes};

pub use examples::{Example, examples};

/// What the language means, by examples.
const SPEC: [&str; 12] = [
    include_str!("../../spec/rules.md"),
    include_str!("../../spec/words.md"),
    include_str!("../../spec/names.md"),
    include_str!("../../spec/cases.md"),
    include_str!("../../spec/things.md"),
    include_str!("../../spec/registers.md"),
    include_str!("../../spec/duties.md"),
    include_str!("../../spec/agreements.md"),
    include_str!("../../spec/extends.md"),
    include_str!("../../spec/contradictions.md"),
    include_str!("../../spec/scenarios.md"),
    include_str!("../../spec/findings.md"),
];

/// A page in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Below the manual's own folder: `kinds/web.md`.
    pub path: String,
    pub title: String,
    pub markdown: String,
}

/// Every page: chapters first, then files, kinds and findings.
pub fn pages() -> Vec<Page> {
    let files = [
        ("school", "school.toml", include_str!("../school/mod.rs"), &SCHOOL[..]),
        ("head", "The head of a document", include_str!("../syntax/front.rs"), &HEAD[..]),
        ("notes", "The notes of a clause", include_str!("../syntax/notes.rs"), &NOTES[..]),
        ("forms", "Forms", include_str!("../kinds/form.rs"), &FIELD[..]),
        ("effects", "What an approval does", include_str!("../kinds/effect.rs"), &[]),
        ("scenarios", "Scenarios", include_str!("../scenario/mod.rs"), &[]),
        ("things", "Scenarios about described things", include_str!("../scenario/things/mod.rs"), &[]),
    ];
    let mut found: Vec<Page> = guide::chapters().collect();
    let of_file = |(name, title, source, keys): &(&str, &str, &str, &'static [Key])| {
        let known = if *name == "forms" { known_fields() } else { String::new() };
        page(format!("{name}.md"), title, &(comment(source) + &known), keys)
    };
    found.extend(files.iter().map(of_file));
    found.extend(ControlKind::ALL.iter().map(|kind| of_kind(*kind)));
    let all: Vec<Example> = SPEC.iter().flat_map(|spec| examples(spec)).collect();
    found.extend(Code::ALL.iter().map(|code| of_code(*code, &all)));
    found.insert(0, contents(&found));
    found
}

/// The page at this path, or about this kind, finding or file.
pub fn find(name: &str) -> Option<Page> {
    let is_it = |page: &Page| {
        let last = page.path.rsplit('/').next().unwrap_or(&page.path);
        let path = page.path.strip_suffix(".md").unwrap_or(&page.path);
        page.path == name || path == name || last.strip_suffix(".md") == Some(name)
    };
    // A page of the reference goes before a chapter of the same name.
    pages().into_iter().filter(is_it).max_by_key(|page| !page.path.starts_with("guide/"))
}

fn page(path: String, title: &str, text: &str, keys: &[Key]) -> Page {
    let mut markdown = format!("# {title}\n\n{text}\n");
    if !keys.is_empty() {
        markdown.push_str(&format!("\n## Keys\n\n{}", table(keys)));
    }
    Page { path, title: title.to_owned(), markdown }
}

/// The comment at the head of a module.
fn comment(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The fields that need no more than their name.
fn known_fields() -> String {
    let row = |field: Field| {
        let needed = if field.required { "yes" } else { "no" };
        format!("| `{}` | {} | {needed} |\n", field.name, field.label)
    };
    let rows: String = Field::KNOWN.into_iter().filter_map(Field::known).map(row).collect();
    format!("\n\n## Known fields\n\n| name | question | must be answered |\n|---|---|---|\n{rows}")
        .trim_end()
        .to_owned()
}

fn of_kind(kind: ControlKind) -> Page {
    let source = match kind {
        ControlKind::Web => include_str!("../kinds/web.rs"),
        ControlKind::Search => include_str!("../kinds/search.rs"),
        ControlKind::Mail => include_str!("../kinds/mail.rs"),
        ControlKind::File => include_str!("../kinds/file.rs"),
        ControlKind::Publish => include_str!("../kinds/publish.rs"),
        ControlKind::Account => include_str!("../kinds/account.rs"),
        ControlKind::Device => include_str!("../kinds/device.rs"),
        ControlKind::Request => include_str!("../kinds/request.rs"),
        ControlKind::Report => include_str!("../kinds/report.rs"),
        ControlKind::Register => include_str!("../kinds/register.rs"),
        ControlKind::Duty => include_str!("../kinds/duty.rs"),
        ControlKind::Sign => include_str!("../kinds/sign.rs"),
        ControlKind::Remind => include_str!("../kinds/remind.rs"),
    };
    let name = kind.as_str();
    page(format!("kinds/{name}.md"), name, &comment(source), &keys::of(kind))
}

fn of_code(code: Code, all: &[Example]) -> Page {
    let weight = match code.severity() {
        Severity::Error => "An error: a pack with it does not come into force.",
        Severity::Warning => "A warning: the pack comes into force, and somebody should look.",
        Severity::Note => "A note.",
    };
    let name = code.as_str();
    let text = format!("{}\n\n{weight}", code.manual());
    let example = all.iter().filter(|example| finds(example, name)).min_by_key(|example| size(example));
    let text = example.map_or(text.clone(), |example| format!("{text}\n\n{}", shown(example)));
    page(format!("findings/{name}.md"), name, &text, &[])
}

/// Whether an example is one of this finding, of a policy or of a scenario.
fn finds(example: &Example, code: &str) -> bool {
    let lines = ["findings", "sentences"].into_iter().filter_map(|block| example.blocks.get(block));
    lines.flat_map(|lines| lines.lines()).any(|line| line.split(' ').next() == Some(code))
}

fn size(example: &Example) -> usize {
    example.blocks.values().map(String::len).sum()
}

/// The blocks of an example as people read them: the pack, then what is found.
fn parts(example: &Example) -> Vec<(String, &'static str, &str)> {
    let rank = |info: &str| match info {
        "school" => (0, "In `school.toml`:".to_owned(), "toml"),
        "offices" => (1, "With these holders of offices:".to_owned(), "text"),
        "policy" => (2, "In a policy:".to_owned(), "markdown"),
        "tests" => (4, "With these scenarios:".to_owned(), "markdown"),
        "failures" => (5, "Fails:".to_owned(), "text"),
        "findings" | "sentences" => (6, "Finds:".to_owned(), "text"),
        other => (3, format!("In `{}`:", other.trim_start_matches("policy ")), "markdown"),
    };
    let filled = example.blocks.iter().filter(|(_, body)| !body.is_empty());
    let mut parts: Vec<_> = filled.map(|(info, body)| (rank(info), body)).collect();
    parts.sort();
    parts.into_iter().map(|((_, says, language), body)| (says, language, body.as_str())).collect()
}

/// An example with what is found in it.
fn shown(example: &Example) -> String {
    let mut text = format!("## {}\n", example.name);
    if !example.words.trim().is_empty() {
        text.push_str(&format!("\n{}\n", example.words.trim()));
    }
    for (says, language, body) in parts(example) {
        text.push_str(&format!("\n{says}\n\n````{language}\n{body}````\n"));
    }
    text.trim_end().to_owned()
}

fn contents(pages: &[Page]) -> Page {
    let mut text = String::new();
    for (title, folder) in [
        ("Learning the language", "guide"),
        ("Files of a pack", ""),
        ("Kinds of control", "kinds"),
        ("Findings", "findings"),
    ] {
        text.push_str(&format!("## {title}\n\n"));
        let is_inside = |page: &&Page| page.path.rsplit_once('/').map_or("", |(folder, _)| folder) == folder;
        text.extend(pages.iter().filter(is_inside).map(|page| format!("* [{}]({})\n", page.title, page.path)));
        text.push('\n');
    }
    page("README.md".to_owned(), "The policy language", text.trim_end(), &[])
}

/// Keys with what they take and what they mean; keys of inner tables behind a dot, fixed words below.
fn table(keys: &[Key]) -> String {
    let mut rows = String::from("| key | takes | means |\n|---|---|---|\n");
    add_rows("", keys, &mut rows);
    let mut words = String::new();
    add_words("", keys, &mut words);
    if words.is_empty() { rows } else { format!("{rows}\n## Words\n\n{words}") }
}

fn add_rows(before: &str, keys: &[Key], rows: &mut String) {
    for key in keys {
        let name = format!("{before}{}", key.name);
        let says = key.says.replace('|', "\\|");
        let needed = if key.is_needed { " *Needed.*" } else { "" };
        rows.push_str(&format!("| `{name}` | {} | {says}{needed} |\n", sort(key.takes)));
        add_rows(&inner_name(&name, key.takes), inner(key.takes), rows);
    }
}

fn add_words(before: &str, keys: &[Key], text: &mut String) {
    for key in keys {
        let name = format!("{before}{}", key.name);
        let known: Vec<(&str, &str)> = match key.takes {
            Takes::OneOf(known) | Takes::AnyOf(known) => known.to_vec(),
            Takes::OneAction(actions) => {
                actions.iter().map(|action| (action.as_str(), crate::show::phrase(*action))).collect()
            }
            _ => Vec::new(),
        };
        if !known.is_empty() {
            text.push_str(&format!("### `{name}`\n\n"));
            text.extend(known.iter().map(|(word, says)| format!("* `{word}`: {says}\n")));
            text.push('\n');
        }
        add_words(&inner_name(&name, key.takes), inner(key.takes), text);
    }
}

fn inner(takes: Takes) -> &'static [Key] {
    match takes {
        Takes::Table(keys) | Takes::Tables(keys) | Takes::List(keys) => keys,
        Takes::Map(_, values) => inner(*values),
        Takes::Or(_, other) => inner(*other),
        _ => &[],
    }
}

fn inner_name(name: &str, takes: Takes) -> String {
    if matches!(takes, Takes::Map(..)) { format!("{name}.*.") } else { format!("{name}.") }
}

/// What stands behind a key, in a few words.
fn sort(takes: Takes) -> String {
    match takes {
        Takes::Text => "a text".to_owned(),
        Takes::Words => "texts".to_owned(),
        Takes::One(takes) => format!("one of the {}", sort(*takes)),
        Takes::Date => "a date: `2026-11-24`".to_owned(),
        Takes::Truth => "`true` or `false`".to_owned(),
        Takes::Number => "a whole number".to_owned(),
        Takes::Length => "a length of time: `14 days`, `3 school days`, `same day`, `5 minutes in lessons`".to_owned(),
        Takes::Every => "how often: `every 3 years`".to_owned(),
        Takes::Turn => "how often: `school day`, `week`, `2 weeks`, `month`, `term`, `3 terms`, `year`".to_owned(),
        Takes::After => "`3 times in 1 day` or `40 minutes in 1 day`".to_owned(),
        Takes::Groups => "groups".to_owned(),
        Takes::Parties => "groups, `outside`, `private`".to_owned(),
        Takes::Roles => "roles".to_owned(),
        Takes::Listeners => "roles, `them`, `owner`, `manager`, `class-teacher`".to_owned(),
        Takes::RolesAndThem => "roles and `them`".to_owned(),
        Takes::RolesAndGroups => "roles and groups".to_owned(),
        Takes::Readers => "roles, groups and `them`".to_owned(),
        Takes::Periods => "periods".to_owned(),
        Takes::Places => "places".to_owned(),
        Takes::DeviceClasses => "classes of devices".to_owned(),
        Takes::Clauses => "clauses: `#own-time`".to_owned(),
        Takes::Keepers => "keepers or roles".to_owned(),
        Takes::Content => "content of school.toml".to_owned(),
        Takes::Stores => "stores of school.toml".to_owned(),
        Takes::Systems => "systems of school.toml".to_owned(),
        Takes::Channels => "channels of school.toml".to_owned(),
        Takes::Categories => "categories and classes".to_owned(),
        Takes::Sites => "categories, classes and sites".to_owned(),
        Takes::Registers => "kinds of register".to_owned(),
        Takes::Events => "events of school.toml".to_owned(),
        Takes::OneAction(_) | Takes::OneOf(_) => "one of the words below".to_owned(),
        Takes::AnyOf(_) => "any of the words below".to_owned(),
        Takes::Form => "[fields](../forms.md)".to_owned(),
        Takes::Table(_) => "a table".to_owned(),
        Takes::Tables(_) => "a table, or a list of tables".to_owned(),
        Takes::List(_) => "tables".to_owned(),
        Takes::Map(_, values) => format!("names, each with {}", sort(*values)),
        Takes::Or(one, other) => format!("{}, or {}", sort(*one), sort(*other)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_says_something_and_stands_once() {
        let pages = pages();
        let paths: BTreeSet<&str> = pages.iter().map(|page| page.path.as_str()).collect();
        assert_eq!(paths.len(), pages.len());
        for page in &pages {
            assert!(page.markdown.lines().nth(2).is_some_and(|line| line.len() > 10), "{}", page.path);
        }
    }

    #[test]
    fn a_page_is_found_by_kind_finding_and_path() {
        let mail = find("mail").unwrap();
        assert_eq!(mail.path, "kinds/mail.md");
        assert!(mail.markdown.contains("| `recipients` |"), "{}", mail.markdown);
        assert!(mail.markdown.contains("* `executable`: a program or a script"), "{}", mail.markdown);
        assert!(find("unknown-key").unwrap().markdown.contains("does not know at this place"));
        assert!(find("kinds/web.md").is_some() && find("guide/first-policy").is_some() && find("gardening").is_none());
    }
}
