//! The web door's part of the settings.

use std::net::SocketAddr;

use schoolgate_base::{Host, HostName, Network};
use schoolgate_proxy::{Gateways, Interception};
use schoolgate_runtime::Reach;
use serde::Deserialize;

use super::{SettingsError, address, networks};

/// Where the proxy listens unless something else is said.
const LISTEN: &str = "0.0.0.0:3128";
/// Gateways that one PAC file may name: browsers try them one after the other, each for as long as it likes.
const GATEWAYS_MAX: usize = 16;
/// Listeners of each kind; together they stay below what can be handed on at a restart.
const LISTENERS_MAX: usize = 6;

const REDIRECT: &str = "proxy.transparent.redirect";
const TPROXY: &str = "proxy.transparent.tproxy";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProxy {
    /// Address and port where the proxy listens, or a list of them; usually `0.0.0.0:3128`. An empty list where all
    /// clients come in another way.
    listen: Option<RawOneOrMany>,
    /// Addresses and ports of the proxy over TLS, with a certificate of the school's own CA: for laptops away from
    /// school, and for device tokens. Usually none, or `["0.0.0.0:3129"]`.
    tls: Vec<String>,
    transparent: RawTransparent,
    gateways: RawGateways,
    /// Load balancers in front of this gateway, as addresses or networks: each of their connections begins with a PROXY
    /// protocol header (version 1 or 2), which is believed. From anybody else one is refused.
    balancers: Vec<String>,
    /// Whether all sites on private addresses (a school's intranet) may be reached; usually not.
    private_networks: bool,
    /// Private networks or addresses that may be reached though not all may, such as `["10.2.0.0/16"]`.
    inner_networks: Vec<String>,
    /// No gateway at all: the portal only.
    off: bool,
}

/// For clients that know of no proxy, whose connections a firewall brings here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTransparent {
    /// Addresses and ports that a rule of the kind `redirect` sends ports 80 and 443 to, such as `["0.0.0.0:3130"]`.
    redirect: Vec<String>,
    /// The same for rules of the kind `tproxy`, which leave the address as it was; needs the right `CAP_NET_ADMIN`. One
    /// address for each of IPv4 and IPv6.
    tproxy: Vec<String>,
}

/// All gateways of the school, this one too, as devices reach them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGateways {
    /// Names or addresses with ports, such as `["gw1.school.example:3128", "gw2.school.example:3128"]`. The PAC file hands
    /// them out in turn; usually it names the one that was asked.
    plain: Vec<String>,
    /// The same over TLS, for whoever fetches the file over TLS and for browsers on laptops that go home, which are given all
    /// of them at once. This gateway's certificate holds these names.
    tls: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawOneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Checked settings of the web door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// For clients that ask a proxy, in the clear.
    pub listen: Vec<SocketAddr>,
    /// The same over TLS.
    pub tls: Vec<SocketAddr>,
    /// For clients that know of no proxy.
    pub transparent: Vec<(SocketAddr, Interception)>,
    /// What PAC files name; with none, each gateway names itself.
    pub gateways: Gateways,
    /// Who this gateway is over TLS, beside the portal's name.
    pub tls_names: Vec<Host>,
    pub balancers: Vec<Network>,
    /// Whether sites on private addresses (RFC 1918, RFC 4193) may be reached.
    pub private_networks: bool,
    /// Those that may be reached in any case.
    pub inner_networks: Vec<Network>,
}

/// What is wrong with the web door's settings.
#[derive(Debug, thiserror::Error)]
pub enum ProxySettingsError {
    #[error(
        "`proxy` listens nowhere: `listen`, `tls` and `transparent` are empty; to run without a gateway write `off = true`"
    )]
    NoListener,
    #[error("`{key}` has {count} addresses; at most {LISTENERS_MAX} are listened on")]
    TooMany { key: &'static str, count: usize },
    #[error("`{key}` names {address}, which `{other}` has already; give each its own port")]
    Twice { key: &'static str, other: &'static str, address: SocketAddr },
    #[error("`proxy.balancers`: `{value}` is everybody, and all could say who they are; name the load balancers")]
    Everybody { value: String },
    #[error("`{key}`: `{value}` is no gateway; write it as `gw1.school.example:3128`")]
    Gateway { key: &'static str, value: String },
    #[error("`{key}` names {count} gateways; browsers are told of at most {GATEWAYS_MAX}")]
    TooManyGateways { key: &'static str, count: usize },
    #[error(
        "`proxy.gateways.tls` names gateways and `proxy.tls` is empty: say where this one listens, such as \"0.0.0.0:3129\""
    )]
    NoTls,
}

