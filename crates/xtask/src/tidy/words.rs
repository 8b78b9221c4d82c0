//! What no file of the project may say: where one machine keeps its files, and where it fetches packages.

use super::{File, Finding};

/// Folders in which people and build machines keep clones. A path that starts there works on one machine.
const MACHINE_FOLDERS: [&str; 6] = ["/home/", "/root/", "/Users/", "/work/", "/farm/", "/builds/"];

/// The only places a lock file may name.
const PUBLIC_SOURCES: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "https://registry.npmjs.org/"];

/// This file has to name what it looks for.
const ITSELF: &str = "crates/xtask/src/tidy/words.rs";

pub(crate) fn check(file: &File) -> Vec<Finding> {
    if file.path == ITSELF {
        return Vec::new();
    }
    let is_lock = file.path.ends_with("Cargo.lock") || file.path.ends_with("package-lock.json");
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        if let Some(folder) = machine_folder(text) {
            let sentence =
                format!("a path under `{folder}` exists on one machine only; say where it is from the workspace");
            findings.push(Finding::new(&file.path, line, sentence));
        }
        if is_lock && let Some(source) = other_source(text) {
            let sentence = format!("`{source}` is not a public registry; write the lock file against the public one");
            findings.push(Finding::new(&file.path, line, sentence));
        }
    }
    findings
}

/// Only where a path can start: `/work/` inside `https://example/work/` is nobody's folder.
fn machine_folder(text: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        text.match_indices(folder).any(|(at, _)| {
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            before.is_none_or(|before| {
                !(before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '/' | '}' | '~' | '*'))
            })
        })
    })
}

/// The value of `source = "…"` (Cargo) or `"resolved": "…"` (npm), when it is not public.
fn other_source(text: &str) -> Option<&str> {
    let text = text.trim().trim_end_matches(',');
    let value = text.strip_prefix("source = ").or_else(|| text.strip_prefix("\"resolved\": "))?.trim_matches('"');
    let is_remote = value.contains("://");
    (is_remote && !PUBLIC_SOURCES.iter().any(|public| value.starts_with(public))).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    #[track_caller]
    fn count(path: &str, text: &str, expected: usize) {
        let findings = check(&File { path: path.to_owned(), text: text.to_owned(), is_test: false });
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        count("README.md", "see `/home/sam/schoolgate`", 1);
        count("README.md", "see https://example.org/home/x and docs/work/x", 0);
    }

    #[test]
    fn a_lock_file_names_public_registries_only() {
        count("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"", 0);
        count("Cargo.lock", "source = \"registry+https://mirror.example/index\"", 1);
        count("web/package-lock.json", "\"resolved\": \"https://mirror.example/a.tgz\",", 1);
        count("web/package-lock.json", "\"resolved\": \"https://registry.npmjs.org/a.tgz\",", 0);
    }
}
