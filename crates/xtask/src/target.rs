//! Where cargo puts what it builds.
//!
//! On a developer's machine: where cargo always does. In CI each run is a fresh clone, so the directory lies outside
//! it; third-party crates are then compiled once and not on each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the directory for all commands of one run; `None` leaves cargo's own choice.
pub(crate) fn outside_the_clone() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let asked = var("SCHOOLGATE_TARGET").map(PathBuf::from);
    let wanted = match asked {
        Some(asked) => asked,
        None if var("CI").is_none() || var("CARGO_TARGET_DIR").is_some() => return None,
        None => {
            let cache = var("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| var("HOME").map(|home| Path::new(&home).join(".cache")))?;
            cache.join("schoolgate/target")
        }
    };
    if is_writable(&wanted) {
        println!("building in {}", wanted.display());
        return Some(wanted);
    }
    println!("cannot write to {}: building inside the clone, from nothing", wanted.display());
    None
}

pub(crate) fn apply<'c>(command: &'c mut Command, target: Option<&Path>) -> &'c mut Command {
    if let Some(target) = target {
        command.env("CARGO_TARGET_DIR", target);
    }
    command
}

/// Tried, not asked: permissions, read-only mounts and full disks all answer the same way.
fn is_writable(directory: &Path) -> bool {
    let probe = directory.join(".written-by-xtask");
    fs::create_dir_all(directory).is_ok() && fs::write(&probe, b"probe").is_ok() && fs::remove_file(&probe).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_writable;

    #[test]
    fn a_directory_under_a_file_is_not_writable() {
        assert!(!is_writable(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml/target")));
    }
}
