//! Licences and sources of third-party crates against `deny.toml`, from cargo's own metadata.
//!
//! Believes what a crate says of itself; cargo-deny, where it is installed, reads the licence texts too.

use std::fs;
use std::path::Path;

use super::Finding;
use super::layers::{Metadata, Package};
use crate::shell::Trouble;

const FILE: &str = "deny.toml";
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(root: &Path, metadata: &Metadata) -> Result<Vec<Finding>, Trouble> {
    let text =
        fs::read_to_string(root.join(FILE)).map_err(|error| Trouble::new(format!("cannot read {FILE}: {error}")))?;
    let table: toml::Table = text.parse().map_err(|error| Trouble::new(format!("cannot read {FILE}: {error}")))?;
    let allow = names(&table, "licenses", "allow");
    let deny = names(&table, "bans", "deny");
    Ok(metadata.packages.iter().flat_map(|package| check_one(package, &allow, &deny)).collect())
}

fn check_one(package: &Package, allow: &[String], deny: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(source) = &package.source else { return findings };
    let Package { name, version, licence, .. } = package;
    let mut find = |sentence: String| findings.push(Finding::new("Cargo.lock", 0, sentence));
    if source != CRATES_IO {
        find(format!("`{name} {version}` comes from `{source}`; only crates.io is allowed"));
    }
    if deny.contains(name) {
        find(format!("`{name}` is banned in {FILE}"));
    }
    match licence {
        None => find(format!("`{name} {version}` names no licence")),
        Some(licence) if !is_allowed(licence, allow) => {
            find(format!("`{name} {version}` is under `{licence}`, which {FILE} does not allow"));
        }
        Some(_) => {}
    }
    findings
}

fn names(table: &toml::Table, section: &str, key: &str) -> Vec<String> {
    let array = table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
    let name = |value: &toml::Value| value.as_str().or_else(|| value.get("name")?.as_str()).map(str::to_owned);
    array.into_iter().flatten().filter_map(name).collect()
}

/// Evaluates an SPDX expression; an old `/` means `OR`. What cannot be read is not allowed.
fn is_allowed(expression: &str, allow: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    any_of(&mut words, allow) == Some(true) && words.is_empty()
}

/// `all-of { "OR" all-of }`; takes what it reads from the front of `words`.
fn any_of(words: &mut &[&str], allow: &[String]) -> Option<bool> {
    let mut is_fine = all_of(words, allow)?;
    while let Some((&"OR", rest)) = words.split_first() {
        *words = rest;
        is_fine |= all_of(words, allow)?;
    }
    Some(is_fine)
}

/// `licence { "AND" licence }`.
fn all_of(words: &mut &[&str], allow: &[String]) -> Option<bool> {
    let mut is_fine = one(words, allow)?;
    while let Some((&"AND", rest)) = words.split_first() {
        *words = rest;
        is_fine &= one(words, allow)?;
    }
    Some(is_fine)
}

/// A licence, a licence `WITH` an exception, or an expression in brackets.
fn one(words: &mut &[&str], allow: &[String]) -> Option<bool> {
    let (&first, rest) = words.split_first()?;
    *words = rest;
    if first == "(" {
        let is_fine = any_of(words, allow)?;
        let (&close, rest) = words.split_first()?;
        *words = rest;
        return (close == ")").then_some(is_fine);
    }
    let mut name = first.to_owned();
    if let Some((&"WITH", [exception, rest @ ..])) = words.split_first() {
        *words = rest;
        name = format!("{first} WITH {exception}");
    }
    Some(allow.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        let allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        assert_eq!(is_allowed(expression, &allow), expected, "{expression}");
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        check("MIT OR Apache-2.0", true);
        check("MIT/GPL-3.0", true);
        check("GPL-3.0", false);
    }

    #[test]
    fn every_part_of_a_conjunction_counts() {
        check("MIT AND GPL-3.0", false);
        check("(MIT OR GPL-3.0) AND Apache-2.0", true);
        check("GPL-3.0 OR MIT AND Apache-2.0", true);
    }

    #[test]
    fn an_exception_is_part_of_the_name() {
        check("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true);
        check("MIT WITH Odd-exception", false);
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in ["", "(MIT", "MIT OR", "MIT MIT", "AND"] {
            check(expression, false);
        }
    }
}
