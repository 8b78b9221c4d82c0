//! The name door's part of the settings.

use std::net::{IpAddr, SocketAddr};

use schoolgate_base::HostName;
use schoolgate_dns::{Blocked, Stale, Transport, Upstream, YouTube, Zone};
use serde::Deserialize;

use super::{SettingsError, address};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDns {
    /// Address and port where names are asked for over UDP and TCP; usually `0.0.0.0:53`. Without it there is no name door.
    listen: Option<String>,
    /// The same over TLS, for Android's "private DNS"; usually `0.0.0.0:853`, or left out.
    tls: Option<String>,
    /// The same over HTTPS, for browsers and laptops away from school; such as `0.0.0.0:8443`, or left out.
    https: Option<String>,
    /// Servers that are asked what is not known here, the preferred one first: `9.9.9.9`, `tls://dns.quad9.net@9.9.9.9` or
    /// `https://dns.quad9.net@9.9.9.9/dns-query`.
    upstreams: Vec<String>,
    /// Addresses of this machine as devices reach it; given out for the portal's name and for what leads to it.
    answers: Vec<IpAddr>,
    /// What is said of a blocked name: `no-such-name` (usual) or `portal`.
    blocked: RawBlocked,
    /// How YouTube is held where a rule says safe search: `strict` (usual), `moderate` or `open`.
    youtube: RawYouTube,
    /// Names, with all below them, that may lead to inner addresses.
    inner_names: Vec<String>,
    /// Zones with servers of their own, such as the school's directory.
    zones: Vec<RawZone>,
    /// Whether an answer that is over its time is given while no server can be reached; at most a day.
    serve_stale: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawBlocked {
    #[default]
    NoSuchName,
    Portal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawYouTube {
    #[default]
    Strict,
    Moderate,
    Open,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawZone {
    /// The zone's name, such as `school.internal`.
    name: String,
    /// Its servers, written as those above.
    upstreams: Vec<String>,
}

/// Checked settings of the name door.
#[derive(Debug, Clone)]
pub struct DnsSettings {
    pub listen: SocketAddr,
    pub tls: Option<SocketAddr>,
    pub https: Option<SocketAddr>,
    pub answers: Vec<IpAddr>,
    pub upstreams: Vec<Upstream>,
    pub blocked: Blocked,
    pub youtube: YouTube,
    pub inner_names: Vec<HostName>,
    pub zones: Vec<Zone>,
    pub serve_stale: Option<Stale>,
}

impl RawDns {
    /// `None` without a name door.
    pub(super) fn check(self) -> Result<Option<DnsSettings>, SettingsError> {
        let Some(listen) = self.listen else {
            let is_said =
                !self.upstreams.is_empty() || !self.zones.is_empty() || self.tls.is_some() || self.https.is_some();
            return if is_said { Err(SettingsError::DnsListen) } else { Ok(None) };
        };
        let upstreams = upstreams(&self.upstreams)?;
        if upstreams.is_empty() || self.zones.iter().any(|zone| zone.upstreams.is_empty()) {
            return Err(SettingsError::NoUpstream);
        }
        let other = |key, value: Option<String>| value.map(|value| address(key, Some(value), "")).transpose();
        let zone = |zone: RawZone| {
            Ok::<_, SettingsError>(Zone {
                name: name("dns.zones", &zone.name)?,
                upstreams: self::upstreams(&zone.upstreams)?,
            })
        };
        Ok(Some(DnsSettings {
            listen: address("dns.listen", Some(listen), "")?,
            tls: other("dns.tls", self.tls)?,
            https: other("dns.https", self.https)?,
            answers: self.answers,
            upstreams,
            blocked: match self.blocked {
                RawBlocked::NoSuchName => Blocked::NxDomain,
                RawBlocked::Portal => Blocked::Portal,
            },
            youtube: match self.youtube {
                RawYouTube::Strict => YouTube::Strict,
                RawYouTube::Moderate => YouTube::Moderate,
                RawYouTube::Open => YouTube::Open,
            },
            inner_names: self
                .inner_names
                .iter()
                .map(|inner| name("dns.inner_names", inner))
                .collect::<Result<_, _>>()?,
            zones: self.zones.into_iter().map(zone).collect::<Result<_, _>>()?,
            serve_stale: self.serve_stale.then(Stale::default),
        }))
    }
}

fn upstreams(texts: &[String]) -> Result<Vec<Upstream>, SettingsError> {
    let wrong = |text: &String| SettingsError::Upstream { value: text.clone() };
    texts.iter().map(|text| upstream(text).ok_or_else(|| wrong(text))).collect()
}

/// `ADDRESS[:PORT]`, `tcp://ADDRESS[:PORT]`, `tls://NAME@ADDRESS[:PORT]`, `https://NAME@ADDRESS[:PORT]/PATH`.
fn upstream(text: &str) -> Option<Upstream> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("udp", text));
    let (name, rest) = match rest.split_once('@') {
        Some((name, rest)) => (Some(HostName::parse(name).ok()?), rest),
        None => (None, rest),
    };
    let (place, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (port, transport) = match (scheme, name, path) {
        ("udp", None, "") => (53, Transport::Udp),
        ("tcp", None, "") => (53, Transport::Tcp),
        ("tls", Some(name), "") => (853, Transport::Tls { name }),
        ("https", Some(name), path) if path.len() > 1 => (443, Transport::Https { name, path: path.into() }),
        _ => return None,
    };
    let address = match place.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) => place.parse().ok()?,
    };
    Some(Upstream { address, transport })
}

