//! What the settings say of knowing who somebody is, beside what the portal learns by itself.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use schoolgate_base::Network;
use schoolgate_identity::{LeaseFile, LeaseFormat, Lenience};
use serde::Deserialize;

use super::{ProxySettings, SettingsError, address, networks};

/// By custom (RFC 2866 §3).
const RADIUS_LISTEN: &str = "0.0.0.0:1813";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWho {
    /// What stands after `@` or before `\` in names of the school's own: `["school.example", "SCHOOL"]`.
    realms: Vec<String>,
    radius: Option<RawRadius>,
    /// Files of the DHCP server, or tables.
    leases: Vec<RawLeases>,
    kerberos: Option<RawKerberos>,
    /// Certificates, and revocation lists, of whoever issues certificates to devices (PEM). Asked for where the proxy
    /// listens with TLS.
    device_authorities: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRadius {
    /// Address and port for accounting over UDP; usually `0.0.0.0:1813`.
    listen: Option<String>,
    /// Access points, switches or RADIUS servers that are believed.
    #[serde(default)]
    peers: Vec<RawPeer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPeer {
    /// Where its packets come from, such as `10.0.0.2`.
    address: IpAddr,
    /// A file with the secret and nothing else, that only its owner may read.
    secret_file: PathBuf,
    /// Whether packets are believed that are signed with MD5 alone; usually not.
    #[serde(default)]
    no_message_authenticator: bool,
    /// Whether packets without a date are believed, which anybody who recorded one can send again; usually not.
    #[serde(default)]
    no_event_timestamp: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLeases {
    /// The file, which is looked at every five seconds.
    file: PathBuf,
    /// How it is written: `kea`, `isc`, `dnsmasq` or `table`.
    format: RawFormat,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawFormat {
    Kea,
    Isc,
    Dnsmasq,
    Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKerberos {
    /// Keys of `HTTP/` and the proxy's name, in a file that only its owner may read.
    keytab: PathBuf,
    /// Networks of computers that people sign in to with their school account: there a browser is asked for a ticket.
    #[serde(default)]
    networks: Vec<String>,
}

/// Checked settings of who is known by what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoSettings {
    pub realms: Vec<String>,
    /// `None`: no RADIUS accounting is listened to.
    pub radius: Option<RadiusSettings>,
    pub leases: Vec<LeaseFile>,
    /// `None`: tickets are neither asked for nor taken.
    pub kerberos: Option<KerberosSettings>,
    pub device_authorities: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadiusSettings {
    pub listen: SocketAddr,
    pub peers: Vec<RadiusPeer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadiusPeer {
    pub address: IpAddr,
    pub secret_file: PathBuf,
    pub lenience: Lenience,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KerberosSettings {
    pub keytab: PathBuf,
    /// Where clients are asked for a ticket.
    pub asks: Vec<Network>,
}

/// What is wrong with them.
#[derive(Debug, thiserror::Error)]
pub enum WhoSettingsError {
    #[error("`proxy.off` leaves no gateway, and `who` says how one is to know people: take one of them away")]
    NoGateway,
    #[error(
        "`who.realms`: `{value}` is no realm; write what stands after `@` or before `\\`, such as \"school.example\""
    )]
    Realm { value: String },
    #[error("`who.radius` believes nobody; name who sends accounting under `[[who.radius.peers]]`")]
    NoPeer,
    #[error("`who.radius.peers` has {address} twice, and one secret would count for nothing; take one of them away")]
    PeerTwice { address: IpAddr },
    #[error("`who.leases` has `{file}` twice; take one of them away")]
    LeasesTwice { file: PathBuf },
    #[error(
        "`who.kerberos.networks` is empty, and nobody would be asked for a ticket; write \"10.20.0.0/16\" or the like"
    )]
    NoNetwork,
    #[error("`who.device_authorities` has no listener that could ask for a certificate: write `proxy.tls` too")]
    NoTls,
    #[error(
        "`who.kerberos` needs `who.realms`: a ticket names `tess@SCHOOL.EXAMPLE`; write realms = [\"SCHOOL.EXAMPLE\"]"
    )]
    NoRealm,
}

impl RawWho {
    /// Paths are from `folder`, where they are not from the root.
    pub(super) fn in_folder(mut self, folder: &Path) -> Self {
        let peers = self.radius.iter_mut().flat_map(|radius| &mut radius.peers).map(|peer| &mut peer.secret_file);
        let leases = self.leases.iter_mut().map(|leases| &mut leases.file);
        let keytab = self.kerberos.iter_mut().map(|kerberos| &mut kerberos.keytab);
        for path in peers.chain(leases).chain(keytab).chain(&mut self.device_authorities) {
            *path = folder.join(&*path);
        }
        self
    }

    pub(super) fn check(self, proxy: Option<&ProxySettings>) -> Result<WhoSettings, SettingsError> {
        for realm in &self.realms {
            if realm.is_empty() || realm.contains(['@', '\\']) || realm.contains(char::is_whitespace) {
                return Err(WhoSettingsError::Realm { value: realm.clone() }.into());
            }
        }
        let checked = WhoSettings {
            radius: self.radius.map(RawRadius::check).transpose()?,
            leases: leases(self.leases)?,
            kerberos: self.kerberos.map(RawKerberos::check).transpose()?,
            device_authorities: self.device_authorities,
            realms: self.realms,
        };
        if checked.kerberos.is_some() && checked.realms.is_empty() {
            return Err(WhoSettingsError::NoRealm.into());
        }
        match proxy {
            None if checked != WhoSettings::default() => Err(WhoSettingsError::NoGateway.into()),
            Some(proxy) if proxy.tls.is_empty() && !checked.device_authorities.is_empty() => {
                Err(WhoSettingsError::NoTls.into())
            }
            _ => Ok(checked),
        }
    }
}

impl RawRadius {
    fn check(self) -> Result<RadiusSettings, SettingsError> {
        let listen = address("who.radius.listen", self.listen, RADIUS_LISTEN)?;
        let mut peers: Vec<RadiusPeer> = Vec::new();
        for raw in self.peers {
            let address = raw.address.to_canonical();
            if peers.iter().any(|peer| peer.address == address) {
                return Err(WhoSettingsError::PeerTwice { address }.into());
            }
            let lenience = Lenience {
                no_message_authenticator: raw.no_message_authenticator,
                no_event_timestamp: raw.no_event_timestamp,
            };
            peers.push(RadiusPeer { address, secret_file: raw.secret_file, lenience });
        }
        if peers.is_empty() { Err(WhoSettingsError::NoPeer.into()) } else { Ok(RadiusSettings { listen, peers }) }
    }
}

impl RawKerberos {
    fn check(self) -> Result<KerberosSettings, SettingsError> {
        let asks = networks("who.kerberos.networks", &self.networks)?;
        if asks.is_empty() {
            Err(WhoSettingsError::NoNetwork.into())
        } else {
            Ok(KerberosSettings { keytab: self.keytab, asks })
        }
    }
}

fn leases(raw: Vec<RawLeases>) -> Result<Vec<LeaseFile>, WhoSettingsError> {
    let mut files: Vec<LeaseFile> = Vec::new();
    for RawLeases { file, format } in raw {
        if files.iter().any(|known| known.path == file) {
            return Err(WhoSettingsError::LeasesTwice { file });
        }
        let format = match format {
            RawFormat::Kea => LeaseFormat::Kea,
            RawFormat::Isc => LeaseFormat::Isc,
            RawFormat::Dnsmasq => LeaseFormat::Dnsmasq,
            RawFormat::Table => LeaseFormat::Table,
        };
        files.push(LeaseFile { path: file, format });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::proxy::RawProxy;
    use super::*;

    fn proxy(text: &str) -> ProxySettings {
        toml::from_str::<RawProxy>(text).unwrap().check().unwrap().unwrap()
    }

    fn read(text: &str) -> Result<WhoSettings, String> {
        let raw = toml::from_str::<RawWho>(text).map_err(|error| error.to_string())?;
        let proxy = proxy("tls = ['0.0.0.0:3129']");
        raw.check(Some(&proxy)).map_err(|error| error.to_string())
    }

    #[test]
    fn each_way_is_read() {
        let text = "realms = ['school.example', 'SCHOOL']\ndevice_authorities = ['/etc/schoolgate/devices.pem']\n\
            leases = [{ file = '/var/lib/kea/kea-leases4.csv', format = 'kea' }]\n\
            [radius]\n[[radius.peers]]\naddress = '10.0.0.2'\nsecret_file = '/etc/schoolgate/ap'\n\
            no_event_timestamp = true\n[kerberos]\nkeytab = '/etc/schoolgate/keytab'\nnetworks = ['10.2.0.0/16']";
        let who = read(text).unwrap();
        let radius = who.radius.unwrap();
        assert_eq!((radius.listen.to_string(), radius.peers.len()), ("0.0.0.0:1813".to_owned(), 1));
        let lenience = Lenience { no_message_authenticator: false, no_event_timestamp: true };
        assert_eq!(radius.peers[0].lenience, lenience);
        assert_eq!((who.leases[0].format, who.kerberos.unwrap().asks[0].prefix), (LeaseFormat::Kea, 16));
        assert_eq!(read(""), Ok(WhoSettings::default()));
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let said = read(text).unwrap_err();
        for expected in expected {
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn what_could_not_work_is_said_with_its_key() {
        let peer = "[[radius.peers]]\naddress = '10.0.0.2'\nsecret_file = '/s'\n";
        check("[radius]", &["who.radius", "[[who.radius.peers]]"]);
        check(&format!("{peer}{peer}"), &["who.radius.peers", "10.0.0.2 twice"]);
        check(&format!("{peer}[radius]\nlisten = '1813'"), &["radius"]);
        check(&format!("[radius]\nlisten = '1813'\n{peer}"), &["who.radius.listen", "1813"]);
        check("[[radius.peers]]\naddress = 'ap-1'\nsecret_file = '/s'", &["address", "IP address"]);
        check("[[radius.peers]]\naddress = '10.0.0.2'\nsecret = 'x'", &["secret", "secret_file"]);
        check("realms = ['@school.example']", &["who.realms", "@school.example"]);
        check("leases = [{ file = '/l', format = 'windows' }]", &["windows", "dnsmasq"]);
        let twice = "leases = [{ file = '/l', format = 'isc' }, { file = '/l', format = 'kea' }]";
        check(twice, &["who.leases", "/l"]);
        check("realms = ['S']\n[kerberos]\nkeytab = '/k'", &["who.kerberos.networks"]);
        check("realms = ['S']\n[kerberos]\nkeytab = '/k'\nnetworks = ['10.2.0.0/33']", &["10.2.0.0/33", "/16"]);
        let either = "realms = ['S']\n[kerberos]\nkeytab = '/k'\nnetworks = ['10.2.0.1/16']";
        check(either, &["who.kerberos.networks", "`10.2.0.0/16`", "`10.2.0.1/32`"]);
        check("[kerberos]\nkeytab = '/k'\nnetworks = ['10.2.0.0/16']", &["who.realms"]);
        let against = |text: &str, proxy: Option<&ProxySettings>| {
            toml::from_str::<RawWho>(text).unwrap().check(proxy).unwrap_err().to_string()
        };
        assert!(against("realms = ['S']", None).contains("proxy.off"));
        assert!(against("device_authorities = ['/ca.pem']", Some(&proxy(""))).contains("proxy.tls"));
    }
}
