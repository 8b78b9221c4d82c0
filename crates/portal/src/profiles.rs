//! Settings for many devices at once, in the forms that systems of management take.
//!
//! All of them say the same four things: trust the school's CA, find the way by its PAC file, ask names of the school,
//! and speak no protocol that goes round a proxy (QUIC). Nothing in them is secret.

mod apple;
mod browsers;
mod scripts;

use data_encoding::BASE64;

pub(crate) use apple::apple;
pub(crate) use browsers::{chromium, firefox};
pub(crate) use scripts::{linux, windows};

/// What devices are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) school: String,
    /// Of the school's CA: two while one takes over from another.
    pub(crate) certificates: Vec<Certificate>,
    /// Those of CAs before: taken off devices.
    pub(crate) retired: Vec<Certificate>,
    /// `http://10.0.0.5:3128/proxy.pac`.
    pub(crate) pac: String,
    /// The file itself, for browsers that are to find the gateways from anywhere.
    pub(crate) away: Option<String>,
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
    /// Where browsers find their way. A file that a gateway hands out would be gone with that gateway, and out of reach at
    /// home; Chromium and Firefox take one that is written into the address (RFC 2397).
    fn way_of_browsers(&self) -> String {
        match &self.away {
            Some(pac) => format!("data:application/x-ns-proxy-autoconfig;base64,{}", BASE64.encode(pac.as_bytes())),
            None => self.pac.clone(),
        }
    }

    /// Where browsers ask for names over HTTPS. Away from school they ask for the gateways' names alone, and the school may
    /// not answer there.
    fn names_of_browsers(&self) -> Option<&str> {
        self.doh.as_deref().filter(|_| self.away.is_none())
    }

    fn base64(&self) -> Vec<String> {
        base64(&self.certificates)
    }
}

fn base64(certificates: &[Certificate]) -> Vec<String> {
    certificates.iter().map(Certificate::base64).collect()
}

#[cfg(test)]
mod tests;
