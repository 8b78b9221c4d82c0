//! Where a gateway hears who is at which address, beside the portal: RADIUS accounting, lease files, Kerberos tickets,
//! certificates of managed devices.
//!
//! What cannot be opened at the start ends the start. What fails later is logged once and counted, and the rest goes on.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use schoolgate_base::{Capacity, PersonId, SchoolId};
use schoolgate_decide::Snapshot;
use schoolgate_identity::{
    Acceptor, Identities, KeytabError, LeaseFile, LeaseFiles, Logins, Peer, RadiusListener, Realms, Secret,
};
use schoolgate_keys::{KeyError, Pseudonyms, secret_read};
use schoolgate_proxy::Negotiate;
use schoolgate_runtime::{Clock, Metrics, Tasks};
use schoolgate_tls::{DeviceAuthorities, DeviceAuthorityError};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tracing::info;

use crate::settings::{KerberosSettings, RadiusPeer, RadiusSettings, WhoSettings};

/// Why the gateway cannot know people as the settings want it to.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("cannot listen for RADIUS accounting on {address}: another program has it, or it needs more rights")]
    Radius { address: SocketAddr, source: io::Error },
    #[error("cannot use the secret of RADIUS peer {peer}")]
    Secret { peer: IpAddr, source: KeyError },
    #[error("the secret of RADIUS peer {peer} in `{path}` is empty, and everybody could sign with it")]
    NoSecret { peer: IpAddr, path: PathBuf },
    #[error("cannot read `{path}` of `who.leases`; the gateway has to be let in there")]
    Leases { path: PathBuf, source: io::Error },
    #[error("cannot use the keytab of `who.kerberos`")]
    Keytab { source: KeyError },
    #[error("`{path}` of `who.kerberos` cannot be used")]
    Keys { path: PathBuf, source: KeytabError },
    #[error("cannot read `{path}` of `who.device_authorities`")]
    Authority { path: PathBuf, source: io::Error },
    #[error("`{path}` of `who.device_authorities` holds no certificate (PEM)")]
    NoAuthority { path: PathBuf },
    #[error("`who.device_authorities` cannot be used")]
    Authorities { source: DeviceAuthorityError },
}

/// Sources that are open and not yet listened to.
pub(crate) struct Sources {
    realms: Realms,
    radius: Option<(UdpSocket, Vec<Peer>)>,
    leases: Vec<LeaseFile>,
    kerberos: Option<(Acceptor, KerberosSettings)>,
    devices: Option<DeviceAuthorities>,
}

/// For whom the sources speak.
pub(crate) struct Hearing {
    pub(crate) school: SchoolId,
    /// Hashes log-ins as the snapshot has them.
    pub(crate) names: Pseudonyms,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
}

/// What the web door does with clients that can prove something.
#[derive(Clone, Default)]
pub(crate) struct Proofs {
    pub(crate) negotiate: Option<Negotiate>,
    devices: Option<DeviceAuthorities>,
}

impl Sources {
    pub(crate) async fn open(settings: &WhoSettings) -> Result<Self, SourceError> {
        for LeaseFile { path, .. } in &settings.leases {
            File::open(path).map_err(|source| SourceError::Leases { path: path.clone(), source })?;
        }
        let radius = match &settings.radius {
            Some(radius) => Some(open_radius(radius).await?),
            None => None,
        };
        let kerberos = settings.kerberos.clone().map(|kerberos| Ok((acceptor(&kerberos.keytab)?, kerberos)));
        Ok(Self {
            realms: Realms::new(&settings.realms),
            radius,
            leases: settings.leases.clone(),
            kerberos: kerberos.transpose()?,
            devices: authorities(&settings.device_authorities)?,
        })
    }

    /// Listens and looks until the tasks are drained.
    pub(crate) fn start(self, hearing: Hearing) -> Proofs {
        let Hearing { school, names, snapshots, identities, clock, tasks, metrics } = hearing;
        let logins: Arc<dyn Logins> = Arc::new(SnapshotLogins { snapshots, realms: self.realms, names, school });
        if let Some((socket, peers)) = self.radius {
            info!(peers = peers.len(), "listening for RADIUS accounting of {} peers", peers.len());
            let (identities, logins) = (Arc::clone(&identities), Arc::clone(&logins));
            let (clock, metrics) = (clock.clone(), metrics.clone());
            let listener = RadiusListener { socket, peers, identities, logins, clock, metrics };
            tasks.spawn("RADIUS accounting", listener.run(tasks.shutdown()));
        }
        if !self.leases.is_empty() {
            let files = LeaseFiles::new(self.leases, identities, clock, tasks.clone(), metrics);
            tasks.spawn("lease files", files.run());
        }
        let negotiate = self.kerberos.map(|(acceptor, settings)| Negotiate {
            acceptor: Arc::new(acceptor),
            logins,
            asks: settings.asks,
        });
        Proofs { negotiate, devices: self.devices }
    }
}

