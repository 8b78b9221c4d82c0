//! Rules of the kernel for the gateway: what it may open, for as long as it lives, whoever has taken it over.
//!
//! With users of their own for the roles this is a second wall; where all run as one user it is the only one. The rules
//! hold for the thread that sets them and for threads that it starts later, so they are set before there are any.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use tracing::{info, warn};

use super::Role;
use crate::data_dir::{DataDir, DataDirError, LiveDir};
use crate::settings::{Settings, SettingsError};

/// The newest rules asked for; a kernel that knows fewer keeps those that it knows.
const RULES: ABI = ABI::V6;
/// What the program reads of the system: its libraries, certificates, names of hosts, time zones, number of processors.
/// Of `/etc` no more than that: keys of other services lie there, and the portal's.
const SYSTEM: [&str; 21] = [
    "/usr",
    "/lib",
    "/lib64",
    "/proc",
    "/sys/fs/cgroup",
    "/dev/null",
    "/dev/urandom",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki/tls/certs",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];
/// May be a link to a folder of whoever keeps it.
const RESOLVER: &str = "/etc/resolv.conf";

/// Why the gateway does not run behind rules of the kernel.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the kernel does not take the rules for the gateway")]
    Rules {
        #[from]
        source: RulesetError,
    },
}

/// Lets this thread, and threads that it starts from now on, open only what a gateway needs: of the school's data the
/// mark and the snapshot, of the system what programs need, and what the settings name for the doors. A kernel without
/// such rules is a line in the log.
pub fn confine_gateway(data: &Path, settings_file: &Path) -> Result<(), ConfineError> {
    match set_rules(data, settings_file)? {
        RulesetStatus::FullyEnforced => info!("the gateway may open only what it needs"),
        RulesetStatus::PartiallyEnforced => {
            info!("the gateway may open only what it needs, as far as this kernel has rules for it");
        }
        RulesetStatus::NotEnforced => warn!("this kernel has no rules (Landlock) for what the gateway may open"),
    }
    Ok(())
}

fn set_rules(data: &Path, settings_file: &Path) -> Result<RulesetStatus, ConfineError> {
    let settings = Settings::load(settings_file)?;
    let dir = LiveDir::open(data)?;
    let (own, snapshot) = (settings.sockets(&dir).of(Role::Gateway), settings.snapshot(&dir));
    // A rule is for what is there.
    DataDir::make_private(&own)?;
    DataDir::make_private(&snapshot)?;
    let portal_key = settings.portal.certificate.as_ref().map(|certificate| certificate.key.clone());
    let closed: Vec<PathBuf> = [data.to_owned(), settings.signer_keys(&dir)]
        .into_iter()
        .chain(portal_key)
        .map(|path| path.canonicalize().unwrap_or(path))
        .collect();
    let mut read = vec![snapshot, DataDir::mark_in(data)];
    read.extend(SYSTEM.map(PathBuf::from));
    read.extend([settings_file, Path::new(RESOLVER)].iter().filter_map(|path| folder_of(path, &closed)));
    let text = fs::read_to_string(settings_file)
        .map_err(|source| SettingsError::Read { path: settings_file.to_owned(), source })?;
    read.extend(named(&text).iter().filter_map(|path| folder_of(path, &closed)));
    Ok(confine(&read, &[own])?)
}

fn confine(read: &[PathBuf], write: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
    let set = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        // Nor end, stop or trace those that run as the same user.
        .scope(Scope::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(write, AccessFs::from_all(RULES)))?
        .restrict_self()?;
    Ok(set.ruleset)
}

/// Every path that the settings name outside of `portal` and `processes`, which are not the gateway's.
fn named(text: &str) -> Vec<PathBuf> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut found = Vec::new();
    for (_, value) in table.iter().filter(|(key, _)| !matches!(key.as_str(), "portal" | "processes")) {
        collect(value, &mut found);
    }
    found
}

fn collect(value: &toml::Value, found: &mut Vec<PathBuf>) {
    match value {
        toml::Value::String(text) if text.contains('/') && Path::new(text).exists() => found.push(PathBuf::from(text)),
        toml::Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        toml::Value::Table(table) => table.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// What to open for `path`: of a file its folder, since files are replaced by others of their name; the file alone where
/// that folder holds, or lies in, what stays closed. `None` for a folder that holds it, or what stays closed itself.
fn folder_of(path: &Path, closed: &[PathBuf]) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let folder = if path.is_dir() { path.as_path() } else { path.parent()? };
    if !closed.iter().any(|closed| closed.starts_with(folder) || folder.starts_with(closed)) {
        return Some(folder.to_owned());
    }
    if closed.iter().any(|closed| closed.starts_with(&path)) {
        warn!(path = %path.display(), "the gateway is not let into a folder with keys or records in it");
        return None;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::ErrorKind;

    use schoolgate_base::SchoolId;

    use super::*;

    #[test]
    fn what_the_gateway_does_not_need_is_closed_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        LiveDir::create(&path("data"), SchoolId::new("riverside").unwrap(), "Riverside", now).unwrap();
        for made in ["data/keys", "data/snapshot", "leases", "home"] {
            fs::create_dir_all(path(made)).unwrap();
        }
        for made in ["data/keys/token.key", "data/records.sqlite", "data/snapshot/root", "leases/dhcpd", "home/letter"]
        {
            fs::write(path(made), "text").unwrap();
        }
        let settings = path("schoolgate.toml");
        fs::write(&settings, "[processes]\nsigner_keys = \"/nowhere\"\n").unwrap();
        let named = format!("[[who]]\nfiles = [\"{}\"]", path("leases/dhcpd").display());
        assert_eq!(super::named(&named), [path("leases/dhcpd")]);
        let closed = [path("data").canonicalize().unwrap()];
        assert_eq!(folder_of(&path("data/records.sqlite"), &closed), path("data/records.sqlite").canonicalize().ok());

        // Rules hold for this thread alone, and end with it.
        let work = || {
            // A kernel from before these rules has none.
            let is_kept = set_rules(&path("data"), &settings).unwrap() != RulesetStatus::NotEnforced;
            let is_closed = |name: &str| match File::open(path(name)) {
                Ok(_) => false,
                Err(error) => error.kind() == ErrorKind::PermissionDenied,
            };
            let open = ["data/school.json", "data/snapshot/root", "schoolgate.toml"].map(is_closed);
            let shut = ["data/keys/token.key", "data/records.sqlite", "home/letter", "leases/dhcpd"].map(is_closed);
            let is_made = |name: &str| File::create(path(name)).is_ok();
            assert_eq!((open, is_made("data/run/gateway/one")), ([false; 3], true));
            assert_eq!((shut, is_made("data/two")), ([is_kept; 4], !is_kept));
        };
        std::thread::scope(|scope| scope.spawn(work).join()).unwrap();
    }
}
