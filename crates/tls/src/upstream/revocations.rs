//! Revocation lists: what certificates their issuers have taken back.
//!
//! Stapled OCSP is not looked at (nor by rustls, which says so), and nothing is asked while somebody waits: lists are
//! handed in, by a folder that an administrator or a fetcher keeps filled. The policy is soft where nothing is known and
//! hard where something is: a certificate that a list names is refused, also by a list whose time is over (what was
//! revoked stays so); one of an issuer without a list here passes; a list whose signature is wrong refuses the chains of
//! its issuer, since somebody has changed it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::oid_registry::OID_X509_EXT_CRL_NUMBER;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// All lists together, in bytes as they are on disk: parsed they take a small multiple of it.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Lists in one set; each is looked through for its issuer at every handshake.
pub(super) const LISTS_MAX: usize = 4_096;

/// Lists that were read and can be looked up in.
#[derive(Debug, Default)]
pub struct Revocations {
    lists: Vec<CertRevocationList<'static>>,
}

/// Why a revocation list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is not a revocation list")]
    NotAList { path: PathBuf },
    #[error("a revocation list cannot be read")]
    Malformed { source: webpki::Error },
    #[error("a revocation list has no number by which an older one is told from a newer")]
    Unnumbered,
    #[error("there are more revocation lists than fit: {LISTS_MAX} of {BYTES_MAX} bytes together")]
    TooMany,
}

impl Revocations {
    /// Takes lists in DER. One that cannot be read fails the set, so that nobody believes in what is not there.
    pub fn new(
        lists: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Result<Self, RevocationError> {
        let mut read = Self::default();
        let mut bytes = 0;
        for list in lists {
            bytes += u64::try_from(list.len()).unwrap_or(u64::MAX);
            if LISTS_MAX <= read.lists.len() || BYTES_MAX < bytes {
                return Err(RevocationError::TooMany);
            }
            if !is_numbered(&list) {
                return Err(RevocationError::Unnumbered);
            }
            let list = OwnedCertRevocationList::from_der(&list);
            read.lists.push(list.map_err(|source| RevocationError::Malformed { source })?.into());
        }
        Ok(read)
    }

    /// Reads every `.crl` (DER) and `.pem` of a folder, which may be empty and must be there.
    pub fn read_folder(folder: &Path) -> Result<Self, RevocationError> {
        let mut lists = Vec::new();
        let mut left = BYTES_MAX;
        for entry in fs::read_dir(folder).map_err(read_failed(folder))? {
            let path = entry.map_err(read_failed(folder))?.path();
            if !is_list(&path) {
                continue;
            }
            // A pipe would be waited for without an end.
            if !fs::metadata(&path).map_err(read_failed(&path))?.is_file() {
                return Err(RevocationError::NotAList { path });
            }
            let mut list = Vec::new();
            let file = File::open(&path).map_err(read_failed(&path))?;
            // One byte more than fits: a file may grow while it is read.
            file.take(left + 1).read_to_end(&mut list).map_err(read_failed(&path))?;
            let read = u64::try_from(list.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(read).ok_or(RevocationError::TooMany)?;
            if LISTS_MAX <= lists.len() {
                return Err(RevocationError::TooMany);
            }
            lists.push(decode(&list).ok_or(RevocationError::NotAList { path })?);
        }
        Self::new(lists)
    }

    pub fn len(&self) -> usize {
        self.lists.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(crate) fn lists(&self) -> Vec<&CertRevocationList<'static>> {
        self.lists.iter().collect()
    }
}

/// Whether a file of this name is to be read.
pub(super) fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "crl" || end == "pem")
}

pub(super) fn read_failed(path: &Path) -> impl FnOnce(io::Error) -> RevocationError + use<> {
    let path = path.to_owned();
    move |source| RevocationError::Read { path, source }
}

/// RFC 5280 §5.2.3: every list has a number, in an extension that is not critical.
fn is_numbered(list: &[u8]) -> bool {
    let Ok((_, list)) = CertificateRevocationList::from_der(list) else { return false };
    let mut numbers = list.extensions().iter().filter(|extension| extension.oid == OID_X509_EXT_CRL_NUMBER);
    numbers.next().is_some_and(|number| !number.critical)
}

/// DER as it is, or out of PEM.
pub(super) fn decode(bytes: &[u8]) -> Option<CertificateRevocationListDer<'static>> {
    // DER of a list begins with a SEQUENCE.
    match bytes.first()? {
        0x30 => Some(CertificateRevocationListDer::from(bytes.to_vec())),
        _ => CertificateRevocationListDer::from_pem_slice(bytes).ok(),
    }
}
