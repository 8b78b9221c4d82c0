//! How to set up a device: certificate and proxy address.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "certificate.html")]
pub(crate) struct CertificatePage {
    pub(crate) frame: Frame,
    pub(crate) fingerprint: String,
    /// Empty where no gateway runs.
    pub(crate) pac: String,
    pub(crate) state: String,
}
