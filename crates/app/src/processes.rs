//! The roles as processes: a supervisor, and below it the signer, control and the gateway.
//!
//! Between them are four sockets: the signer's, on which a leaf is asked for; that of the offices, on which control asks
//! it for what was sealed; the portal's, on which the gateway speaks for a device; the link, over which control hands a
//! gateway what it may know and takes its events. The gateway opens no database and no key file.
//!
//! Each role has a folder of its own for its sockets, the signer one more, and no other writes there. Who may connect is
//! said by that folder: its owner only, or also its group, where that may enter and the folder has the set-group-ID bit, as
//! the Debian package makes them for users of their own.

mod below;
mod book;
mod confine;
mod control;
mod desk;
mod gateway;
mod link;
mod messages;
mod offices;
mod reload;
mod signer;
mod supervisor;

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use schoolgate_keys::is_shared;
use tokio::net::UnixListener;

pub use below::below_supervisor;
pub(crate) use book::GatewayBook;
pub use confine::{ConfineError, confine_gateway};
pub use control::control;
pub(crate) use desk::{Desk, Handed};
pub use gateway::{Places, gateway};
pub(crate) use offices::offices_at;
pub(crate) use reload::{readable, takeable};
pub use signer::signer;
pub use supervisor::{Inherited, SuperviseError, supervise};
pub(crate) use supervisor::{Standing, standings};

use crate::product::StartError;

/// What one process of the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds the key of the school's CA and the keys of offices.
    Signer,
    /// Records, policies, events and the portal.
    Control,
    /// The doors.
    Gateway,
}

impl Role {
    /// The word of the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signer => "signer",
            Self::Control => "control",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The folder of the sockets, with one in it for each role.
#[derive(Debug, Clone)]
pub struct Sockets(PathBuf);

impl Sockets {
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder in which only `role` makes anything.
    pub(crate) fn of(&self, role: Role) -> PathBuf {
        self.0.join(role.as_str())
    }

    pub(crate) fn signer(&self) -> PathBuf {
        self.of(Role::Signer).join("signer.sock")
    }

    /// In a folder of its own: where each role has a user, the gateway may ask for leaves, and not for what was sealed.
    pub(crate) fn offices(&self) -> PathBuf {
        self.0.join("offices").join("offices.sock")
    }

    pub(crate) fn portal(&self) -> PathBuf {
        self.of(Role::Control).join("portal.sock")
    }

    pub(crate) fn link(&self) -> PathBuf {
        self.of(Role::Control).join("link.sock")
    }

    /// Where the supervisor keeps what the process of a role listens on.
    pub(crate) fn listening(&self, role: Role) -> PathBuf {
        self.0.join(format!("{role}-listening.sock"))
    }

    /// What the supervisor says of its processes.
    pub(crate) fn standing(&self) -> PathBuf {
        self.0.join("processes.json")
    }
}

/// A process's claim to the socket of its kind, until it ends.
pub(crate) struct Claim {
    _lock: File,
}

impl Claim {
    /// Fails where another process has it: two signers on one socket would take each other's askers.
    pub(crate) fn on(socket: &Path) -> Result<Self, StartError> {
        let path = socket.with_extension("lock");
        let failed = |source| StartError::Socket { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _lock: file }),
            Err(fs::TryLockError::WouldBlock) => Err(StartError::Claimed { path: socket.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Listens on `path`, where this user may connect, and the group of a folder that is shared with one; what a process that
/// was killed left there is taken away. The caller holds a [`Claim`] or the data directory.
pub(crate) fn socket(path: &Path) -> Result<UnixListener, StartError> {
    let failed = |source| StartError::Socket { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let folder = path.parent().unwrap_or(path);
    let mode = if is_shared(folder).map_err(failed)? { 0o660 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_says_who_may_connect() {
        let folder = tempfile::tempdir().unwrap();
        for (folder_mode, expected) in [(0o700, 0o600), (0o2700, 0o600), (0o750, 0o600), (0o2750, 0o660)] {
            fs::set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
            let path = folder.path().join("one.sock");
            let _listener = socket(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, expected, "{folder_mode:o}");
        }
    }
}
