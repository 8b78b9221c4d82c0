//! How to set up devices: certificate, proxy address, and whether this one is.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "certificate.html")]
pub(crate) struct CertificatePage {
    pub(crate) frame: Frame,
    pub(crate) certificates: Vec<CertificateShown>,
    /// Empty where no gateway runs.
    pub(crate) pac: String,
    /// Gateways that browsers reach from anywhere, `gw1.school.example:3129`; empty where none is named over TLS.
    pub(crate) away: Vec<String>,
    /// Empty where the name door does not answer over HTTPS.
    pub(crate) doh: String,
    pub(crate) checks: Vec<Check>,
    /// This device's, as we see it.
    pub(crate) address: String,
}

/// One certificate to be installed.
pub(crate) struct CertificateShown {
    /// The next one signs nothing yet.
    pub(crate) is_in_use: bool,
    /// Its first and last day; empty where it does not say.
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) fingerprint: String,
    pub(crate) href: String,
}

/// One thing about this device.
pub(crate) struct Check {
    /// A word and not a colour alone.
    pub(crate) tag: &'static str,
    pub(crate) style: &'static str,
    pub(crate) words: String,
}

impl Check {
    pub(crate) fn good(words: &str) -> Self {
        Self { tag: "Yes", style: "govuk-tag--green", words: words.to_owned() }
    }

    pub(crate) fn bad(words: &str) -> Self {
        Self { tag: "Not yet", style: "govuk-tag--red", words: words.to_owned() }
    }

    pub(crate) fn open(words: String) -> Self {
        Self { tag: "Not known", style: "govuk-tag--grey", words }
    }
}
