//! Commands on a data directory: demo, init, serve, verify, backup, restore, people, lists.

mod copies;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use schoolgate_app::data_dir::{DataDir, DataDirError};
use schoolgate_app::demo::{self, DemoError, DemoOptions};
use schoolgate_app::processes::{ConfineError, Role, below_supervisor, confine_gateway};
use schoolgate_app::product::{StartError, records, records_of};
use schoolgate_app::serve::{ServeError, init, serve, serve_role, settings_check};
use schoolgate_app::settings::{Settings, SettingsError};
use schoolgate_base::SchoolId;
use schoolgate_keys::KeyError;
use schoolgate_records::{JournalReport, RecordsError, Standing, Unopened};
use schoolgate_runtime::Sockets;

use crate::Found;
use crate::ca::{self, CaCommand, CaError};
use crate::devices::{self, DeviceCommand, DeviceError};
use crate::lists::{self, ListsCommand, ListsError};
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
    /// Do the work of one process; `serve` and the system's services start these.
    Role {
        #[arg(value_enum)]
        role: RoleName,
        /// Directory that `init` made; a folder with its `school.json` is enough for the signer and the gateway where the
        /// settings name other folders.
        #[arg(long)]
        data: PathBuf,
        /// TOML file of addresses, names and certificates.
        #[arg(long)]
        settings: PathBuf,
        /// End when standard input ends, which the supervisor holds.
        #[arg(long = "below-supervisor", hide = true)]
        has_supervisor: bool,
    },
    /// Say what is wrong with the settings and the files that they name; nothing is changed.
    CheckSettings {
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
        /// The settings of the service, where they keep the signer's keys in a folder of their own.
        #[arg(long)]
        settings: Option<PathBuf>,
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
        /// TOML file of the settings, which may keep the key of the school's CA in a folder of its own.
        #[arg(long)]
        settings: Option<PathBuf>,
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
        /// TOML file of the settings, which may keep the key of the school's CA in a folder of its own.
        #[arg(long)]
        settings: Option<PathBuf>,
        /// Goes on although the backup holds sealed reports that none of these keys opens: nobody reads them again.
        #[arg(long)]
        without_sealed: bool,
    },
    /// Import people, give passwords and offices, while the school is not served.
    #[command(subcommand)]
    People(PeopleCommand),
    /// Show which CA signs for the school, make the next one, and let it take over.
    #[command(subcommand)]
    Ca(CaCommand),
    /// Enrol devices, and take them out, while the school is not served.
    #[command(subcommand)]
    Device(DeviceCommand),
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

/// See [`Role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    Signer,
    Control,
    Gateway,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Signer => Self::Signer,
            RoleName::Control => Self::Control,
            RoleName::Gateway => Self::Gateway,
        }
    }
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
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Lists(#[from] ListsError),
    #[error(transparent)]
    Ca(#[from] CaError),
    #[error("`{0}` is no id of a school; use letters, digits and -")]
    School(String),
    #[error("`{keys}` is inside the backup: whoever has the one would have the other; keep the keys somewhere else")]
    KeysInBackup { keys: PathBuf },
    #[error("`{kept}` holds the key of the school's CA, for a folder of its own; `--settings` says which one")]
    CaPlace { kept: PathBuf },
    #[error(
        "`{path}` holds the key of a CA already, which devices may trust; move it away first if it is to be replaced"
    )]
    CaOccupied { path: PathBuf },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Confine(#[from] ConfineError),
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
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write to the terminal")]
    Print {
        #[from]
        source: std::io::Error,
    },
}

/// Closes to this process what its command does not need; to be called before it has threads.
pub(crate) fn confine(command: &SchoolCommand) -> Result<(), SchoolError> {
    match command {
        SchoolCommand::Role { role: RoleName::Gateway, data, settings, .. } => Ok(confine_gateway(data, settings)?),
        _ => Ok(()),
    }
}

/// `inherited` are listening sockets that the system has opened for the program.
pub(crate) async fn run(
    command: SchoolCommand,
    inherited: Sockets,
    out: &mut impl Write,
) -> Result<Found, SchoolError> {
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
        SchoolCommand::Serve { data, settings } => serve(&data, &settings, inherited).await?,
        SchoolCommand::Role { role, data, settings, has_supervisor } => {
            let role = role.into();
            let work = serve_role(role, &data, &settings, inherited);
            match has_supervisor {
                true => below_supervisor(role, work).await?,
                false => work.await?,
            }
        }
        SchoolCommand::CheckSettings { data, settings } => {
            settings_check(&data, &settings)?;
            writeln!(out, "Nothing is wrong with these settings.")?;
        }
        SchoolCommand::Verify { data, settings } => {
            let settings = settings.as_deref().map(Settings::load).transpose()?;
            return verify(&data, settings.as_ref(), out).await;
        }
        SchoolCommand::Backup { data, to, keys_to, settings } => {
            let settings = settings.as_deref().map(Settings::load).transpose()?;
            copies::copy(&data, &to, keys_to.as_deref(), settings.as_ref(), out).await?;
        }
        SchoolCommand::Restore { from, keys, data, settings, without_sealed } => {
            let ca = copies::authority_place(&keys, settings.as_deref().map(Settings::load).transpose()?.as_ref())?;
            return copies::bring_back(
                &from,
                &copies::Kept { keys: &keys, ca, loses_sealed: without_sealed },
                &data,
                out,
            )
            .await;
        }
        SchoolCommand::Device(command) => devices::run(command, out).await?,
        SchoolCommand::People(command) => people::run(command, &mut io::stdin().lock(), out).await?,
        SchoolCommand::Ca(command) => ca::run(command, out)?,
        SchoolCommand::Lists(ListsCommand::Build { data, lists }) => lists::build(&DataDir::open(&data)?, &lists, out)?,
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

async fn verify(data: &Path, settings: Option<&Settings>, out: &mut impl Write) -> Result<Found, SchoolError> {
    let dir = DataDir::open(data)?;
    let (store, school, _) = match settings {
        Some(settings) => records_of(&dir, settings).await?,
        None => records(&dir).await?,
    };
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
    for mismatch in report.mismatches() {
        writeln!(out, "  {mismatch}")?;
    }
    let Unopened { count, untried } = report.unopened;
    if 0 < count {
        writeln!(out, "  {count} sealed reports are opened by none of the keys here")?;
    }
    if 0 < untried {
        writeln!(
            out,
            "  {untried} sealed reports were not tried: the keys of offices are not here, or the signer that has them \
             does not answer; `--settings` says where they are"
        )?;
    }
    let is_right = report.standing != Standing::Damaged && count == 0;
    Ok(if is_right { Found::NothingWrong } else { Found::SomethingWrong })
}

#[cfg(test)]
mod tests;
