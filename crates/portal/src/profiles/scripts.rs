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
    chromium: String,
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
        chromium: in_single_quotes(&format!("{:#}", proxy_settings(setup))),
    }
    .render()
}

pub(crate) fn linux(setup: &Setup) -> askama::Result<String> {
    Linux { setup, chromium: format!("{:#}", chromium(setup)), firefox: format!("{:#}", firefox(setup)) }.render()
}

/// A text for PowerShell as it is (about_Quoting_Rules): a quote in it is doubled.
fn in_single_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