impl RawProxy {
    /// `None` without a gateway.
    pub(super) fn check(self) -> Result<Option<ProxySettings>, SettingsError> {
        if self.off {
            return Ok(None);
        }
        let listen = match self.listen {
            None => vec![LISTEN.to_owned()],
            Some(RawOneOrMany::One(one)) => vec![one],
            Some(RawOneOrMany::Many(many)) => many,
        };
        let listen = addresses("proxy.listen", &listen)?;
        let tls = addresses("proxy.tls", &self.tls)?;
        let redirect = addresses(REDIRECT, &self.transparent.redirect)?;
        let tproxy = addresses(TPROXY, &self.transparent.tproxy)?;
        once(&[("proxy.listen", &listen), ("proxy.tls", &tls), (REDIRECT, &redirect), (TPROXY, &tproxy)])?;
        let (plain, _) = gateways("proxy.gateways.plain", self.gateways.plain)?;
        let (named, tls_names) = gateways("proxy.gateways.tls", self.gateways.tls)?;
        if !named.is_empty() && tls.is_empty() {
            return Err(ProxySettingsError::NoTls.into());
        }
        let balancers = networks("proxy.balancers", &self.balancers)?;
        if let Some(everybody) = balancers.iter().find(|network| network.prefix == 0) {
            return Err(ProxySettingsError::Everybody { value: everybody.to_string() }.into());
        }
        let redirect = redirect.into_iter().map(|address| (address, Interception::Redirect));
        let tproxy = tproxy.into_iter().map(|address| (address, Interception::Tproxy));
        Ok(Some(ProxySettings {
            listen,
            tls,
            transparent: redirect.chain(tproxy).collect(),
            gateways: Gateways { plain, tls: named },
            tls_names,
            balancers,
            private_networks: self.private_networks,
            inner_networks: networks("proxy.inner_networks", &self.inner_networks)?,
        }))
    }
}

impl ProxySettings {
    /// Every address that the proxy listens on, and whose connections it takes there.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = (SocketAddr, Reach)> {
        let transparent: Vec<SocketAddr> = self.transparent.iter().map(|(address, _)| *address).collect();
        let intercepted = self.transparent.iter().map(move |(address, kind)| match kind {
            Interception::Redirect => (*address, Reach::beside(*address, &transparent)),
            Interception::Tproxy => (*address, Reach::Any),
        });
        let of = |all: &[SocketAddr]| -> Vec<(SocketAddr, Reach)> {
            all.iter().map(|address| (*address, Reach::beside(*address, all))).collect()
        };
        of(&self.listen).into_iter().chain(of(&self.tls)).chain(intercepted)
    }
}

fn addresses(key: &'static str, values: &[String]) -> Result<Vec<SocketAddr>, SettingsError> {
    if LISTENERS_MAX < values.len() {
        return Err(ProxySettingsError::TooMany { key, count: values.len() }.into());
    }
    values.iter().map(|value| address(key, Some(value.clone()), "")).collect()
}

