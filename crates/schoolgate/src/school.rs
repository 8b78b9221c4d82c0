//! Commands on a data directory: demo, init, serve, verify, backup, restore, people, lists.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use schoolgate_app::data_dir::{DataDir, DataDirError};
use schoolgate_app::demo::{self, DemoError, DemoOptions};
use schoolgate_app::product::{StartError, records};
use schoolgate_app::serve::{LISTS_INDEX, ServeError, init, serve};
use schoolgate_base::SchoolId;
use schoolgate_keys::{KeyError, KeyRing};
use schoolgate_lists::{BuildError, Import, IndexBuilder, ListFormat};
use schoolgate_records::{JournalReport, RecordsError, Standing, backup, restore};
use schoolgate_runtime::Clock;

use crate::Found;
use crate::pack::{self, PackError};
use crate::people::{self, PeopleCommand, PeopleError};

#[derive(Debug, Subcommand)]
pub(crate) enum SchoolCommand {
    /// Try everything: a made-up school on a playground web, on this machine only.
    Demo(DemoArgs),
    /// Make the data directory of a school, with its keys and its first policy.
    Init {
        /// A new directory for it.
        #[arg(long)]
        data: PathBuf,
        /// Short id of the school, such as `riverside`.
        #[arg(long)]
        school: String,
        /// As people call it.
        #[arg(long)]
        name: String,
        /// Folder of the policy pack.
        #[arg(long)]
        policy: PathBuf,
    },
    /// Run a school's portal and proxy.
    Serve {
        /// Directory that `init` made.
        #[arg(long)]
        data: PathBuf,
        /// TOML file of addresses, names and certificates.
        #[arg(long)]
        settings: PathBuf,
    },
    /// Check the journal of every change from its first note to its last.
    Verify {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
    },
    /// Copy the records while the program runs. Keys are never in a backup.
    Backup {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// A new or empty directory.
        #[arg(long)]
        to: PathBuf,
        /// Where the keys go, apart from the backup; left out, they are not copied.
        #[arg(long)]
        keys_to: Option<PathBuf>,
    },
    /// Bring a backup back into a new data directory.
    Restore {
        /// Directory of the backup.
        #[arg(long)]
        from: PathBuf,
        /// Where the keys were kept apart.
        #[arg(long)]
        keys: PathBuf,
        /// A new directory.
        #[arg(long)]
        data: PathBuf,
    },
    /// Import people, give passwords and offices, while the school is not served.
    #[command(subcommand)]
    People(PeopleCommand),
    /// Build the index of categories from lists.
    #[command(subcommand)]
    Lists(ListsCommand),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo keeps its school.
    #[arg(long, default_value = "demo-data")]
    data: PathBuf,
    /// Forget what an earlier start left.
    #[arg(long)]
    fresh: bool,
    /// Start without a gateway.
    #[arg(long)]
    portal_only: bool,
    /// Usual ports (8080 and 3128), or any free ones.
    #[arg(long, value_enum, default_value_t = Ports::Usual)]
    ports: Ports,
    /// Say where everything is in one line of JSON.
    #[arg(long)]
    print_json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ports {
    Usual,
    Free,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ListsCommand {
    /// Build from files, one `CATEGORY=FILE` each; the service puts the index in force at its next start.
    Build {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// A plain list, a hosts file or a warning list, as `gambling=hosts.txt`.
        #[arg(required = true)]
        files: Vec<String>,
    },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SchoolError {
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error("`{0}` is no id of a school; use letters, digits and -")]
    School(String),
    #[error("the records could not be read or written")]
    Records {
        #[from]
        source: RecordsError,
    },
    #[error("the keys could not be read or written")]
    Keys {
        #[from]
        source: KeyError,
    },
    #[error("`{0}` is not `CATEGORY=FILE`")]
    NotAList(String),
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot build the index")]
    Build {
        #[from]
        source: BuildError,
    },
    #[error("cannot write to the terminal")]
    Print {
        #[from]
        source: std::io::Error,
    },
}

pub(crate) async fn run(command: SchoolCommand, out: &mut impl Write) -> Result<Found, SchoolError> {
    match command {
        SchoolCommand::Demo(args) => demo::run(options(args)).await?,
        SchoolCommand::Init { data, school, name, policy } => {
            let id = SchoolId::new(&school).map_err(|_| SchoolError::School(school))?;
            init(&data, id, &name, pack::read(&policy)?).await?;
            writeln!(
                out,
                "Made {} for {name}. Keep {}/keys safe: nothing replaces it.",
                data.display(),
                data.display()
            )?;
        }
        SchoolCommand::Serve { data, settings } => serve(&data, &settings).await?,
        SchoolCommand::Verify { data } => return verify(&data, out).await,
        SchoolCommand::Backup { data, to, keys_to } => copy(&data, &to, keys_to.as_deref(), out).await?,
        SchoolCommand::Restore { from, keys, data } => return bring_back(&from, &keys, &data, out).await,
        SchoolCommand::People(command) => people::run(command, &mut io::stdin().lock(), out).await?,
        SchoolCommand::Lists(ListsCommand::Build { data, files }) => build(&data, &files, out)?,
    }
    Ok(Found::NothingWrong)
}

fn options(args: DemoArgs) -> DemoOptions {
    DemoOptions {
        data: args.data,
        fresh: args.fresh,
        portal_only: args.portal_only,
        free_ports: args.ports == Ports::Free,
        json: args.print_json,
    }
}

async fn verify(data: &Path, out: &mut impl Write) -> Result<Found, SchoolError> {
    let dir = DataDir::open(data)?;
    let (store, school, _) = records(&dir).await?;
    let damage = store.integrity().await?;
    for line in &damage {
        writeln!(out, "the database file: {line}")?;
    }
    let report = school.journal_verify(&[]).await?;
    store.close().await?;
    let found = tell(dir.school_name(), &report, out)?;
    Ok(if damage.is_empty() { found } else { Found::SomethingWrong })
}

fn tell(school: &str, report: &JournalReport, out: &mut impl Write) -> Result<Found, SchoolError> {
    let words = match report.standing {
        Standing::Damaged => "damaged",
        Standing::Consistent => "consistent (without an anchor kept outside, nobody can say \"unaltered\")",
        Standing::Unaltered => "unaltered since the anchor was taken",
    };
    writeln!(out, "{school}: {} notes, {words}", report.notes)?;
    if 0 < report.erased_count {
        writeln!(out, "  {} bodies were erased by retention, as the journal says", report.erased_count)?;
    }
    for problem in &report.problems {
        writeln!(out, "  note {} ({}): {}", problem.seq, problem.chain.as_str(), problem.kind)?;
    }
    Ok(if report.standing == Standing::Damaged { Found::SomethingWrong } else { Found::NothingWrong })
}

async fn copy(data: &Path, to: &Path, keys_to: Option<&Path>, out: &mut impl Write) -> Result<(), SchoolError> {
    let dir = DataDir::open(data)?;
    DataDir::make_private(to)?;
    let (store, _, keys) = records(&dir).await?;
    let manifest = backup(&store, to, Clock::system().now()).await?;
    store.close().await?;
    file_copy(&DataDir::mark_in(dir.path()), &DataDir::mark_in(to))?;
    writeln!(out, "Copied the records to {} ({} bytes).", to.display(), manifest.size_bytes)?;
    match keys_to {
        Some(path) => {
            keys.export(path)?;
            writeln!(out, "Copied the keys to {}. Keep them somewhere else than the backup.", path.display())?;
        }
        None => writeln!(out, "The keys are not in it: `--keys-to` copies them, to be kept apart.")?,
    }
    Ok(())
}

async fn bring_back(from: &Path, keys: &Path, data: &Path, out: &mut impl Write) -> Result<Found, SchoolError> {
    if DataDir::mark_in(data).exists() {
        return Err(DataDirError::Occupied { path: data.to_owned() }.into());
    }
    DataDir::make_private(data)?;
    KeyRing::open(keys)?.export(data)?;
    let ring = KeyRing::open(data)?;
    let reports = restore(from, data, Arc::new(ring), &[], Clock::system().now()).await?;
    // Last: without its mark the directory is no school yet, whatever happened on the way.
    file_copy(&DataDir::mark_in(from), &DataDir::mark_in(data))?;
    let mut worst = Found::NothingWrong;
    for (school, report) in &reports {
        if tell(school.as_str(), report, out)? == Found::SomethingWrong {
            worst = Found::SomethingWrong;
        }
    }
    Ok(worst)
}

fn file_copy(from: &Path, to: &Path) -> Result<(), SchoolError> {
    fs::copy(from, to).map(drop).map_err(|source| SchoolError::Write { path: to.to_owned(), source })
}

fn build(data: &Path, files: &[String], out: &mut impl Write) -> Result<(), SchoolError> {
    let dir = DataDir::open(data)?;
    let mut builder = IndexBuilder::new();
    for given in files {
        let (category, path) = given.split_once('=').ok_or_else(|| SchoolError::NotAList(given.clone()))?;
        let path = PathBuf::from(path);
        let bytes = fs::read(&path).map_err(|source| SchoolError::Read { path: path.clone(), source })?;
        let name = path.file_name().map_or_else(|| given.clone(), |name| name.to_string_lossy().into_owned());
        let (category, list) = (builder.category(category)?, builder.list(&name)?);
        let import = builder.import(ListFormat::guess(&bytes), &bytes, category, list)?;
        say(&name, &import, out)?;
    }
    let index = builder.build()?;
    let folder = dir.lists();
    let path = folder.join(LISTS_INDEX);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(path.with_extension("new"), &index));
    let placed = written.and_then(|()| fs::rename(path.with_extension("new"), &path));
    placed.map_err(|source| SchoolError::Write { path: path.clone(), source })?;
    writeln!(out, "Built {} ({} bytes). It comes into force at the next start.", path.display(), index.len())?;
    Ok(())
}

fn say(name: &str, import: &Import, out: &mut impl Write) -> Result<(), SchoolError> {
    writeln!(out, "{name}: {} entries, {} lines left out", import.entries, import.problem_count)?;
    for problem in &import.problems {
        writeln!(out, "  line {}: {}", problem.line, problem.reason)?;
    }
    Ok(())
}
