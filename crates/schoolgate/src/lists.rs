//! `schoolgate lists`: builds the index of categories from lists as they are handed out.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use schoolgate_app::data_dir::DataDir;
use schoolgate_app::serve::LISTS_INDEX;
use schoolgate_lists::{BuildError, Import, IndexBuilder, ListFormat, Ut1Import, Ut1Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum ListsCommand {
    /// Build from files and folders; the service puts the index in force at its next start.
    Build {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// A plain list, a hosts file or a warning list, as `gambling=hosts.txt`; or the folder of UT1's lists, which
        /// bring their categories. `school.toml` says what a list's category counts as.
        #[arg(required = true, value_name = "CATEGORY=FILE|FOLDER")]
        lists: Vec<String>,
    },
}

/// Why an index was not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListsError {
    #[error("`{0}` is neither `CATEGORY=FILE` nor the folder of UT1's lists")]
    NotAList(String),
    #[error("`{path}` holds no list: UT1's folder has one folder a category, with `domains` or `urls` in it")]
    NoLists { path: PathBuf },
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot build the index")]
    Build {
        #[from]
        source: BuildError,
    },
    #[error("cannot write to the terminal")]
    Print {
        #[from]
        source: io::Error,
    },
}

/// Builds the index and puts it in place in one step: a service that starts meanwhile has the old one or the new one.
pub(crate) fn build(dir: &DataDir, lists: &[String], out: &mut impl Write) -> Result<(), ListsError> {
    let mut builder = IndexBuilder::new();
    for given in lists {
        match given.split_once('=') {
            Some((category, file)) => file_add(&mut builder, category, Path::new(file), out)?,
            None if Path::new(given).is_dir() => folder_add(&mut builder, Path::new(given), out)?,
            None => return Err(ListsError::NotAList(given.clone())),
        }
    }
    let index = builder.build()?;
    let folder = dir.lists();
    let path = folder.join(LISTS_INDEX);
    fs::create_dir_all(&folder)
        .and_then(|()| replace(&path, &index))
        .map_err(|source| ListsError::Write { path: path.clone(), source })?;
    writeln!(out, "Built {} ({} bytes). It comes into force at the next start.", path.display(), index.len())?;
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}

fn file_add(builder: &mut IndexBuilder, category: &str, path: &Path, out: &mut impl Write) -> Result<(), ListsError> {
    let bytes = read(path)?;
    let name = name_of(path);
    let (category, list) = (builder.category(category)?, builder.list(&name)?);
    let import = builder.import(ListFormat::guess(&bytes), &bytes, category, list)?;
    say(&name, &import, out)
}

fn folder_add(builder: &mut IndexBuilder, folder: &Path, out: &mut impl Write) -> Result<(), ListsError> {
    let mut paths = Vec::new();
    for entry in entries(folder)? {
        if entry.is_dir() {
            paths.extend(entries(&entry)?.into_iter().filter(|inner| inner.is_file()));
        } else {
            paths.push(entry);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let inside: Vec<_> =
            path.strip_prefix(folder).unwrap_or(&path).iter().map(|part| part.to_string_lossy()).collect();
        files.push((inside.join("/"), read(&path)?));
    }
    let list = builder.list(&name_of(folder))?;
    let imports = builder.import_ut1(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())), list)?;
    if !imports.iter().any(|import| matches!(import.outcome, Ut1Outcome::Entries(_))) {
        return Err(ListsError::NoLists { path: folder.to_owned() });
    }
    for Ut1Import { path, outcome } in imports {
        match outcome {
            Ut1Outcome::Entries(import) => say(&path, &import, out)?,
            Ut1Outcome::AliasOfNothing(category) => {
                writeln!(out, "{path}: another name for `{category}`, which is not in the folder")?;
            }
            Ut1Outcome::Expressions => writeln!(out, "{path}: regular expressions, which are not matched")?,
            Ut1Outcome::Usage | Ut1Outcome::Alias | Ut1Outcome::Other => {}
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ListsError> {
    let paths = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    paths().map_err(|source| ListsError::Read { path: folder.to_owned(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, ListsError> {
    fs::read(path).map_err(|source| ListsError::Read { path: path.to_owned(), source })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn say(name: &str, import: &Import, out: &mut impl Write) -> Result<(), ListsError> {
    writeln!(out, "{name}: {} entries, {} lines left out", import.entries, import.problem_count)?;
    for problem in &import.problems {
        writeln!(out, "  line {}: {}", problem.line, problem.reason)?;
    }
    Ok(())
}