/// Each address is listened on once.
fn once(lists: &[(&'static str, &[SocketAddr])]) -> Result<(), ProxySettingsError> {
    let mut seen: Vec<(&'static str, SocketAddr)> = Vec::new();
    for (key, addresses) in lists {
        for address in *addresses {
            if let Some((other, _)) = seen.iter().find(|(_, known)| known == address) {
                return Err(ProxySettingsError::Twice { key, other, address: *address });
            }
            seen.push((key, *address));
        }
    }
    if seen.is_empty() { Err(ProxySettingsError::NoListener) } else { Ok(()) }
}

/// As they were written, and the host of each.
fn gateways(key: &'static str, values: Vec<String>) -> Result<(Vec<String>, Vec<Host>), ProxySettingsError> {
    if GATEWAYS_MAX < values.len() {
        return Err(ProxySettingsError::TooManyGateways { key, count: values.len() });
    }
    let wrong = |value: &String| ProxySettingsError::Gateway { key, value: value.clone() };
    let hosts = values.iter().map(|value| gateway(value).ok_or_else(|| wrong(value))).collect::<Result<_, _>>()?;
    Ok((values, hosts))
}

fn gateway(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(Host::Address(address.ip()));
    }
    let (name, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok().filter(|port| *port != 0)?;
    HostName::parse(name).ok().map(Host::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Option<ProxySettings>, SettingsError> {
        toml::from_str::<RawProxy>(text).unwrap().check()
    }

    #[track_caller]
    fn refused(text: &str, words: &[&str]) {
        let said = check(text).unwrap_err().to_string();
        for word in words {
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn without_a_word_the_proxy_listens_where_proxies_do() {
        let proxy = check("").unwrap().unwrap();
        assert_eq!(proxy.listeners().collect::<Vec<_>>(), [(LISTEN.parse().unwrap(), Reach::Both)]);
        assert!(check("off = true").unwrap().is_none());
    }

    #[test]
    fn ways_in_may_be_several() {
        let text = "listen = ['10.0.0.5:3128', '[fd00::5]:3128']\ntls = ['0.0.0.0:3129']\n\
            transparent = { redirect = ['0.0.0.0:3130'], tproxy = ['0.0.0.0:3131', '[::]:3131'] }\n\
            gateways = { plain = ['10.0.0.5:3128', 'gw2.school.example:3128'], tls = ['gw1.school.example:3129'] }\n\
            balancers = ['10.0.0.9', 'fd00:1::/64']\ninner_networks = ['10.2.0.0/16']";
        let proxy = check(text).unwrap().unwrap();
        assert_eq!((proxy.listen.len(), proxy.tls.len(), proxy.listeners().count()), (2, 1, 6));
        let kinds: Vec<Interception> = proxy.transparent.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, [Interception::Redirect, Interception::Tproxy, Interception::Tproxy]);
        assert_eq!(proxy.gateways.plain.len(), 2);
        assert_eq!(proxy.tls_names, [Host::Name("gw1.school.example".parse().unwrap())]);
        assert!(proxy.balancers.iter().any(|network| network.contains("fd00:1::7".parse().unwrap())));
        assert_eq!(proxy.inner_networks, ["10.2.0.0/16".parse().unwrap()]);
        let only = check("listen = []\ntransparent = { redirect = ['0.0.0.0:3130'] }").unwrap().unwrap();
        assert_eq!(only.listeners().count(), 1);
    }

    #[test]
    fn what_cannot_be_meant_is_said_with_its_key() {
        refused("listen = ['10.0.0.5']", &["proxy.listen", "10.0.0.5", "10.0.0.5:3128"]);
        refused("tls = ['proxy.example:3129']", &["proxy.tls", "proxy.example:3129"]);
        refused("listen = []", &["listens nowhere", "off = true"]);
        refused("tls = ['0.0.0.0:3128']", &["proxy.tls", "0.0.0.0:3128", "proxy.listen"]);
        refused("transparent = { redirect = ['[::]:1'], tproxy = ['[::]:1'] }", &[REDIRECT, TPROXY, "[::]:1"]);
        refused("balancers = ['lb.example']", &["proxy.balancers", "lb.example", "10.2.0.0/16"]);
        refused("balancers = ['::/0']", &["proxy.balancers", "everybody"]);
        refused("inner_networks = ['10.2.0.0/33']", &["proxy.inner_networks", "10.2.0.0/33"]);
        refused("balancers = ['10.0.0.9/8']", &["proxy.balancers", "`10.0.0.9/8`", "`10.0.0.0/8`", "`10.0.0.9/32`"]);
        for wrong in
            ["gw1.school.example", "gw1.school.example:0", "http://gw1.school.example:3128", "a b:1", "[fd00::1]"]
        {
            refused(&format!("gateways = {{ plain = ['{wrong}'] }}"), &["proxy.gateways.plain", wrong]);
        }
        refused("gateways = { tls = ['gw1.school.example:3129'] }", &["proxy.tls", "0.0.0.0:3129"]);
        let many: Vec<String> = (0..20).map(|number| format!("'10.0.0.5:{}'", 4_000 + number)).collect();
        refused(&format!("tls = [{}]", many.join(", ")), &["proxy.tls", "20"]);
        refused(&format!("gateways = {{ plain = [{}] }}", many.join(", ")), &["proxy.gateways.plain", "20"]);
        assert!(toml::from_str::<RawProxy>("transparent = { redirct = [] }").is_err());
    }
}
