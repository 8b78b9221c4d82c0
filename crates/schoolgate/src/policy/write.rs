//! Commands that write into a pack's folder: a first one, and its layout.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use schoolgate_policy::{fmt as layout, starter};
use serde_json::json;

use super::FormatArgs;
use crate::{Found, pack};

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The folder to write it into; it is made when it is not there, and must be empty.
    pub(super) folder: PathBuf,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FmtArgs {
    /// Folders with school.toml and policies.
    #[arg(required = true)]
    pub(super) packs: Vec<PathBuf>,
    /// Write nothing; say which files would change.
    #[arg(long)]
    pub(super) check: bool,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("`{folder}` is not empty: name a folder that is not there yet, so that nothing is written over")]
    NotEmpty { folder: PathBuf },
    #[error("cannot look into `{folder}`")]
    Look { folder: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
}

pub(super) fn new(args: &NewArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let folder = &args.folder;
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(WriteError::NotEmpty { folder: folder.clone() }.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(WriteError::Look { folder: folder.clone(), source }.into()),
    }
    fs::create_dir_all(folder).map_err(|source| WriteError::Write { path: folder.clone(), source })?;
    let pack = starter();
    let mut written = Vec::new();
    for (_, path, text) in pack.files() {
        let path = folder.join(path);
        fs::write(&path, text).map_err(|source| WriteError::Write { path: path.clone(), source })?;
        written.push(path.display().to_string());
    }
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "written": written }))?)?;
    } else {
        written.iter().try_for_each(|path| writeln!(out, "wrote {path}"))?;
        writeln!(out, "try it: schoolgate policy test {}", folder.display())?;
    }
    Ok(Found::NothingWrong)
}

pub(super) fn fmt(args: &FmtArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let mut changed = Vec::new();
    for folder in &args.packs {
        let pack = pack::read(folder)?;
        for change in layout::changes(&pack) {
            let path = folder.join(&change.path);
            if !args.check {
                fs::write(&path, &change.text).map_err(|source| WriteError::Write { path: path.clone(), source })?;
            }
            changed.push(path.display().to_string());
        }
    }
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "changed": changed, "written": !args.check }))?)?;
    } else {
        let verb = if args.check { "would change" } else { "changed" };
        changed.iter().try_for_each(|path| writeln!(out, "{verb} {path}"))?;
    }
    Ok(super::found(!args.check || changed.is_empty()))
}
