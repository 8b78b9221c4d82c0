//! What the demo says when it is ready: for a person, or as one line of JSON for a program.

use std::io::{self, Write};

use data_encoding::BASE64;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate_keys::sha256;
use serde_json::json;
use x509_parser::parse_x509_certificate;

use super::{PORTAL_NAME, Started};

pub(super) fn out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// SHA-256 of each certificate's public key, base64 with commas between: what Chromium's option wants.
pub(super) fn spkis(pem: &str) -> String {
    let hash = |certificate: CertificateDer<'_>| {
        let (_, parsed) = parse_x509_certificate(&certificate).ok()?;
        Some(BASE64.encode(&sha256(parsed.public_key().raw)))
    };
    let hashes: Vec<String> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(|read| hash(read.ok()?)).collect();
    hashes.join(",")
}

impl Started {
    pub(super) fn json(&self) -> String {
        let people = self
            .people
            .iter()
            .map(|(person, name)| json!({ "id": person.person, "name": name, "about": person.about, "url": "/be" }));
        let line = json!({
            "portal": format!("http://{}", self.product.portal),
            "portal_name": PORTAL_NAME,
            "proxy": self.product.proxy.map(|proxy| proxy.to_string()),
            "ca_file": self.ca_file,
            "ca_spki": self.ca_spki,
            "people": people.collect::<Vec<_>>(),
            "data": self.data,
        });
        format!("{line}\n")
    }

    pub(super) fn text(&self) -> String {
        let portal = self.product.portal;
        let mut text = format!(
            "\nSchoolgate demo: Riverside Primary, a made-up school\n\n  The portal   http://{portal}\n  \
             To be somebody   http://{portal}/be   (one click, no password)\n\n"
        );
        for (person, name) in &self.people {
            text.push_str(&format!("    {name:<16} {}\n", person.about));
        }
        match self.product.proxy {
            Some(proxy) => text.push_str(&self.browsers(&proxy.to_string())),
            None => text.push_str("\n  Portal only: there is no gateway in this start.\n"),
        }
        text.push_str(&format!("\n  Everything is kept in {}\n  Ctrl-C stops it.\n\n", self.data.display()));
        text
    }

    fn browsers(&self, proxy: &str) -> String {
        let (ca, spki, data) = (self.ca_file.display(), &self.ca_spki, self.data.display());
        format!(
            "\n  A browser inside the school (it trusts the school's CA and uses its proxy):\n\n    \
             chromium --user-data-dir={data}/chromium --proxy-server={proxy} \\\n      \
             --ignore-certificate-errors-spki-list={spki} https://news.example/\n\n    \
             firefox --no-remote --profile $(mktemp -d)   then Settings, Network: HTTP proxy {proxy}, also for HTTPS;\n      \
             Privacy, Certificates, Import: {ca}\n\n    \
             curl --proxy http://{proxy} --cacert {ca} -L https://news.example/\n\n  \
             Sign in there at https://{PORTAL_NAME}/be, and use your own browser, without the proxy,\n  \
             at the portal's address above to be a second person.\n\n  \
             Three things to try:\n    \
             1. Inside the school be Tess Teacher, open https://news.example/, read, agree, and go on.\n    \
             2. Open https://bet.example/, ask for it for class 6B; outside be Ivy Tech and approve; load it again.\n    \
             3. Be Tess and report a concern about Helen Head; then be Helen, and be Carl Chair.\n"
        )
    }
}
