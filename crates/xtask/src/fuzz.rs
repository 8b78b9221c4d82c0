//! `cargo xtask fuzz …`: coverage-guided runs of the fuzz targets, by cargo-fuzz (libFuzzer) on the stable compiler.
//!
//! What the crates define lies in their `fuzzing` modules and is run over its corpus by ordinary tests; the folder `fuzz`
//! is a package of its own that links each to libFuzzer. What a run finds new goes below the target directory, never into
//! the committed corpus.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{self, Trouble};

/// So long for each target when nothing is said, in seconds.
const SECONDS: u32 = 20;
/// Longest input, in bytes: a full UDP message of EDNS and every header line, and short enough to be quick.
const INPUT_MAX: u32 = 4_096;

/// What the words ask for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    /// All of them when there is none.
    targets: Vec<&'a str>,
    seconds: u32,
}

pub(crate) fn fuzz(words: &[String]) -> Result<(), Trouble> {
    let known = targets()?;
    let asked = read(words, &known)?;
    if !shell::is_there(&["cargo-fuzz"]) {
        let how =
            "cargo-fuzz is not installed; `cargo install cargo-fuzz` brings it, and the stable compiler is enough";
        return Err(Trouble::new(how));
    }
    let target_dir = target_dir()?;
    let mut failed = Vec::new();
    for target in asked.targets {
        if let Err(trouble) = run(target, asked.seconds, &target_dir) {
            println!("{trouble}");
            failed.push(target);
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Trouble::new(format!(
            "does not hold: {}; the inputs are in fuzz/artifacts, and each becomes a test of its parser",
            failed.join(", ")
        ))),
    }
}

/// The names of all targets, in order.
fn targets() -> Result<Vec<String>, Trouble> {
    let failed = |error| Trouble::new(format!("cannot read `fuzz/targets`: {error}"));
    let mut names = Vec::new();
    for entry in fs::read_dir(shell::root().join("fuzz/targets")).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn read<'a>(words: &'a [String], known: &'a [String]) -> Result<Asked<'a>, Trouble> {
    let mut asked = Asked { targets: Vec::new(), seconds: SECONDS };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let seconds = words.next().and_then(|word| word.parse().ok()).filter(|seconds| *seconds > 0);
            asked.seconds =
                seconds.ok_or_else(|| Trouble::new("`--seconds` wants a number of seconds for each target"))?;
        } else if known.contains(word) {
            asked.targets.push(word);
        } else {
            return Err(Trouble::new(format!("there is no target `{word}`; there are {}", known.join(", "))));
        }
    }
    if asked.targets.is_empty() {
        asked.targets = known.iter().map(String::as_str).collect();
    }
    Ok(asked)
}

/// Beside what else is built, but apart: everything in it has coverage counters.
fn target_dir() -> Result<PathBuf, Trouble> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| shell::root().join("target"), PathBuf::from);
    let dir = target.join("fuzz");
    fs::create_dir_all(&dir).map_err(|error| Trouble::new(format!("cannot make `{}`: {error}", dir.display())))?;
    Ok(dir)
}

fn run(target: &str, seconds: u32, target_dir: &Path) -> Result<(), Trouble> {
    let found = target_dir.join("corpus").join(target);
    fs::create_dir_all(&found).map_err(|error| Trouble::new(format!("cannot make `{}`: {error}", found.display())))?;
    // Sanitizers need a nightly compiler; without them stable has all that is needed, and our code has no unsafe parts.
    let mut command = shell::command("cargo-fuzz", &["fuzz", "run", "--sanitizer", "none", "--target-dir"]);
    command.arg(target_dir).arg(target).arg(&found).arg(shell::root().join("fuzz/corpus").join(target)).args([
        "--".to_owned(),
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_MAX}"),
        "-timeout=10".to_owned(),
    ]);
    heard(&mut command)
}

/// Runs to the end and tells what is worth reading: not each input that led somewhere new, of which there are thousands.
fn heard(command: &mut Command) -> Result<(), Trouble> {
    let failed = |error| Trouble::new(format!("cannot run cargo-fuzz: {error}"));
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
        if !["NEW", "REDUCE", "pulse", "RELOAD"].iter().any(|step| line.contains(&format!("\t{step} "))) {
            eprintln!("{line}");
        }
    }
    match child.wait().map_err(failed)?.success() {
        true => Ok(()),
        false => Err(Trouble::new("a target does not hold, or could not be built")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Asked, SECONDS, fs, read, shell, targets};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn one_target_or_all_are_run_for_so_many_seconds() {
        let known = words("host path");
        let check = |text: &str, targets: &[&str], seconds| {
            let words = words(text);
            assert_eq!(read(&words, &known).unwrap(), Asked { targets: targets.to_vec(), seconds });
        };
        check("", &["host", "path"], SECONDS);
        check("path --seconds 300", &["path"], 300);
        for wrong in ["hosts", "--seconds", "--seconds 0", "host --seconds soon"] {
            assert!(read(&words(wrong), &known).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_target_has_a_binary_a_corpus_and_a_row_in_the_table() {
        let root = shell::root();
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let manifest: toml::Table = text("fuzz/Cargo.toml").parse().unwrap();
        let binaries = manifest["bin"].as_array().unwrap().iter();
        let binaries: BTreeSet<String> = binaries.map(|bin| bin["name"].as_str().unwrap().to_owned()).collect();
        let targets: BTreeSet<String> = targets().unwrap().into_iter().collect();
        assert_eq!(targets, binaries);
        let corpora = fs::read_dir(root.join("fuzz/corpus")).unwrap();
        let corpora: BTreeSet<String> =
            corpora.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(targets, corpora);
        let table = text("docs/fuzzing.md");
        for target in &targets {
            assert!(table.contains(&format!("| `{target}` |")), "docs/fuzzing.md does not name {target}");
        }
    }
}