impl Proofs {
    /// A listener's TLS, that asks devices for their certificates where somebody issues such.
    pub(crate) fn asked_by(&self, own: Arc<ServerConfig>) -> Result<Arc<ServerConfig>, SourceError> {
        let Some(devices) = self.devices.clone() else { return Ok(own) };
        devices.asked_by(&own).map_err(|source| SourceError::Authorities { source })
    }
}

/// Log-ins as the newest snapshot has them.
struct SnapshotLogins {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    realms: Realms,
    names: Pseudonyms,
    school: SchoolId,
}

impl Logins for SnapshotLogins {
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        self.realms.person(name, |login| snapshot.people.logins.get(&self.names.login(&self.school, login)).cloned())
    }
}

async fn open_radius(settings: &RadiusSettings) -> Result<(UdpSocket, Vec<Peer>), SourceError> {
    let peers = settings.peers.iter().map(peer).collect::<Result<_, _>>()?;
    let address = settings.listen;
    let socket = UdpSocket::bind(address).await.map_err(|source| SourceError::Radius { address, source })?;
    Ok((socket, peers))
}

fn peer(settings: &RadiusPeer) -> Result<Peer, SourceError> {
    let RadiusPeer { address, secret_file, lenience } = settings;
    let secret = secret_read(secret_file).map_err(|source| SourceError::Secret { peer: *address, source })?;
    // Editors end a file with a line's end; a secret never does.
    let secret = Secret::new(secret.trim_ascii_end());
    let secret = secret.ok_or_else(|| SourceError::NoSecret { peer: *address, path: secret_file.clone() })?;
    Ok(Peer { address: *address, secret, lenience: *lenience })
}

fn acceptor(keytab: &Path) -> Result<Acceptor, SourceError> {
    let bytes = secret_read(keytab).map_err(|source| SourceError::Keytab { source })?;
    Acceptor::new(&bytes).map_err(|source| SourceError::Keys { path: keytab.to_owned(), source })
}

fn authorities(files: &[PathBuf]) -> Result<Option<DeviceAuthorities>, SourceError> {
    let mut all = DeviceAuthorities::default();
    for path in files {
        let pem = fs::read(path).map_err(|source| SourceError::Authority { path: path.clone(), source })?;
        let read = DeviceAuthorities::from_pem(&pem).map_err(|source| SourceError::Authorities { source })?;
        if read.certificates.is_empty() && read.revoked.is_empty() {
            return Err(SourceError::NoAuthority { path: path.clone() });
        }
        all.certificates.extend(read.certificates);
        all.revoked.extend(read.revoked);
    }
    match (all.certificates.is_empty(), files) {
        (true, [path, ..]) => Err(SourceError::NoAuthority { path: path.clone() }),
        (true, []) => Ok(None),
        (false, _) => Ok(Some(all)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use schoolgate_identity::{LeaseFormat, Lenience};
    use tempfile::TempDir;

    use super::*;

    struct Kit(TempDir);

    impl Kit {
        fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
            let path = self.0.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn radius(&self, secret_file: PathBuf) -> WhoSettings {
            let peers = vec![RadiusPeer { address: [127, 0, 0, 1].into(), secret_file, lenience: Lenience::default() }];
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            WhoSettings { radius: Some(RadiusSettings { listen, peers }), ..WhoSettings::default() }
        }
    }

    async fn refused(settings: WhoSettings) -> String {
        let Err(error) = Sources::open(&settings).await else { panic!("it was opened") };
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_said() {
        let kit = Kit(tempfile::tempdir().unwrap());
        let open = kit.file("open", b"secret\n", 0o644);
        assert!(refused(kit.radius(open)).await.contains("127.0.0.1: `"), "the mode is said");
        assert!(refused(kit.radius(kit.file("empty", b"\n", 0o600))).await.contains("is empty"));
        assert!(refused(kit.radius(kit.0.path().join("none"))).await.contains("127.0.0.1"));
        Sources::open(&kit.radius(kit.file("secret", b"secret\n", 0o600))).await.unwrap();

        let leases = vec![LeaseFile { path: kit.0.path().join("none"), format: LeaseFormat::Kea }];
        assert!(refused(WhoSettings { leases, ..WhoSettings::default() }).await.contains("who.leases"));
        let keytab = kit.file("keytab", b"no keytab", 0o600);
        let kerberos = Some(KerberosSettings { keytab, asks: Vec::new() });
        assert!(refused(WhoSettings { kerberos, ..WhoSettings::default() }).await.contains("version 2"));
        let device_authorities = vec![kit.file("ca.pem", b"nothing", 0o644)];
        assert!(refused(WhoSettings { device_authorities, ..WhoSettings::default() }).await.contains("ca.pem"));
    }
}
