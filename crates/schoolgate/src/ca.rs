//! `schoolgate ca`: which CA signs for the school, and the next one.
//!
//! The signer looks at its folder each minute, so nothing has to be started again.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schoolgate_app::data_dir::{DataDir, DataDirError};
use schoolgate_app::settings::{Settings, SettingsError};
use schoolgate_keys::KeyRing;
use schoolgate_runtime::Clock;
use schoolgate_tls::{AuthorityError, AuthorityFolder};

/// Time for every device to fetch the next certificate, unless a day is said.
const USUAL: SignedDuration = SignedDuration::from_hours(24 * 60);

#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Say which CA signs now, and which one next.
    Show(Place),
    /// Make the next CA; until its day devices are given both.
    Next {
        #[command(flatten)]
        place: Place,
        /// Day on which it begins to sign, such as 2027-01-31; usually in 60 days.
        #[arg(long)]
        from: Option<Date>,
    },
    /// Have the next CA sign, now or on another day; from then on the one before signs nothing.
    Switch {
        #[command(flatten)]
        place: Place,
        /// The day, such as 2027-01-31; usually now.
        #[arg(long)]
        on: Option<Date>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Directory of the school.
    #[arg(long)]
    data: PathBuf,
    /// The service's TOML file, where it says that the CA's key lies elsewhere.
    #[arg(long)]
    settings: Option<PathBuf>,
}

/// Why nothing could be said or done about the CA.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("`{0}` is no day in this machine's calendar")]
    Day(Date),
    #[error("cannot write to the terminal")]
    Print(#[from] io::Error),
}

pub(crate) fn run(command: CaCommand, out: &mut impl Write) -> Result<(), CaError> {
    let now = Clock::system().now();
    match command {
        CaCommand::Show(place) => show(&place.open()?.0, out),
        CaCommand::Next { place, from } => {
            let (folder, school) = place.open()?;
            let from = from.map(day).transpose()?.unwrap_or(now + USUAL);
            folder.prepare_next(&school, now, from)?;
            show(&folder, out)?;
            writeln!(
                out,
                "Within two minutes the portal hands out both. See that every device has the next one by then."
            )?;
            Ok(())
        }
        CaCommand::Switch { place, on } => {
            let folder = place.open()?.0;
            folder.switch_at(on.map(day).transpose()?.unwrap_or(now))?;
            show(&folder, out)?;
            writeln!(
                out,
                "From then on devices that have only the one before see warnings, or nothing, where sites are looked into."
            )?;
            Ok(())
        }
    }
}

impl Place {
    /// The folder of the keys, and the school's name.
    fn open(&self) -> Result<(AuthorityFolder, String), CaError> {
        let dir = DataDir::open(&self.data)?;
        let keys = match &self.settings {
            Some(settings) => Settings::load(settings)?.signer_keys(&dir),
            None => KeyRing::dir_in(dir.path()),
        };
        Ok((AuthorityFolder::new(&keys), dir.school_name().to_owned()))
    }
}

fn day(date: Date) -> Result<Timestamp, CaError> {
    let begins = date.to_zoned(TimeZone::system()).map_err(|_| CaError::Day(date))?;
    Ok(begins.timestamp())
}

fn show(folder: &AuthorityFolder, out: &mut impl Write) -> Result<(), CaError> {
    for ca in folder.standings()? {
        let date = |at: Timestamp| at.to_zoned(TimeZone::system()).date();
        match ca.from {
            None => writeln!(out, "In use, until {}", date(ca.not_after))?,
            Some(from) => writeln!(out, "Next, signs from {}, until {}", date(from), date(ca.not_after))?,
        }
        writeln!(out, "  SHA-256 {}", ca.fingerprint)?;
    }
    Ok(())
}