fn name(key: &'static str, value: &str) -> Result<HostName, SettingsError> {
    HostName::parse(value).map_err(|source| SettingsError::Name { key, value: value.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_would_be_passed_over_are_said() {
        let check = |text: &str| toml::from_str::<RawDns>(text).unwrap().check().map(|dns| dns.is_some());
        assert!(matches!(check("upstreams = ['9.9.9.9']"), Err(SettingsError::DnsListen)));
        assert!(matches!(check("listen = '0.0.0.0:53'"), Err(SettingsError::NoUpstream)));
        let zone =
            "listen = '0.0.0.0:53'\nupstreams = ['9.9.9.9']\n[[zones]]\nname = 'school.internal'\nupstreams = []";
        assert!(matches!(check(zone), Err(SettingsError::NoUpstream)));
        assert!(check("listen = '0.0.0.0:53'\nupstreams = ['9.9.9.9']").unwrap());
        assert!(!check("").unwrap());
    }

    #[test]
    fn upstream_servers_are_written_in_four_ways() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = upstream(text).map(|read| {
                let transport = match &read.transport {
                    Transport::Udp => "udp".to_owned(),
                    Transport::Tcp => "tcp".to_owned(),
                    Transport::Tls { name } => format!("tls {name}"),
                    Transport::Https { name, path } => format!("https {name} {path}"),
                };
                (read.address.to_string(), transport)
            });
            assert_eq!(read, expected.map(|(address, how)| (address.to_owned(), how.to_owned())), "{text}");
        };
        check("9.9.9.9", Some(("9.9.9.9:53", "udp")));
        check("[2620:fe::fe]:5353", Some(("[2620:fe::fe]:5353", "udp")));
        check("2620:fe::fe", Some(("[2620:fe::fe]:53", "udp")));
        check("tcp://9.9.9.9:54", Some(("9.9.9.9:54", "tcp")));
        check("tls://dns.quad9.net@9.9.9.9", Some(("9.9.9.9:853", "tls dns.quad9.net")));
        check("https://dns.quad9.net@9.9.9.9/dns-query", Some(("9.9.9.9:443", "https dns.quad9.net /dns-query")));
        for wrong in ["dns.quad9.net", "tls://9.9.9.9", "https://dns.quad9.net@9.9.9.9", "quic://a@9.9.9.9", ""] {
            check(wrong, None);
        }
    }
}
