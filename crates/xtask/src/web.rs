//! `cargo xtask web`: the styles and scripts of the pages.
//!
//! Both npm steps are skipped when nothing they read has changed; the sums are kept inside `node_modules`, so that
//! removing it starts from nothing.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use crate::shell::{self, Trouble};

pub(crate) fn build() -> Result<(), Trouble> {
    let web = shell::root().join("web");
    if !web.join("package.json").is_file() {
        println!("no web/package.json: nothing to build for the pages");
        return Ok(());
    }
    install(&web)?;
    let sum = sum_of(&sources(&web)?)?;
    let stamp = web.join("node_modules/.schoolgate-built");
    if web.join("dist").is_dir() && fs::read_to_string(&stamp).is_ok_and(|old| old == sum) {
        println!("web: up to date");
        return Ok(());
    }
    shell::run(shell::command("npm", &["run", "build", "--silent"]).current_dir(&web))?;
    keep(&stamp, &sum)
}

/// `npm ci` in a folder, when its lock file or its manifest has changed.
pub(crate) fn install(folder: &Path) -> Result<(), Trouble> {
    let inputs = [folder.join("package.json"), folder.join("package-lock.json")];
    if !shell::is_there(&["npm"]) {
        return Err(Trouble::new("npm is missing; install Node 20 or newer (Debian: apt-get install nodejs npm)"));
    }
    let sum = sum_of(&inputs)?;
    let stamp = folder.join("node_modules/.schoolgate-installed");
    if fs::read_to_string(&stamp).is_ok_and(|old| old == sum) {
        return Ok(());
    }
    shell::run(
        shell::command("npm", &["ci", "--no-audit", "--no-fund"])
            .current_dir(folder)
            // Browsers come from the distribution.
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
    )?;
    keep(&stamp, &sum)
}

fn keep(stamp: &Path, sum: &str) -> Result<(), Trouble> {
    let kept = stamp.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(stamp, sum));
    kept.map_err(|error| Trouble::new(format!("cannot write {}: {error}", stamp.display())))
}

/// Every file under the folder but what npm installs and what the build writes, in a fixed order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let unreadable = |error| Trouble::new(format!("cannot read {}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let is_product = path.file_name().is_some_and(|name| name == "node_modules" || name == "dist");
            match path.is_dir() {
                _ if is_product => {}
                true => open.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Not a secure sum and not the same with every compiler: both cost at most one build too many.
fn sum_of(files: &[PathBuf]) -> Result<String, Trouble> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let bytes = fs::read(file).map_err(|error| Trouble::new(format!("cannot read {}: {error}", file.display())))?;
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
