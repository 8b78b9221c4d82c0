//! A real school's service.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schoolgate_base::SchoolId;
use schoolgate_control::{AdoptError, install};
use schoolgate_keys::{KeyError, KeyRing};
use schoolgate_policy::Pack;
use schoolgate_records::{Actor, RecordsError, Store};
use schoolgate_runtime::{Clock, Sockets as Listening};
use schoolgate_snapshot::SnapshotError;
use schoolgate_tls::{LeafError, UpstreamError};
use tokio_rustls::TlsAcceptor;
use tracing::info;

use crate::data_dir::{DataDir, DataDirError, LiveDir};
use crate::processes::{
    Inherited, Places, Role, SuperviseError, control, gateway, readable, signer, supervise, takeable,
};
use crate::product::{PortalTls, RunError, StartError};
use crate::reached::lists_at;
use crate::settings::{Certificate, PortalSettings, Settings, SettingsError};
use crate::sources::SourceError;

/// Name of an index that `lists build` left in the data directory.
pub const LISTS_INDEX: &str = "index.lists";

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` does not hold what it should: a certificate chain, or its key, in PEM")]
    Pem { path: PathBuf },
    #[error("the portal's certificate and key cannot be used together")]
    Certificate { source: rustls::Error },
    #[error("cannot make the school's keys")]
    Keys {
        #[from]
        source: KeyError,
    },
    #[error("cannot write the school down")]
    Records {
        #[from]
        source: RecordsError,
    },
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    #[error("cannot start")]
    Start {
        #[from]
        source: StartError,
    },
    #[error("the signer does not answer on `{path}`")]
    Signer { path: PathBuf, source: io::Error },
    #[error("the settings say that there is no gateway")]
    NoGateway,
    #[error("`proxy.off` has changed, which is read at a restart only")]
    OnlyAtRestart,
    #[error("the lists of withdrawn certificates cannot be read: {problem}")]
    Revocations { problem: String },
    #[error("control does not take this gateway")]
    Unlinked,
    #[error("cannot read the snapshot")]
    Snapshot {
        #[from]
        source: SnapshotError,
    },
    #[error("cannot prepare certificates")]
    Leaves {
        #[from]
        source: LeafError,
    },
    #[error("cannot prepare connections to sites")]
    Upstream {
        #[from]
        source: UpstreamError,
    },
    #[error("cannot know who people are as `who` in the settings says")]
    Sources {
        #[from]
        source: SourceError,
    },
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
    #[error("did not stop cleanly")]
    Run {
        #[from]
        source: RunError,
    },
}

/// Makes the data directory of a real school: its mark, its keys, its records, its first policy.
pub async fn init(data: &Path, school: SchoolId, name: &str, pack: Pack) -> Result<(), ServeError> {
    let now = Clock::system().now();
    let dir = LiveDir::create(data, school, name, now)?;
    let keys = Arc::new(KeyRing::create(dir.path())?);
    let store = Store::open(dir.path(), keys).await?;
    let school = store.school_create(dir.school(), name, Actor::program("init"), now).await?;
    install(&school, pack, Actor::program("init"), now).await?;
    store.close().await?;
    Ok(())
}

/// Serves a school until somebody stops it: each role in a process of its own. A directory of the demo is refused.
/// `inherited` are listening sockets that the system has opened for it.
pub async fn serve(data: &Path, settings_file: &Path, inherited: Listening) -> Result<(), ServeError> {
    let dir = LiveDir::open(data)?;
    // Read here only to say at once what is wrong with it. Which of the roots is the school's own only the signer's process
    // knows for sure.
    let settings = Settings::load(settings_file)?;
    readable(&settings, &dir)?;
    let sockets = settings.sockets(&dir);
    let texts = [("--data", data), ("--settings", settings_file)];
    let arguments: Vec<String> =
        texts.iter().flat_map(|(name, path)| [(*name).to_owned(), path.display().to_string()]).collect();
    let roles: &[Role] = match settings.proxy {
        Some(_) => &[Role::Signer, Role::Control, Role::Gateway],
        None => &[Role::Signer, Role::Control],
    };
    let mut inherited = inherited;
    let portal = inherited.split_off(settings.portal.listen);
    let (file, mut taken) = (settings_file.to_owned(), settings);
    let may_take_new = move || {
        let next = Settings::load(&file)?;
        takeable(&next, &taken, &dir)?;
        taken = next;
        Ok(())
    };
    let inherited = Inherited { gateway: inherited, control: portal };
    Ok(supervise(roles, &arguments, &sockets, inherited, may_take_new).await?)
}

/// Says what is wrong with the settings, and changes nothing.
pub fn settings_check(data: &Path, settings_file: &Path) -> Result<(), ServeError> {
    let dir = LiveDir::open(data)?;
    readable(&Settings::load(settings_file)?, &dir)
}

/// Does the work of one role until it is asked to stop. Of `data`, signer and gateway need the school's mark only, where
/// the settings name other folders for what they use.
pub async fn serve_role(role: Role, data: &Path, settings_file: &Path, inherited: Listening) -> Result<(), ServeError> {
    let settings = Settings::load(settings_file)?;
    let dir = LiveDir::open(data)?;
    let sockets = settings.sockets(&dir);
    DataDir::make_private(&sockets.of(role))?;
    match role {
        Role::Signer => {
            let keys = settings.signer_keys(&dir);
            DataDir::make_private(&keys)?;
            sockets.offices().parent().map_or(Ok(()), DataDir::make_private)?;
            let lists_at = settings.proxy.clone().and_then(|proxy| lists_at(proxy, &settings.portal.name));
            signer(&keys, dir.school_name(), &sockets, lists_at.as_deref()).await?;
        }
        Role::Control => control(data, settings_file, settings, &sockets, inherited).await?,
        // A clean end, so that the system's services do not start it again.
        Role::Gateway if settings.proxy.is_none() => info!("the settings say that there is no gateway"),
        Role::Gateway => {
            let places = Places { snapshot: &settings.snapshot(&dir), settings: settings_file, sockets: &sockets };
            gateway(places, settings, inherited).await?;
        }
    }
    Ok(())
}

/// Whether a folder holds the school's CA.
pub fn has_authority(keys: &Path) -> bool {
    schoolgate_tls::Authority::is_in(keys)
}

/// The CA in use, where this process may read it.
pub(crate) fn own_ca(keys: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::from_pem_file(keys.join("ca.pem")).into_iter().collect()
}

pub(crate) fn portal_tls(settings: &PortalSettings) -> Result<PortalTls, ServeError> {
    match &settings.certificate {
        Some(certificate) => Ok(PortalTls::Public(acceptor(certificate)?)),
        None => Ok(PortalTls::Own),
    }
}

/// The index in the folder of lists, or an empty one before the first import.
pub(crate) fn lists(folder: &Path) -> Result<Vec<u8>, ServeError> {
    let path = folder.join(LISTS_INDEX);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let empty = schoolgate_lists::IndexBuilder::new().build();
            empty.map_err(|error| ServeError::Read { path, source: io::Error::other(error) })
        }
        Err(source) => Err(ServeError::Read { path, source }),
    }
}

fn acceptor(certificate: &Certificate) -> Result<TlsAcceptor, ServeError> {
    let open = |path: &Path| {
        let file = File::open(path).map_err(|source| ServeError::Read { path: path.to_owned(), source });
        file.map(BufReader::new)
    };
    let wrong = |path: &Path| ServeError::Pem { path: path.to_owned() };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_reader_iter(open(&certificate.chain)?).collect();
    let chain = chain.map_err(|_| wrong(&certificate.chain))?;
    let key = PrivateKeyDer::from_pem_reader(open(&certificate.key)?).map_err(|_| wrong(&certificate.key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| ServeError::Certificate { source })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
