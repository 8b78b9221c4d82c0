//! A configuration profile for Macs, iPads and iPhones, as Jamf, Mosyle, Intune and Apple Configurator take it.
//!
//! Payloads are those of Apple's device management reference: `com.apple.security.root`, `com.apple.proxy.http.global`
//! (supervised devices only) and `com.apple.dnsSettings.managed`.

use askama::Template;
use schoolgate_keys::sha256_hex;

use super::Setup;

#[derive(Template)]
#[template(path = "profiles/apple.xml")]
struct Profile<'a> {
    setup: &'a Setup,
    roots: Vec<Root>,
    proxy: String,
    names: String,
    whole: String,
    /// The same whatever the certificates are: by it a device knows which profile is replaced.
    identifier: String,
}

struct Root {
    uuid: String,
    certificate: String,
}

pub(crate) fn apple(setup: &Setup) -> askama::Result<String> {
    let uuid = |label: &str| uuid(label, setup);
    Profile {
        setup,
        roots: setup.base64().into_iter().map(|one| Root { uuid: uuid(&one), certificate: one }).collect(),
        proxy: uuid("proxy"),
        names: uuid("names"),
        whole: uuid("whole"),
        identifier: format!("schoolgate.{}", digest(&setup.school)),
    }
    .render()
}

fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes()).chars().take(16).collect()
}

/// Of this content: another for a payload that says something else. Version 8 (RFC 9562 §5.8).
fn uuid(label: &str, setup: &Setup) -> String {
    let content = format!("{label}\0{}\0{}\0{}\0{:?}", setup.school, setup.base64().concat(), setup.pac, setup.doh);
    let hex = sha256_hex(content.as_bytes());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)).to_uppercase()
}
