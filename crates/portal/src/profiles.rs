//! Settings for many devices at once, in the forms that systems of management take.
//!
//! All of them say the same four things: trust the school's CA, find the way by its PAC file, ask names of the school,
//! and speak no protocol that goes round a proxy (QUIC). Nothing in them is secret.

mod apple;
mod browsers;
mod scripts;

pub(crate) use apple::apple;
pub(crate) use browsers::{chromium, firefox};
pub(crate) use scripts::{linux, windows};

/// What devices are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) school: String,
    /// Of the school's CA: two while one takes over from another.
    pub(crate) certificates: Vec<Certificate>,
    /// `http://10.0.0.5:3128/proxy.pac`.
    pub(crate) pac: String,
    /// `https://portal.school.example:8443/dns-query`, where the name door answers over HTTPS.
    pub(crate) doh: Option<String>,
}

/// A certificate in base64, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    lines: Vec<String>,
}

impl Certificate {
    /// Those in a PEM file (RFC 7468).
    pub(crate) fn read_all(pem: &str) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open: Option<Vec<String>> = None;
        for line in pem.lines().map(str::trim) {
            match line {
                "-----BEGIN CERTIFICATE-----" => open = Some(Vec::new()),
                "-----END CERTIFICATE-----" => found.extend(open.take().map(|lines| Self { lines })),
                words => {
                    if let Some(lines) = &mut open {
                        lines.push(words.to_owned());
                    }
                }
            }
        }
        found
    }

    pub(crate) fn base64(&self) -> String {
        self.lines.concat()
    }

    pub(crate) fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", self.lines.join("\n"))
    }
}

impl Setup {
    fn base64(&self) -> Vec<String> {
        self.certificates.iter().map(Certificate::base64).collect()
    }
}

#[cfg(test)]
mod tests;
