//! Where a school's CAs lie: the one in use, and for a while the one after it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::AuthorityError;
use super::ca::{self, Ca, NotOne};

/// One CA's two files.
pub(super) struct Names {
    pub(super) key: PathBuf,
    pub(super) certificate: PathBuf,
}

impl Names {
    pub(super) fn in_use(keys: &Path) -> Self {
        Self { key: keys.join("ca.key.pem"), certificate: keys.join("ca.pem") }
    }

    pub(super) fn next(keys: &Path) -> Self {
        Self { key: keys.join("next-ca.key.pem"), certificate: keys.join("next-ca.pem") }
    }

    pub(super) fn load(&self) -> Result<Ca, AuthorityError> {
        let pem = read(&self.certificate)?;
        let wrong_key = |source| AuthorityError::Key { path: self.key.clone(), source };
        let key = KeyPair::from_pem(&read(&self.key)?).map_err(|source| wrong_key(Some(source)))?;
        let not_one = || AuthorityError::Certificate { path: self.certificate.clone() };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| not_one())?;
        Ca::new(certificate, pem, key).map_err(|error| match error {
            NotOne::NotACertificate => not_one(),
            NotOne::NotItsKey => wrong_key(None),
        })
    }

    /// The key first: a certificate without its key would be handed to devices and never be used. A key that was left
    /// by a start that died in between has signed nothing and is replaced.
    pub(super) fn write(&self, key_pem: &str, pem: &str) -> Result<(), AuthorityError> {
        write(&self.key, key_pem.as_bytes())?;
        // Public as the certificate is, it lies among keys, where nothing may be open to others.
        write(&self.certificate, pem.as_bytes())
    }
}

/// Makes the CA that signs from `from` on.
pub(super) fn make_next(keys: &Path, school: &str, now: Timestamp, from: Timestamp) -> Result<(), AuthorityError> {
    let (key_pem, pem) = ca::make(school, now)?;
    // The moment before the certificate: what is not there yet is not looked for.
    write_switch(keys, from)?;
    Names::next(keys).write(&key_pem, &pem)
}

/// The moment from which the next CA signs.
pub(super) fn read_switch(keys: &Path) -> Result<Timestamp, AuthorityError> {
    let path = keys.join(SWITCH_FILE);
    read(&path)?.trim().parse().map_err(|_| AuthorityError::Switch { path })
}

pub(super) fn write_switch(keys: &Path, at: Timestamp) -> Result<(), AuthorityError> {
    write(&keys.join(SWITCH_FILE), at.to_string().as_bytes())
}

const SWITCH_FILE: &str = "next-ca.from";
/// How the files of CAs begin that were in use before: a stolen key is one reason to take another, so they are kept to be
/// refused.
const RETIRED: &str = "ca.before.";

/// The certificates of CAs that were in use before: one in five years, and some more where somebody is careful.
pub(super) fn retired(keys: &Path) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let failed = |source| AuthorityError::Read { path: keys.to_owned(), source };
    let mut retired = Vec::new();
    for entry in fs::read_dir(keys).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(RETIRED) {
            let path = entry.path();
            let certificate = CertificateDer::from_pem_slice(read(&path)?.as_bytes());
            retired.push(certificate.map_err(|_| AuthorityError::Certificate { path })?);
        }
    }
    Ok(retired)
}

/// The next CA takes the place of the one in use, whose key is gone with it. Done again from wherever it was broken off:
/// as long as the next certificate is there, it is not over.
pub(super) fn promote(keys: &Path) -> Result<(), AuthorityError> {
    let (in_use, next) = (Names::in_use(keys), Names::next(keys));
    let moved = |from: &Path, to: &Path| {
        fs::rename(from, to).map_err(|source| AuthorityError::Write { path: to.to_owned(), source })
    };
    if next.key.exists() {
        // The certificate first: with none in use, whoever starts next comes here and not to making one.
        if in_use.certificate.exists() {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, read(&in_use.certificate)?.as_bytes());
            let name = format!("{RETIRED}{}.pem", HEXLOWER.encode(hash.as_ref()));
            moved(&in_use.certificate, &keys.join(name))?;
        }
        moved(&next.key, &in_use.key)?;
    }
    moved(&next.certificate, &in_use.certificate)?;
    let _ = fs::remove_file(keys.join(SWITCH_FILE));
    sync(keys)
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(|source| AuthorityError::Read { path: path.to_owned(), source })
}

/// Replaces `path` whole: a half-written key is never seen under its name.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    let failed = |source| AuthorityError::Write { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    // The administrator's command writes for the signer, whose folder it is.
    let (folder, own) = (fs::metadata(folder_of(path)).map_err(failed)?, file.metadata().map_err(failed)?);
    if (folder.uid(), folder.gid()) != (own.uid(), own.gid()) {
        fchown(&file, Some(folder.uid()), Some(folder.gid())).map_err(failed)?;
    }
    fs::rename(&beside, path).map_err(failed)?;
    sync(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn sync(folder: &Path) -> Result<(), AuthorityError> {
    let failed = |source| AuthorityError::Write { path: folder.to_owned(), source };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
