//! `cargo xtask demo`: build all of it, then become the demo.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Trouble};
use crate::web;

pub(crate) fn demo(args: &[String]) -> Result<(), Trouble> {
    web::build()?;
    println!("building schoolgate; the first time this takes some minutes");
    // The same selection as the tests build, so that neither compiles the other's third-party crates anew.
    shell::run(&mut shell::cargo(&["build", "--locked", "--workspace", "--bin", "schoolgate"]))?;
    let program = built("schoolgate")?;
    // Replaces this process, so that Ctrl-C reaches the demo and nobody in between.
    let error = Command::new(&program).arg("demo").args(args).exec();
    Err(Trouble::new(format!("cannot start {}: {error}", program.display())))
}

/// Where cargo put a program of the dev profile.
pub(crate) fn built(name: &str) -> Result<PathBuf, Trouble> {
    let text = shell::output(&mut shell::cargo(&["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Trouble::new(format!("cannot read `cargo metadata`: {error}")))?;
    let Some(directory) = metadata.get("target_directory").and_then(serde_json::Value::as_str) else {
        return Err(Trouble::new("`cargo metadata` does not name the target directory"));
    };
    Ok(PathBuf::from(directory).join("debug").join(name))
}
