//! Lists what npm built into `web/dist`, so that the portal carries its own styles and scripts.
//!
//! Without it the table is empty and the build still succeeds: `cargo check` works on a fresh clone, and
//! `cargo xtask` builds the web part first.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let dist = manifest.join("../../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let files = files_in(&dist);
    if files.is_empty() {
        println!("cargo:warning=web/dist is missing, pages will have no styles: run `cargo xtask web`");
    }
    let mut table = String::from("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in &files {
        println!("cargo:rerun-if-changed={}", path.display());
        writeln!(table, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)
}

fn files_in(dist: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(dist) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().canonicalize().ok()?)))
        .filter(|(_, path)| path.is_file())
        .collect();
    files.sort();
    files
}
