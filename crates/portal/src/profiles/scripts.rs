//! Scripts for one machine or many: PowerShell for Windows (also as a platform script of Intune or a start-up script of
//! a group policy), and a shell script for Linux.

use askama::Template;

use super::browsers::proxy_settings;
use super::{Setup, chromium, firefox};

#[derive(Template)]
#[template(path = "profiles/windows.ps1.txt")]
struct Windows {
    certificates: String,
    pac: String,
    proxy: String,
    /// Empty where names are not asked for over HTTPS.
    doh: String,
}

#[derive(Template)]
#[template(path = "profiles/linux.sh.txt")]
struct Linux<'a> {
    setup: &'a Setup,
    chromium: String,
    firefox: String,
}

pub(crate) fn windows(setup: &Setup) -> askama::Result<String> {
    let quoted: Vec<String> = setup.base64().iter().map(|one| in_single_quotes(one)).collect();
    Windows {
        certificates: quoted.join(", "),
        pac: in_single_quotes(&setup.pac),
        doh: setup.doh.as_deref().map(in_single_quotes).unwrap_or_default(),
        proxy: in_single_quotes(&format!("{:#}", proxy_settings(setup))),
    }
    .render()
}

pub(crate) fn linux(setup: &Setup) -> askama::Result<String> {
    let files: Vec<String> = (1..=setup.certificates.len())
        .map(|number| format!("/usr/local/share/ca-certificates/schoolgate-{number}.crt"))
        .collect();
    let firefox = format!("{:#}", firefox(setup, &files));
    Linux { setup, chromium: format!("{:#}", chromium(setup)), firefox }.render()
}

/// A text for PowerShell as it is (about_Quoting_Rules): a quote in it is doubled.
fn in_single_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
