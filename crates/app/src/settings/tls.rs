//! Which roots sites are believed by, and where lists of withdrawn certificates are found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate_tls::has_key_of;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    /// Files (PEM) of roots that are believed beside the system's: of servers of the school's own, never of its CA.
    roots: Vec<PathBuf>,
    /// Roots of the system that are not believed, as the SHA-256 fingerprint of each certificate: `3F:9A:…`.
    distrusted: Vec<String>,
    /// Folder of lists of withdrawn certificates: files `.crl` (DER or PEM) and `.pem`, which somebody keeps up to date.
    /// Read again when something in it changes.
    revocations: Option<PathBuf>,
}

/// Checked settings of what is believed of sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    pub roots: Vec<PathBuf>,
    /// SHA-256 of certificates.
    pub distrusted: Vec<[u8; 32]>,
    pub revocations: Option<PathBuf>,
}

/// Why the settings do not say whom to believe.
#[derive(Debug, thiserror::Error)]
pub enum TlsSettingsError {
    #[error(
        "`tls.distrusted`: `{value}` is no SHA-256 fingerprint of a certificate; write its 64 digits, as \
         `openssl x509 -noout -fingerprint -sha256` shows them"
    )]
    Fingerprint { value: String },
    #[error("`tls.roots`: cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`tls.roots`: `{path}` holds no certificate in PEM; it begins with `-----BEGIN CERTIFICATE-----`")]
    Pem { path: PathBuf },
    #[error(
        "`tls.roots`: `{path}` is the school's own CA, which signs for every site that is looked into: believed of the \
         outside it would prove nothing. Take it out"
    )]
    OwnCa { path: PathBuf },
    #[error("`tls.revocations`: `{path}` is not a folder that can be read")]
    Folder { path: PathBuf, source: io::Error },
}

impl RawTls {
    /// Paths are from `folder`, where they are not from the root.
    pub(super) fn in_folder(mut self, folder: &Path) -> Self {
        for path in self.roots.iter_mut().chain(&mut self.revocations) {
            *path = folder.join(&*path);
        }
        self
    }

    pub(super) fn check(self) -> Result<TlsSettings, TlsSettingsError> {
        let distrusted = self
            .distrusted
            .iter()
            .map(|text| fingerprint(text).ok_or_else(|| TlsSettingsError::Fingerprint { value: text.clone() }));
        let distrusted = distrusted.collect::<Result<_, _>>()?;
        Ok(TlsSettings { roots: self.roots, distrusted, revocations: self.revocations })
    }
}

impl TlsSettings {
    /// The certificates of the files, none of which may be one of `own`; also looks whether the folder is there.
    pub(crate) fn read_roots(
        &self,
        own: &[CertificateDer<'_>],
    ) -> Result<Vec<CertificateDer<'static>>, TlsSettingsError> {
        if let Some(path) = &self.revocations {
            fs::read_dir(path).map_err(|source| TlsSettingsError::Folder { path: path.clone(), source })?;
        }
        let mut roots = Vec::new();
        for path in &self.roots {
            let pem = fs::read(path).map_err(|source| TlsSettingsError::Read { path: path.clone(), source })?;
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let read = read.ok().filter(|read| !read.is_empty());
            let read = read.ok_or_else(|| TlsSettingsError::Pem { path: path.clone() })?;
            if read.iter().any(|root| has_key_of(root, own)) {
                return Err(TlsSettingsError::OwnCa { path: path.clone() });
            }
            roots.extend(read);
        }
        Ok(roots)
    }
}

/// Digits, with colons or without.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|digit| *digit != ':').collect();
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use schoolgate_runtime::Clock;
    use schoolgate_tls::{Authority, Signer};

    use super::*;

    #[test]
    fn fingerprints_are_written_as_tools_show_them() {
        let check = |text: &str| toml::from_str::<RawTls>(&format!("distrusted = ['{text}']")).unwrap().check();
        let expected = vec![[0xAB; 32]];
        assert_eq!(check(&"ab".repeat(32)).unwrap().distrusted, expected);
        assert_eq!(check(["AB"; 32].join(":").as_str()).unwrap().distrusted, expected);
        for wrong in ["ab".repeat(20), "xy".repeat(32), String::new(), "ab".repeat(33)] {
            let refused = check(&wrong).unwrap_err().to_string();
            assert!(refused.contains("tls.distrusted"), "{refused}");
        }
    }

    #[test]
    fn the_schools_own_ca_is_no_root_for_the_outside() {
        let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let authority =
            |folder: &tempfile::TempDir| Authority::load_or_make(folder.path(), "Riverside", Clock::system()).unwrap();
        let (own, other) = (authority(&ours), authority(&theirs));
        let settings = |path: PathBuf| TlsSettings { roots: vec![path], ..TlsSettings::default() };
        let read = |path: PathBuf| settings(path).read_roots(&own.own_certificates());
        assert_eq!(read(theirs.path().join("ca.pem")).unwrap(), [other.certificate()]);
        assert!(matches!(read(ours.path().join("ca.pem")), Err(TlsSettingsError::OwnCa { .. })));
        assert!(matches!(read(ours.path().join("ca.key.pem")), Err(TlsSettingsError::Pem { .. })));
        assert!(matches!(read(ours.path().join("none.pem")), Err(TlsSettingsError::Read { .. })));
        let absent = TlsSettings { revocations: Some(ours.path().join("lists")), ..TlsSettings::default() };
        assert!(matches!(absent.read_roots(&[]), Err(TlsSettingsError::Folder { .. })));
    }
}
