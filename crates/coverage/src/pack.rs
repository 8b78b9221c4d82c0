//! A pack with its register, read from its folder.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schoolgate_policy::{Built, Context, Pack, build, read_extended, scenario};

use crate::register::{Row, rows};

pub const REGISTER: &str = "register.tsv";

pub struct Source {
    pub name: String,
    pub pack: Pack,
    pub rows: Vec<Row>,
}

/// The folders below `root` that hold a register, by name.
pub fn with_register(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(root).map_err(|error| format!("cannot read `{}`: {error}", root.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join(REGISTER).is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

impl Source {
    pub fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let path = folder.to_str().ok_or_else(|| format!("`{}` is not text in UTF-8", folder.display()))?;
        let pack = read_extended(path, &mut |folder| read_one(Path::new(folder)))?;
        let table = fs::read_to_string(folder.join(REGISTER))?;
        let rows = rows(&table).map_err(|error| format!("{}: {error}", folder.join(REGISTER).display()))?;
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { name, pack, rows })
    }

    /// The pack, checked over the people whom its scenarios name.
    pub fn built(&self) -> Built {
        let offices = scenario::offices(&self.pack, &build(&self.pack, Context::default()));
        build(&self.pack, Context { offices: Some(&offices), ..Context::default() })
    }
}

fn read_one(folder: &Path) -> io::Result<Pack> {
    let mut pack = Pack::default();
    read_into(folder, "", &mut pack)?;
    Ok(pack)
}

fn read_into(folder: &Path, prefix: &str, pack: &mut Pack) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if path.is_dir() {
            read_into(&path, &format!("{prefix}{name}/"), pack)?;
        } else if name.ends_with(".md") || name.ends_with(".toml") {
            pack.insert(&format!("{prefix}{name}"), &fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
