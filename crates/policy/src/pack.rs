//! A policy pack: the files a school's policy consists of, as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The file that holds what several policies share.
pub const SCHOOL_FILE: &str = "school.toml";
/// The file that holds scenarios.
pub const TESTS_FILE: &str = "tests.md";

/// Largest pack read, in bytes of all files together; a pack is written by people, so more is not a policy.
pub const PACK_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Files by their path inside the pack, with `/` between folders. `school.toml`, `tests.md`, and every other `*.md`
/// is a policy document; anything else is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pack {
    files: BTreeMap<String, String>,
}

/// A file of a pack by its place in path order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(u32);

impl FileId {
    /// Stands for a file that is not there.
    pub const MISSING: Self = Self(u32::MAX);
}

impl Pack {
    pub fn new(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }

    pub fn insert(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.to_owned());
    }

    pub fn remove(&mut self, path: &str) -> Option<String> {
        self.files.remove(path)
    }

    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub fn files(&self) -> impl Iterator<Item = (FileId, &str, &str)> {
        let numbered = (0u32..).zip(self.files.iter());
        numbered.map(|(number, (path, text))| (FileId(number), path.as_str(), text.as_str()))
    }

    pub fn path(&self, file: FileId) -> &str {
        self.files().find(|(id, ..)| *id == file).map_or("(the pack)", |(_, path, _)| path)
    }

    pub fn text(&self, file: FileId) -> &str {
        self.files().find(|(id, ..)| *id == file).map_or("", |(.., text)| text)
    }

    /// The files of scenarios: `tests.md`, and every Markdown file in a folder `tests`.
    pub fn tests(&self) -> impl Iterator<Item = (FileId, &str, &str)> {
        self.files().filter(|(_, path, _)| is_tests(path))
    }

    /// The policy documents: every Markdown file but scenarios and a README.
    pub fn documents(&self) -> impl Iterator<Item = (FileId, &str, &str)> {
        self.files().filter(|(_, path, _)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.ends_with(".md") && !is_tests(path) && name != "README.md"
        })
    }

    /// The same files with `folder` before their paths, for findings of several packs side by side.
    pub fn within(&self, folder: &str) -> Self {
        let folder = folder.trim_end_matches('/');
        self.files().map(|(_, path, text)| (format!("{folder}/{path}"), text)).collect()
    }

    pub fn size_bytes(&self) -> usize {
        self.files.iter().map(|(path, text)| path.len() + text.len()).sum()
    }
}

fn is_tests(path: &str) -> bool {
    path == TESTS_FILE || path.ends_with("/tests.md") || (path.starts_with("tests/") && path.ends_with(".md"))
}

impl<P: Into<String>, T: Into<String>> FromIterator<(P, T)> for Pack {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        Self { files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
    }
}
