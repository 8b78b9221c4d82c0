//! Reference pages made from the source: what the checker finds, the settings, the metrics.
//!
//! Reads the text of the source, not the compiled product, so that `tidy` can tell in seconds that a page is stale.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::Trouble;
use crate::source;

/// The checker's findings with their one-sentence manual, from the list of codes in the policy crate.
pub(crate) fn findings(root: &Path) -> Result<String, Trouble> {
    let text = read(&root.join("crates/policy/src/diagnostic.rs"))?;
    let list = text.split_once("\ncodes! {").map_or("", |(_, list)| list);
    let mut lines = String::from("| code | how bad | what is wrong |\n|---|---|---|\n");
    let mut manual = Vec::new();
    for line in list.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            manual.push(doc.trim());
        } else if let Some((code, severity)) = code_of(line) {
            lines.push_str(&format!("| `{code}` | {} | {} |\n", severity.to_lowercase(), cell(&manual.join(" "))));
            manual.clear();
        }
    }
    Ok(lines)
}

/// `Name = "code", Severity;`
fn code_of(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(" = \"")?;
    let (code, severity) = rest.strip_suffix(';')?.split_once("\", ")?;
    Some((code, severity))
}

/// The keys of `schoolgate.toml`, from the structs it is read into.
pub(crate) fn settings(root: &Path) -> Result<String, Trouble> {
    let mut text = read(&root.join("crates/app/src/settings.rs"))?;
    for path in rust_files(&root.join("crates/app/src/settings"))? {
        text.push_str(&read(&path)?);
    }
    let text = text.replace("\npub(super) struct ", "\nstruct ");
    let mut lines = String::from("| key | type | means |\n|---|---|---|\n");
    keys_of(&text, "Raw", "", &mut lines);
    Ok(lines)
}

/// One row for each field of a struct; a field whose type is such a struct is a table of its own, or a list of tables.
fn keys_of(text: &str, name: &str, prefix: &str, lines: &mut String) {
    let Some((_, body)) = text.split_once(&format!("\nstruct {name} {{\n")) else { return };
    let body = body.split_once("\n}").map_or(body, |(body, _)| body);
    let mut docs = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
            continue;
        }
        let Some((key, kind)) = line.trim_end_matches(',').split_once(": ") else { continue };
        let kind = kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(kind);
        let inner = kind.strip_prefix("Vec<").and_then(|kind| kind.strip_suffix('>'));
        let is_table = |name: &str| text.contains(&format!("\nstruct {name} {{\n"));
        if is_table(inner.unwrap_or(kind)) {
            let list = if inner.is_some() { "[]" } else { "" };
            keys_of(text, inner.unwrap_or(kind), &format!("{prefix}{key}{list}."), lines);
        } else {
            let word = match (inner, kind) {
                (Some(_), _) => "list of texts",
                (None, "RawOneOrMany") => "text or list of texts",
                (None, "bool") => "true or false",
                (None, "PathBuf") => "path",
                (None, "u16" | "u32" | "u64" | "usize") => "number",
                (None, _) => "text",
            };
            lines.push_str(&format!("| `{prefix}{key}` | {word} | {} |\n", cell(&docs.join(" "))));
        }
        docs.clear();
    }
}

/// Every metric that the source registers, with its help.
pub(crate) fn metrics(root: &Path) -> Result<String, Trouble> {
    let mut rows = Vec::new();
    for path in rust_files(&root.join("crates"))? {
        let text = read(&path)?;
        let code = source::code_only(&text);
        let tests = source::test_lines(&code);
        for (kind, word) in [("counter", "counter("), ("gauge", "gauge(")] {
            for (at, _) in text.match_indices(word) {
                let line = text.get(..at).unwrap_or_default().lines().count();
                let is_test = tests.iter().any(|lines| lines.contains(&line));
                let rest = text.get(at + word.len()..).unwrap_or_default();
                if let Some((name, help)) =
                    two_strings(rest).filter(|(name, _)| !is_test && name.starts_with("schoolgate_"))
                {
                    rows.push(format!("| `{name}` | {kind} | {} |\n", cell(help)));
                }
            }
        }
    }
    rows.sort();
    rows.dedup();
    Ok(format!("| name | kind | counts |\n|---|---|---|\n{}", rows.concat()))
}

/// The two string literals that `text` begins with.
fn two_strings(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let (second, _) = rest.strip_prefix(',')?.trim_start().strip_prefix('"')?.split_once('"')?;
    Some((first, second))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn read(path: &Path) -> Result<String, Trouble> {
    fs::read_to_string(path).map_err(|error| Trouble::new(format!("cannot read {}: {error}", path.display())))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder);
        let entries = entries.map_err(|error| Trouble::new(format!("cannot read {}: {error}", folder.display())))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            match path.is_dir() {
                true if path.ends_with("tests") || path.ends_with("xtask") => {}
                true => open.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{code_of, keys_of, two_strings};

    #[test]
    fn a_code_is_read_with_its_severity() {
        assert_eq!(code_of("BadName = \"bad-name\", Error;"), Some(("bad-name", "Error")));
        assert_eq!(code_of("BadName,"), None);
    }

    #[test]
    fn settings_are_dotted_as_they_nest() {
        let text = "\nstruct Raw {\n    portal: RawPortal,\n}\n\nstruct RawPortal {\n    /// Where a|b.\n    name: Option<String>,\n    off: bool,\n}\n";
        let mut lines = String::new();
        keys_of(text, "Raw", "", &mut lines);
        assert_eq!(lines, "| `portal.name` | text | Where a\\|b. |\n| `portal.off` | true or false |  |\n");
    }

    #[test]
    fn lists_are_said_to_be_lists_and_their_tables_are_gone_into() {
        let text = "\nstruct Raw {\n    /// All.\n    names: Vec<String>,\n    zones: Vec<RawZone>,\n    how: RawHow,\n}\n\nstruct RawZone {\n    /// One.\n    name: String,\n}\n\nenum RawHow {\n    A,\n}\n";
        let mut lines = String::new();
        keys_of(text, "Raw", "", &mut lines);
        let expected = "| `names` | list of texts | All. |\n| `zones[].name` | text | One. |\n| `how` | text |  |\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_metric_is_read_over_line_breaks() {
        assert_eq!(two_strings("\n  \"a_total\",\n  \"Help\"\n)"), Some(("a_total", "Help")));
        assert_eq!(two_strings("name, help)"), None);
    }
}
