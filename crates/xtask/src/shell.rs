//! Running other programs: each failure names the command that failed.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// Why a task stopped: one sentence for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Trouble {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets this when it runs us; what was compiled in may be another clone that shares our target directory.
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let own = PathBuf::from(own);
    own.ancestors().nth(2).map(Path::to_path_buf).unwrap_or(own)
}

/// A command that runs in the workspace's folder and cannot wait for somebody to type.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// The same for the cargo that runs us.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), args)
}

/// Runs to the end with our own output; anything but success is trouble.
pub(crate) fn run(command: &mut Command) -> Result<(), Trouble> {
    let words = words(command);
    println!("$ {words}");
    let status = command.status().map_err(|error| Trouble::new(format!("cannot start `{words}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Trouble::new(format!("`{words}` failed ({status})"))) }
}

/// What the command prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Trouble> {
    let words = words(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Trouble::new(format!("cannot start `{words}`: {error}")))?;
    if !output.status.success() {
        return Err(Trouble::new(format!("`{words}` failed ({})", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Trouble::new(format!("`{words}` printed something that is not text")))
}

/// What a program printed while everything was passed on, and whether it succeeded.
pub(crate) struct Heard {
    pub(crate) lines: Vec<String>,
    pub(crate) ok: bool,
    pub(crate) words: String,
}

/// Runs with our own output and keeps the lines too, so that they can be counted.
pub(crate) fn hear(command: &mut Command) -> Result<Heard, Trouble> {
    let words = words(command);
    println!("$ {words}");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Trouble::new(format!("cannot start `{words}`: {error}")))?;
    let out = child.stdout.take().map(|pipe| thread::spawn(move || pass_on(pipe, io::stdout())));
    let err = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe, io::stderr())));
    let status = child.wait().map_err(|error| Trouble::new(format!("cannot wait for `{words}`: {error}")))?;
    let mut lines = Vec::new();
    for thread in [out, err].into_iter().flatten() {
        lines.extend(thread.join().unwrap_or_default());
    }
    Ok(Heard { lines, ok: status.success(), words })
}

fn pass_on(from: impl Read, mut to: impl Write) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        // Our own output being closed must not stop the child: it is heard to the end.
        let _closed = to.write_all(&line).and_then(|()| to.write_all(b"\n"));
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
    lines
}

/// Whether one of these programs can be started by its name. Debian keeps servers in `sbin`, which the path of an
/// ordinary user leaves out.
pub(crate) fn is_there(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    programs.iter().any(|program| folders.iter().any(|folder| folder.join(program).is_file()))
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
