//! How devices reach the gateways, and the file that tells them.

use std::net::SocketAddr;
use std::sync::Arc;

use schoolgate_base::HostName;
use schoolgate_portal::Pac;
use schoolgate_proxy::{Gateways, in_turn, pac_file};

use crate::settings::ProxySettings;

/// What devices are told: a gateway that listens everywhere is found where the portal is.
pub(crate) fn reached_at(address: SocketAddr, portal: &HostName) -> String {
    if address.ip().is_unspecified() { format!("{portal}:{}", address.port()) } else { address.to_string() }
}

/// Where devices ask for names over HTTPS (RFC 8484). The certificate there is for the portal's name.
pub(crate) fn doh(address: SocketAddr, portal: &HostName) -> String {
    format!("https://{portal}:{}/dns-query", address.port())
}

/// Where devices find the file that tells them, at the first gateway; `None` without one.
pub(crate) fn pac_address(gateways: &Gateways) -> Option<String> {
    let plain = gateways.plain.first().map(|gateway| format!("http://{gateway}/proxy.pac"));
    plain.or_else(|| gateways.tls.first().map(|gateway| format!("https://{gateway}/proxy.pac")))
}

/// The gateways as the settings name them, or the one that they make.
pub(crate) fn gateways(proxy: ProxySettings, portal: &HostName) -> Gateways {
    let named = |names: Vec<String>, listens: &[SocketAddr]| match names.as_slice() {
        [] => listens.first().map(|address| reached_at(*address, portal)).into_iter().collect(),
        [..] => names,
    };
    Gateways { plain: named(proxy.gateways.plain, &proxy.listen), tls: named(proxy.gateways.tls, &proxy.tls) }
}

/// Where the revocation lists of our own leaves are found: in the clear at the first gateway. `None` where none listens in
/// the clear.
pub(crate) fn lists_at(proxy: ProxySettings, portal: &HostName) -> Option<String> {
    Some(format!("http://{}/ca", gateways(proxy, portal).plain.first()?))
}

/// What the gateways say themselves at `/proxy.pac`, in the clear where there is one in the clear.
pub(crate) fn pac(gateways: Gateways) -> Option<Pac> {
    let is_tls = gateways.plain.is_empty();
    let named = if is_tls { gateways.tls } else { gateways.plain };
    if named.is_empty() {
        return None;
    }
    Some(Arc::new(move |client| pac_file(&in_turn(&named, client), is_tls, &[])))
}
