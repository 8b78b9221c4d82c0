//! `cargo xtask tidy`: rules of the house that no compiler checks. Each finding is a place and a sentence that says
//! what to do.

mod crates;
mod files;
pub(crate) mod layers;
mod licences;
mod links;
mod words;

use std::fs;
use std::path::PathBuf;

use crate::docs;
use crate::shell::{self, Trouble};
use crate::source;

/// Something to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// From the workspace's folder.
    path: String,
    /// From 1; 0 when it is about the whole file.
    line: usize,
    sentence: String,
}

impl Finding {
    fn new(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, sentence: sentence.into() }
    }
}

/// A text file of the project, read once for all checks.
pub(crate) struct File {
    /// From the workspace's folder, with `/`.
    path: String,
    text: String,
    is_test: bool,
}

impl File {
    fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The path of a module that this one declares, without its ending.
    fn inner(&self, module: &str) -> String {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        match name {
            "lib.rs" | "main.rs" | "mod.rs" => format!("{folder}/{module}"),
            _ => format!("{folder}/{}/{module}", name.trim_end_matches(".rs")),
        }
    }
}

/// Tests, benches and the tools for them: rules about the running product do not hold there.
fn is_test_path(path: &str) -> bool {
    let is_test_name = |part: &str| matches!(part, "tests" | "benches" | "fuzz" | "tests.rs");
    path.split('/').any(|part| is_test_name(part) || part.ends_with("_tests.rs"))
}

pub(crate) fn tidy() -> Result<(), Trouble> {
    let root = shell::root();
    let files = project_files()?;
    let metadata = layers::metadata()?;
    let mut findings = layers::check(&metadata);
    findings.extend(crates::check(&root, &files, &metadata));
    findings.extend(licences::check(&root, &metadata)?);
    for file in &files {
        findings.extend(words::check(file));
        findings.extend(links::check(&root, file));
        match file.extension() {
            "rs" => findings.extend(files::check_rust(file, &source::code_only(&file.text))),
            "ts" | "js" | "mjs" => findings.extend(files::check_script(file)),
            _ => {}
        }
        findings.extend(files::check_length(file));
    }
    findings.extend(stale_documents()?);
    findings.sort();
    for Finding { path, line, sentence } in &findings {
        match line {
            0 => println!("{path}: {sentence}"),
            _ => println!("{path}:{line}: {sentence}"),
        }
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to mend", files.len());
        return Ok(());
    }
    Err(Trouble::new(format!("{} places are against the rules of the house", findings.len())))
}

fn stale_documents() -> Result<Vec<Finding>, Trouble> {
    let mut findings = Vec::new();
    for part in docs::parts()? {
        if part.renewed()?.1 {
            let path = part.path.file_name().unwrap_or_default().to_string_lossy();
            findings.push(Finding::new(&path, 0, "a part made from the code is stale; run `cargo xtask docs`"));
        }
    }
    Ok(findings)
}

/// Every text file that git keeps or would keep.
fn project_files() -> Result<Vec<File>, Trouble> {
    let list =
        shell::output(&mut shell::command("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let root = shell::root();
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        let full: PathBuf = root.join(path);
        // Pictures, fonts and samples in foreign encodings are not ours to judge; a file just removed is not there.
        let Ok(bytes) = fs::read(&full) else { continue };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path: path.to_owned(), text, is_test: is_test_path(path) });
        }
    }
    mark_test_modules(&mut files);
    Ok(files)
}

/// A module that its parent declares for tests only is a test too, with all below it.
fn mark_test_modules(files: &mut [File]) {
    let mut tests = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "rs") {
        let code = source::code_only(&file.text);
        tests.extend(source::test_modules(&code).into_iter().map(|module| file.inner(module)));
    }
    for file in files {
        let is_below =
            |test: &String| file.path.strip_prefix(test).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
        file.is_test |= tests.iter().any(is_below);
    }
}

#[cfg(test)]
mod tests {
    use super::{File, is_test_path, mark_test_modules};

    #[test]
    fn a_module_declared_for_tests_is_a_test() {
        let file =
            |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned(), is_test: is_test_path(path) };
        let mut files = [
            file("crates/a/src/lib.rs", "#[cfg(test)]\nmod kit;\nmod b;\n"),
            file("crates/a/src/kit.rs", ""),
            file("crates/a/src/kit/more.rs", ""),
            file("crates/a/src/b.rs", "#[cfg(test)]\nmod kit;\n"),
            file("crates/a/src/b/kit.rs", ""),
            file("crates/a/src/b/tests.rs", ""),
        ];
        mark_test_modules(&mut files);
        assert_eq!(files.map(|file| file.is_test), [false, true, true, false, true, true]);
    }
}
