//! Parts of documents that are made from the code: written by `cargo xtask docs`, compared by `tidy`.
//!
//! A part lies between `<!-- made: NAME -->` and `<!-- end: NAME -->`; everything else in the file is a person's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::reference;
use crate::shell::{self, Trouble};
use crate::tidy::layers;

/// A part of a document, as it should read now.
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    name: &'static str,
    content: String,
}

impl Part {
    /// The whole file with this part brought up to date, and whether that changed anything.
    pub(crate) fn renewed(&self) -> Result<(String, bool), Trouble> {
        let path = self.path.display();
        let old =
            fs::read_to_string(&self.path).map_err(|error| Trouble::new(format!("cannot read {path}: {error}")))?;
        let (begin, end) = (format!("<!-- made: {} -->\n", self.name), format!("<!-- end: {} -->", self.name));
        let parts = old.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
        let Some((head, tail)) = parts else {
            return Err(Trouble::new(format!("{path} has lost the marks around its part `{}`", self.name)));
        };
        let new = format!("{head}{begin}{}{end}{tail}", self.content);
        let changed = new != old;
        Ok((new, changed))
    }
}

/// Every made part there is.
pub(crate) fn parts() -> Result<Vec<Part>, Trouble> {
    let root = shell::root();
    let part = |path: &str, name, content| Part { path: root.join(path), name, content };
    Ok(vec![
        part("ARCHITECTURE.md", "crates", layers::table(&root)),
        part("docs/adr/README.md", "decisions", decisions(&root)?),
        part("docs/reference/findings.md", "findings", reference::findings(&root)?),
        part("docs/reference/settings.md", "settings", reference::settings(&root)?),
        part("docs/reference/metrics.md", "metrics", reference::metrics(&root)?),
    ])
}

pub(crate) fn write_all() -> Result<(), Trouble> {
    for part in parts()? {
        let (text, changed) = part.renewed()?;
        if changed {
            let path = part.path.display();
            fs::write(&part.path, text).map_err(|error| Trouble::new(format!("cannot write {path}: {error}")))?;
            println!("wrote {path}");
        }
    }
    manual()
}

/// The manual of the language, which only the language itself can write: the test that compares the pages writes them.
fn manual() -> Result<(), Trouble> {
    let mut command = shell::cargo(&["test", "--quiet", "--package", "schoolgate-policy", "--test", "manual"]);
    shell::run(command.env("SCHOOLGATE_WRITE_MANUAL", "1"))
}

/// One line for each decision, with its title and its state.
fn decisions(root: &Path) -> Result<String, Trouble> {
    let folder = root.join("docs/adr");
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(String::new()) };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| Trouble::new(format!("cannot read {name}: {error}")))?;
        let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        lines.push_str(&format!("* [{title}]({name})\n"));
    }
    Ok(lines)
}
