//! Policies of browsers: one file for Chrome, Edge and Chromium, one for Firefox.

use serde_json::{Value, json};

use super::Setup;

/// Policies as the Chrome Enterprise list names them: for Google's admin console, `/etc/opt/chrome/policies/managed`,
/// Edge's and Chromium's folders, or the registry.
pub(crate) fn chromium(setup: &Setup) -> Value {
    let mut policies = json!({
        // Since 131; older ones take the system's certificates.
        "CACertificates": setup.base64(),
        "ProxySettings": proxy_settings(setup),
        "QuicAllowed": false,
        "DnsOverHttpsMode": "off",
    });
    if let (Some(doh), Some(map)) = (setup.names_of_browsers(), policies.as_object_mut()) {
        map.insert("DnsOverHttpsMode".to_owned(), json!("secure"));
        map.insert("DnsOverHttpsTemplates".to_owned(), json!(doh));
    }
    policies
}

pub(super) fn proxy_settings(setup: &Setup) -> Value {
    json!({ "ProxyMode": "pac_script", "ProxyPacUrl": setup.way_of_browsers(), "ProxyPacMandatory": true })
}

/// `policies.json` as mozilla/policy-templates has it: in `distribution` beside Firefox, or `/etc/firefox/policies`.
/// `files` are certificates on the device.
pub(crate) fn firefox(setup: &Setup, files: &[String]) -> Value {
    let names = match setup.names_of_browsers() {
        Some(doh) => json!({ "Enabled": true, "ProviderURL": doh, "Locked": true, "Fallback": false }),
        None => json!({ "Enabled": false, "Locked": true }),
    };
    json!({ "policies": {
        // The system's certificates, where the school's own was put; on Linux Firefox has none of these, and takes files.
        "Certificates": { "ImportEnterpriseRoots": true, "Install": files },
        "Proxy": { "Mode": "autoConfig", "AutoConfigURL": setup.way_of_browsers(), "Locked": true, "UseProxyForDNS": true },
        "DNSOverHTTPS": names,
        "Preferences": { "network.http.http3.enable": { "Value": false, "Status": "locked" } },
    }})
}
