//! Commands on a school's devices, for the machine's administrator: which are managed, and whose each is.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::{DeviceClass, DeviceId};
use schoolgate_keys::{KeyError, hex, random_bytes, sha256_hex};
use schoolgate_records::{Actor, Device, NewDevice, Person, RecordsError};
use schoolgate_runtime::Clock;

use crate::people::{PeopleError, looked_at, person, stopped};

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Enrol a device, and show its token: the password with which it proves at the proxy's TLS port that it is this one.
    /// A certificate of the school's device authority in the same name proves it too.
    Add {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// Such as `trolley-a-07`; as in its certificate.
        device: String,
        /// Class that rules name, such as `school-device`, or `shared`.
        #[arg(long)]
        class: String,
        /// The school looks after it: it trusts the school's CA.
        #[arg(long)]
        managed: bool,
        /// Log-in of the one person whose it is.
        #[arg(long)]
        of: Option<String>,
    },
    /// List the school's devices, also while it is served: class, whether the school looks after them, whose they are.
    List {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// Those too that were taken out.
        #[arg(long)]
        ended: bool,
    },
    /// Take a device out that is lost, sold or broken: its token and its certificate prove nothing from then on.
    End {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        device: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error("`{0}` is no name for a device; write letters, digits, `-`, `_` and `.`, such as trolley-a-07")]
    Name(String),
    #[error("there is or was a device `{0}`; a name is given once, so that what is recorded of it stays clear")]
    Taken(DeviceId),
    #[error("no device `{0}` is enrolled")]
    Unknown(DeviceId),
    #[error("{0} is nobody's person here now, in no capacity")]
    NoCapacity(Box<str>),
    #[error("cannot make a token")]
    Token(#[from] KeyError),
    #[error("the records could not be read or written")]
    Records(#[from] RecordsError),
    #[error("cannot write to the terminal")]
    Terminal(#[from] io::Error),
}

pub(crate) async fn run(command: DeviceCommand, out: &mut impl Write) -> Result<(), DeviceError> {
    let now = Clock::system().now();
    let actor = Actor::program("administrator");
    // Names in certificates are compared in lower case (RFC 5280 §7.2).
    let named = |device: String| DeviceId::new(&device.to_lowercase()).map_err(|_| DeviceError::Name(device));
    match command {
        DeviceCommand::Add { data, device, class, managed, of } => {
            let device = named(device)?;
            let school = stopped(&data).await?;
            if school.store.device_list().await?.iter().any(|known| known.device.id == device) {
                return Err(DeviceError::Taken(device));
            }
            let person = match of {
                Some(login) => {
                    let person = person(&school.store, &login).await?;
                    let capacity = person.capacities.first().copied();
                    Some((person.id, capacity.ok_or(DeviceError::NoCapacity(person.name))?))
                }
                None => None,
            };
            let token = hex(&random_bytes::<16>()?);
            let new = NewDevice {
                label: device.as_str().into(),
                id: device,
                secret_sha256: sha256_hex(token.as_bytes()).into(),
                class: DeviceClass::new(&class),
                is_managed: managed,
                person,
            };
            let mut write = school.store.begin(actor, now).await?;
            write.device_add(&new).await?;
            write.commit().await?;
            writeln!(out, "{} is enrolled. Its token, which is not shown again: {token}", new.id)?;
        }
        DeviceCommand::End { data, device } => {
            let device = named(device)?;
            let school = stopped(&data).await?;
            let mut known = school.store.device_list().await?.into_iter().filter(|one| one.revoked_at.is_none());
            if !known.any(|one| one.device.id == device) {
                return Err(DeviceError::Unknown(device));
            }
            let mut write = school.store.begin(actor, now).await?;
            write.device_revoke(&device).await?;
            write.commit().await?;
            writeln!(out, "{device} is a device of the school no longer.")?;
        }
        DeviceCommand::List { data, ended } => list(&data, ended, out).await?,
    }
    Ok(())
}

async fn list(data: &Path, with_ended: bool, out: &mut impl Write) -> Result<(), DeviceError> {
    let school = looked_at(data).await?;
    let mut devices = school.device_list().await?;
    devices.retain(|one| with_ended || one.revoked_at.is_none());
    if devices.is_empty() {
        writeln!(out, "No device is enrolled; `schoolgate device add` enrols one.")?;
        return Ok(());
    }
    let mut rows = vec![["DEVICE", "CLASS", "MANAGED", "WHOSE", "SINCE", "STATE"].map(str::to_owned)];
    for Device { device, created_at, revoked_at } in devices {
        let whose = match &device.person {
            Some((id, _)) => {
                school.person_fetch(id).await?.map_or_else(|| id.to_string(), |person| signs_in_as(&person))
            }
            None => "-".to_owned(),
        };
        let state = revoked_at.map_or_else(|| "enrolled".to_owned(), |at| format!("taken out {}", day(at)));
        let managed = if device.is_managed { "yes" } else { "no" };
        rows.push([device.id.to_string(), device.class.to_string(), managed.to_owned(), whose, day(created_at), state]);
    }
    table(&rows, out)?;
    Ok(())
}

fn signs_in_as(person: &Person) -> String {
    person.login.as_ref().unwrap_or(&person.name).to_string()
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).date().to_string()
}

/// Columns as wide as what is in them; the last ends where it ends.
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]], out: &mut impl Write) -> io::Result<()> {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use schoolgate_app::serve::init;
    use schoolgate_base::SchoolId;

    use super::*;

    const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

    async fn said(command: DeviceCommand) -> String {
        let mut out = Vec::new();
        match run(command, &mut out).await {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_device_is_enrolled_once_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("school");
        let pack = crate::pack::read(Path::new(PACK)).unwrap();
        init(&data, SchoolId::new("riverside").unwrap(), "Riverside", pack).await.unwrap();
        let add = |device: &str, of: Option<&str>| DeviceCommand::Add {
            data: data.clone(),
            device: device.to_owned(),
            class: "school-device".to_owned(),
            managed: true,
            of: of.map(str::to_owned),
        };
        let end = |device: &str| DeviceCommand::End { data: data.clone(), device: device.to_owned() };
        let added = said(add("trolley-7", None)).await;
        let token = added.rsplit(' ').next().unwrap().trim().to_owned();
        assert_eq!(token.len(), 32, "{added}");
        assert!(said(add("trolley-7", None)).await.contains("there is or was"));
        assert!(said(add("trolley 8", None)).await.contains("no name"));
        assert!(said(add("trolley-8", Some("nobody"))).await.contains("nobody"));
        let school = stopped(&data).await.unwrap();
        let devices = school.store.device_list().await.unwrap();
        assert_eq!(*devices[0].device.secret_sha256, *sha256_hex(token.as_bytes()));
        // Held as a school that is served holds it: looking changes nothing.
        let list = |ended| DeviceCommand::List { data: data.clone(), ended };
        let listed = said(list(false)).await;
        let words: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!((&words[..4], words[5]), (&["trolley-7", "school-device", "yes", "-"][..], "enrolled"), "{listed}");
        drop(school);
        assert!(said(end("trolley-7")).await.contains("no longer"));
        assert!(said(end("trolley-7")).await.contains("no device"));
        assert!(said(list(false)).await.starts_with("No device is enrolled"));
        assert!(said(list(true)).await.contains("taken out 2"));
    }
}
