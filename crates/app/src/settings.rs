//! Settings of a live school's service: raw as written in `schoolgate.toml`, then checked.
//!
//! The rest of the program sees only [`Settings`]. There is no setting for anything the demo may do.

mod dns;
mod proxy;
mod tls;
mod who;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schoolgate_base::{HostName, HostNameError, Network, NetworkError};
use schoolgate_keys::KeyRing;
use serde::Deserialize;

use self::dns::RawDns;
use self::proxy::RawProxy;
use self::tls::RawTls;
use self::who::RawWho;
use crate::data_dir::DataDir;
use crate::processes::Sockets;

pub use self::dns::DnsSettings;
pub use self::proxy::{ProxySettings, ProxySettingsError};
pub use self::tls::{TlsSettings, TlsSettingsError};
pub use self::who::{KerberosSettings, RadiusPeer, RadiusSettings, WhoSettings, WhoSettingsError};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read the settings `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is not valid: {reason}")]
    Parse { path: PathBuf, reason: String },
    #[error("`{key} = \"{value}\"` is not an address with a port; write it as `10.0.0.5:3128`")]
    Listen { key: &'static str, value: String },
    #[error("`portal.name = \"{value}\"` is not a host name")]
    PortalName { value: String, source: HostNameError },
    #[error(transparent)]
    Proxy(#[from] ProxySettingsError),
    #[error(transparent)]
    Tls(#[from] TlsSettingsError),
    #[error("`proxy.off` leaves no gateway, and `dns.listen` wants one: take one of them away")]
    DnsWithoutGateway,
    #[error("`dns` has settings but no `listen`; write where names are asked for, such as \"0.0.0.0:53\"")]
    DnsListen,
    #[error("`dns.upstreams` is empty; name a server to ask, such as \"9.9.9.9\" or \"tls://dns.quad9.net@9.9.9.9\"")]
    NoUpstream,
    #[error(
        "`{value}` is no name server; write `9.9.9.9`, `tcp://9.9.9.9`, `tls://dns.quad9.net@9.9.9.9` or \
         `https://dns.quad9.net@9.9.9.9/dns-query`"
    )]
    Upstream { value: String },
    #[error("`{key}`: `{value}` is not a host name")]
    Name { key: &'static str, value: String, source: HostNameError },
    #[error(transparent)]
    Who(#[from] WhoSettingsError),
    #[error("`proxy.off` leaves no gateway, and `metrics.listen` would show its numbers: take one of them away")]
    MetricsWithoutGateway,
    #[error("`{key}`: `{value}` is neither an address nor a network; write it as `10.0.0.9` or `10.2.0.0/16`")]
    Network { key: &'static str, value: String },
    #[error(
        "`{key}`: `{value}` could mean the network `{network}` or the one address `{address}`; write which of them"
    )]
    NetworkOrAddress { key: &'static str, value: String, network: Network, address: Network },
    #[error("`portal.{given}` is set but `portal.{missing}` is not; a certificate needs both")]
    HalfCertificate { given: &'static str, missing: &'static str },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    portal: RawPortal,
    proxy: RawProxy,
    dns: RawDns,
    who: RawWho,
    metrics: RawMetrics,
    tls: RawTls,
    processes: RawProcesses,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawProcesses {
    /// Folder of the sockets between the processes; usually `run` in the data directory.
    sockets: Option<PathBuf>,
    /// Folder of the CA's key and the keys of offices; usually `keys` in the data directory.
    signer_keys: Option<PathBuf>,
    /// Folder of the snapshot, which control writes and gateways read; usually `snapshot` in the data directory.
    snapshot: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawMetrics {
    /// Address and port where Prometheus reads the gateway's numbers, at `/metrics`, in the clear: usually none, or
    /// `127.0.0.1:9090`.
    listen: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPortal {
    /// The name people open in a browser; usually `schoolgate.internal`.
    name: Option<String>,
    /// Address and port where the portal listens with TLS; usually `0.0.0.0:443`.
    listen: Option<String>,
    /// A certificate chain (PEM) that every device trusts. Without it the school's own CA signs one.
    certificate: Option<PathBuf>,
    /// The certificate's key (PEM); given together with it.
    key: Option<PathBuf>,
}

impl Raw {
    /// Paths are from `folder`, where they are not from the root.
    fn in_folder(mut self, folder: &Path) -> Self {
        let RawProcesses { sockets, signer_keys, snapshot } = &mut self.processes;
        let own = [&mut self.portal.certificate, &mut self.portal.key, sockets, signer_keys, snapshot];
        for path in own.into_iter().flatten() {
            *path = folder.join(&*path);
        }
        Self { who: self.who.in_folder(folder), tls: self.tls.in_folder(folder), ..self }
    }
}

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Settings {
    pub portal: PortalSettings,
    /// `None`: portal only, without a gateway.
    pub proxy: Option<ProxySettings>,
    /// `None`: no name door.
    pub dns: Option<DnsSettings>,
    /// By what the gateway knows people.
    pub who: WhoSettings,
    /// Where the gateway's numbers are read; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Whom to believe of sites.
    pub tls: TlsSettings,
    sockets: Option<PathBuf>,
    signer_keys: Option<PathBuf>,
    snapshot: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSettings {
    /// The name people open, `portal.school.example`.
    pub name: HostName,
    /// Where it listens with TLS.
    pub listen: SocketAddr,
    /// A certificate and key that every device trusts; without them the school's own CA signs one.
    pub certificate: Option<Certificate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Settings {
    /// Reads `schoolgate.toml`.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        let raw: Raw = toml::from_str(&text)
            .map_err(|error| SettingsError::Parse { path: path.to_owned(), reason: error.to_string() })?;
        // Whoever starts the program, and wherever: a path means the same file.
        Self::check(raw.in_folder(path.parent().unwrap_or(Path::new(""))))
    }

    fn check(raw: Raw) -> Result<Self, SettingsError> {
        let certificate = match (raw.portal.certificate, raw.portal.key) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key }),
            (None, None) => None,
            (Some(_), None) => return Err(SettingsError::HalfCertificate { given: "certificate", missing: "key" }),
            (None, Some(_)) => return Err(SettingsError::HalfCertificate { given: "key", missing: "certificate" }),
        };
        let name = raw.portal.name.unwrap_or_else(|| "schoolgate.internal".to_owned());
        let name = HostName::parse(&name).map_err(|source| SettingsError::PortalName { value: name, source })?;
        let listen = address("portal.listen", raw.portal.listen, "0.0.0.0:443")?;
        let proxy = raw.proxy.check()?;
        let RawProcesses { sockets, signer_keys, snapshot } = raw.processes;
        let (dns, tls) = (raw.dns.check()?, raw.tls.check()?);
        if proxy.is_none() && dns.is_some() {
            return Err(SettingsError::DnsWithoutGateway);
        }
        let who = raw.who.check(proxy.as_ref())?;
        let metrics = raw.metrics.listen.map(|value| address("metrics.listen", Some(value), "")).transpose()?;
        if proxy.is_none() && metrics.is_some() {
            return Err(SettingsError::MetricsWithoutGateway);
        }
        let portal = PortalSettings { name, listen, certificate };
        Ok(Self { portal, proxy, dns, who, metrics, tls, sockets, signer_keys, snapshot })
    }

    /// Where the processes meet.
    pub fn sockets(&self, dir: &DataDir) -> Sockets {
        match &self.sockets {
            Some(folder) => Sockets::new(folder),
            None => Sockets::new(&dir.path().join("run")),
        }
    }

    /// Where the signer has the CA's key.
    pub fn signer_keys(&self, dir: &DataDir) -> PathBuf {
        self.signer_keys.clone().unwrap_or_else(|| KeyRing::dir_in(dir.path()))
    }

    /// The folder of the CA's key, where the settings name one.
    pub fn signer_keys_apart(&self) -> Option<&Path> {
        self.signer_keys.as_deref()
    }

    /// Where control writes the snapshot, and gateways read it.
    pub fn snapshot(&self, dir: &DataDir) -> PathBuf {
        self.snapshot.clone().unwrap_or_else(|| dir.snapshot())
    }
}

fn address(key: &'static str, value: Option<String>, usual: &str) -> Result<SocketAddr, SettingsError> {
    let value = value.unwrap_or_else(|| usual.to_owned());
    value.parse().map_err(|_| SettingsError::Listen { key, value })
}

fn networks(key: &'static str, values: &[String]) -> Result<Vec<Network>, SettingsError> {
    let read = |value: &String| {
        let value = value.clone();
        value.parse().map_err(|error| match error {
            NetworkError::NotOne => SettingsError::Network { key, value },
            NetworkError::Ambiguous { network, address } => {
                SettingsError::NetworkOrAddress { key, value, network, address }
            }
        })
    };
    values.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("schoolgate.toml");
        fs::write(&path, text).unwrap();
        Settings::load(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_typing_error_is_found_at_the_start() {
        assert!(refused("[portal]\nlisten = \":443x\"").contains("portal.listen"));
        assert!(refused("[portal]\nname = \"a b\"").contains("portal.name"));
        assert!(refused("[portal]\ncertificate = \"c.pem\"").contains("portal.key"));
        assert!(refused("[prxy]").contains("prxy"));
        assert!(refused("[metrics]\nlisten = \"9090\"").contains("metrics.listen"));
        assert!(refused("[proxy]\noff = true\n[metrics]\nlisten = \"127.0.0.1:9090\"").contains("metrics.listen"));
        assert!(refused("[proxy]\noff = true\n[who]\nrealms = [\"school.example\"]").contains("proxy.off"));
    }

    #[test]
    fn paths_are_from_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schoolgate.toml");
        let text = "[portal]\ncertificate = 'portal.pem'\nkey = '/keys/portal.key'\n[proxy]\ntls = ['0.0.0.0:3129']\n\
            [processes]\nsnapshot = 'snapshot'\n[tls]\nroots = ['inner.pem']\nrevocations = 'crl'\n\
            [who]\nrealms = ['S']\ndevice_authorities = ['devices.pem']\nleases = [{ file = 'leases', format = 'isc' }]\n\
            [who.kerberos]\nkeytab = '../keytab'\nnetworks = ['10.2.0.0/16']\n\
            [[who.radius.peers]]\naddress = '10.0.0.2'\nsecret_file = 'radius'\n";
        fs::write(&file, text).unwrap();
        let settings = Settings::load(&file).unwrap();
        let at = |name: &str| folder.path().join(name);
        let Certificate { chain, key } = settings.portal.certificate.unwrap();
        assert_eq!((chain, key), (at("portal.pem"), PathBuf::from("/keys/portal.key")));
        assert_eq!(settings.snapshot, Some(at("snapshot")));
        assert_eq!((settings.tls.roots, settings.tls.revocations), (vec![at("inner.pem")], Some(at("crl"))));
        let who = settings.who;
        assert_eq!((&who.device_authorities[0], &who.leases[0].path), (&at("devices.pem"), &at("leases")));
        assert_eq!(who.kerberos.unwrap().keytab, at("../keytab"));
        assert_eq!(who.radius.unwrap().peers[0].secret_file, at("radius"));
    }

    /// The example that people copy and the file that is installed, and with what is commented out in them.
    #[test]
    fn the_examples_can_be_used() {
        let example = usable("docs/schoolgate.toml");
        assert_eq!(example.proxy.unwrap().gateways.plain.len(), 2);
        let installed = usable("packaging/schoolgate.toml");
        assert!(installed.dns.is_none() && installed.snapshot.is_some());
    }

    fn usable(path: &str) -> Settings {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        let text = fs::read_to_string(&path).unwrap();
        let is_key = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        let uncommented = |line: &str| line.strip_prefix("# ").filter(|line| is_key(line)).map(str::to_owned);
        let lines = text.lines().map(|line| uncommented(line).unwrap_or_else(|| line.to_owned()));
        let all = lines.collect::<Vec<_>>().join("\n");
        assert!(all.contains("\ncertificate = ") && all.contains("\nanswers = "));
        Settings::check(toml::from_str(&all).unwrap()).unwrap();
        Settings::load(&path).unwrap()
    }

    #[test]
    fn no_setting_joins_the_powers_of_the_demo() {
        for key in ["demo", "clock", "names", "one_click", "sign_in", "people"] {
            for text in [format!("{key} = true"), format!("[{key}]"), format!("[portal]\n{key} = true")] {
                assert!(refused(&text).contains(key), "{text}");
            }
        }
    }
}
