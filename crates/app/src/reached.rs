//! How devices reach the gateways, and the file that tells them.

use std::net::SocketAddr;
use std::sync::Arc;

use schoolgate_base::HostName;
use schoolgate_portal::{Away, Pac};
use schoolgate_proxy::{Gateways, in_turn, pac_file, pac_file_in_school};

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

/// The gateways as the settings name them, or the one that they make. Over TLS nobody is sent to a gateway without a name
/// that is meant for devices, unless there is no other way.
pub(crate) fn gateways(proxy: ProxySettings, portal: &HostName) -> Gateways {
    let Gateways { mut plain, mut tls } = proxy.gateways;
    if plain.is_empty() {
        plain.extend(proxy.listen.first().map(|address| reached_at(*address, portal)));
    }
    if plain.is_empty() && tls.is_empty() {
        // The certificate there is for the portal's name, not for an address.
        tls.extend(proxy.tls.first().map(|address| format!("{portal}:{}", address.port())));
    }
    Gateways { plain, tls }
}

/// What browsers are told that are to go through the school wherever they are; `None` where no gateway is named over TLS.
pub(crate) fn away(gateways: &Gateways) -> Option<Away> {
    let named = &gateways.tls;
    // None in the clear: in a foreign network whoever answers there would get a device's token, and see where it goes.
    let pac = (!named.is_empty()).then(|| pac_file(named, true, &[]))?;
    Some(Away { gateways: named.clone(), pac })
}

/// Where the revocation lists of our own leaves are found: in the clear at the first gateway. `None` where none listens in
/// the clear.
pub(crate) fn lists_at(proxy: ProxySettings, portal: &HostName) -> Option<String> {
    Some(format!("http://{}/ca", gateways(proxy, portal).plain.first()?))
}

/// What the portal says at `/proxy.pac`: those over TLS first, then those in the clear, each in the client's turn.
pub(crate) fn pac(gateways: Gateways) -> Option<Pac> {
    let Gateways { plain, tls } = gateways;
    if plain.is_empty() && tls.is_empty() {
        return None;
    }
    Some(Arc::new(move |client| pac_file_in_school(&in_turn(&tls, client), &in_turn(&plain, client))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, tls: &[&str]) -> ProxySettings {
        let text = |gateways: &str| format!("[proxy]\nlisten = {listen}\ntls = ['10.0.0.5:3129']\n{gateways}");
        let names = if tls.is_empty() { String::new() } else { format!("gateways = {{ tls = {tls:?} }}") };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schoolgate.toml");
        std::fs::write(&file, text(&names)).unwrap();
        crate::settings::Settings::load(&file).unwrap().proxy.unwrap()
    }

    #[test]
    fn devices_are_sent_to_names_over_tls_and_only_to_those_away_from_school() {
        let portal: HostName = "portal.school.example".parse().unwrap();
        let (both, client) = (["gw1.school.example:3129", "gw2.school.example:3129"], [10, 1, 2, 3].into());
        let named = gateways(settings("['10.0.0.5:3128']", &both), &portal);
        let away = away(&named).unwrap();
        assert_eq!(away.gateways, both);
        assert!(away.pac.contains("\"HTTPS gw1.school.example:3129; HTTPS gw2.school.example:3129\""), "{}", away.pac);
        let told = pac(named).unwrap()(client);
        assert!(told.contains("return \"HTTPS gw") && told.contains("; PROXY 10.0.0.5:3128\""), "{told}");
        let unnamed = gateways(settings("['10.0.0.5:3128']", &[]), &portal);
        assert!(super::away(&unnamed).is_none());
        assert!(pac(unnamed).unwrap()(client).contains("return \"PROXY 10.0.0.5:3128\""));
        let only = gateways(settings("[]", &[]), &portal);
        assert_eq!(super::away(&only).unwrap().gateways, ["portal.school.example:3129"]);
    }
}
