//! What every crate of the workspace has: a README, a doc that opens it, the shared lints, a place in `crates/`.

use std::path::Path;

use super::layers::{Metadata, Package};
use super::{File, Finding};

pub(crate) fn check(root: &Path, files: &[File], metadata: &Metadata) -> Vec<Finding> {
    metadata
        .packages
        .iter()
        .filter(|package| package.is_ours())
        .flat_map(|package| check_one(root, files, package))
        .collect()
}

fn check_one(root: &Path, files: &[File], package: &Package) -> Vec<Finding> {
    let folder = format!("crates/{}", package.folder_name());
    let mut findings = Vec::new();
    let mut find = |path: String, sentence: &str| findings.push(Finding::new(&path, 0, sentence));
    if package.manifest != format!("{folder}/Cargo.toml") {
        find(package.manifest.clone(), "a crate lies in `crates/`, in a folder named as it is");
        return findings;
    }
    let text =
        |name: &str| files.iter().find(|file| file.path == format!("{folder}/{name}")).map(|file| file.text.as_str());
    if text("README.md").is_none_or(|readme| readme.trim().is_empty()) {
        find(
            format!("{folder}/README.md"),
            "each crate says in a README what it is, what it is not, and where to enter",
        );
    }
    let front = ["src/lib.rs", "src/main.rs"].into_iter().find_map(|name| Some((name, text(name)?)));
    match front {
        Some((_, text)) if text.starts_with("//!") || text.starts_with("#![doc") => {}
        Some((name, _)) => find(format!("{folder}/{name}"), "opens with no sentence that says its job (`//! …`)"),
        None => find(folder.clone(), "has neither src/lib.rs nor src/main.rs"),
    }
    let manifest = text("Cargo.toml").and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let has = |table: &str, key: &str| manifest.get(table).and_then(|table| table.get(key));
    if has("lints", "workspace").and_then(toml::Value::as_bool) != Some(true) {
        find(package.manifest.clone(), "does not take the workspace's lints: add `[lints] workspace = true`");
    }
    if has("package", "description").is_none() {
        find(package.manifest.clone(), "has no `description`: one line, as the table in ARCHITECTURE.md shows it");
    }
    if !root.join("LICENSE-MIT").is_file() {
        find("LICENSE-MIT".to_owned(), "both licences lie in the workspace's folder");
    }
    findings
}
