//! Scripts for one machine or many: PowerShell for Windows (also as a platform script of Intune or a start-up script of
//! a group policy), and a shell script for Linux.

use askama::Template;

use super::browsers::proxy_settings;
use super::{Certificate, Setup, base64, chromium, firefox};

#[derive(Template)]
#[template(path = "profiles/windows.ps1.txt")]
struct Windows {
    certificates: String,
    retired: String,
    pac: String,
    browsers: String,
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
    let quoted = |certificates: &[Certificate]| {
        base64(certificates).iter().map(|one| in_single_quotes(one)).collect::<Vec<_>>().join(", ")
    };
    Windows {
        certificates: quoted(&setup.certificates),
        retired: quoted(&setup.retired),
        pac: in_single_quotes(&setup.pac),
        browsers: in_single_quotes(&setup.way_of_browsers()),
        doh: setup.names_of_browsers().map(in_single_quotes).unwrap_or_default(),
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
