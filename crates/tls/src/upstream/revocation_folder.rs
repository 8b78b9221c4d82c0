//! A folder of revocation lists that is looked at again and again, and read when something in it has changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::revocations::{RevocationError, Revocations, is_list, read_failed};

/// The folder, and what it held at the last look.
#[derive(Debug)]
pub struct RevocationFolder {
    path: PathBuf,
    seen: Option<Vec<Stamp>>,
}

/// What tells one state of a file from another; the last is the moment of its change in any way, in nanoseconds.
type Stamp = (PathBuf, u64, i64, i64);

impl RevocationFolder {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All lists, if the folder changed since the last look. Lists that are wrong are an error once, until the folder
    /// changes; a file that is being copied is there whole at one of the next looks.
    pub fn look(&mut self) -> Result<Option<Revocations>, RevocationError> {
        let stamps = self.stamps()?;
        if self.seen.as_ref() == Some(&stamps) {
            return Ok(None);
        }
        let read = Revocations::read_folder(&self.path);
        // What cannot be read at all may be read later without any change to it.
        self.seen = (!matches!(read, Err(RevocationError::Read { .. }))).then_some(stamps);
        read.map(Some)
    }

    fn stamps(&self) -> Result<Vec<Stamp>, RevocationError> {
        let mut stamps = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(read_failed(&self.path))? {
            let path = entry.map_err(read_failed(&self.path))?.path();
            if !is_list(&path) {
                continue;
            }
            if super::revocations::LISTS_MAX <= stamps.len() {
                return Err(RevocationError::TooMany);
            }
            let metadata = fs::metadata(&path).map_err(read_failed(&path))?;
            stamps.push((path, metadata.len(), metadata.ctime(), metadata.ctime_nsec()));
        }
        stamps.sort();
        Ok(stamps)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
        KeyUsagePurpose, SerialNumber, date_time_ymd,
    };

    use super::*;

    /// An empty list of some CA, in DER.
    fn list() -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
        let issuer = Issuer::new(params, KeyPair::generate().unwrap());
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&issuer).unwrap().der().to_vec()
    }

    #[test]
    fn a_folder_is_read_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut lists = RevocationFolder::new(folder.path());
        let mut look = || lists.look().map(|read| read.map(|read| read.len()));
        assert!(matches!(look(), Ok(Some(0))) && matches!(look(), Ok(None)));
        fs::write(path("one.crl"), list()).unwrap();
        fs::write(path("README.txt"), "whatever").unwrap();
        assert!(matches!(look(), Ok(Some(1))) && matches!(look(), Ok(None)));
        // Half of a file that is being copied: the set is not taken, and said once.
        let other = list();
        fs::write(path("two.crl"), &other[..other.len() / 2]).unwrap();
        assert!(look().is_err() && matches!(look(), Ok(None)));
        fs::write(path("two.crl"), &other).unwrap();
        assert!(matches!(look(), Ok(Some(2))));
        fs::remove_file(path("one.crl")).unwrap();
        assert!(matches!(look(), Ok(Some(1))));
        fs::remove_file(path("two.crl")).unwrap();
        fs::create_dir(path("folder.crl")).unwrap();
        assert!(matches!(look(), Err(RevocationError::NotAList { .. })));
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(matches!(look(), Err(RevocationError::Read { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever somebody drops into the folder is read or refused.
        #[test]
        fn foreign_bytes_are_lists_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..512), is_pem: bool) {
            let folder = tempfile::tempdir().unwrap();
            let bytes = if is_pem { [b"-----BEGIN X509 CRL-----\n".as_slice(), &bytes].concat() } else { bytes };
            fs::write(folder.path().join("some.crl"), bytes).unwrap();
            prop_assert!(Revocations::read_folder(folder.path()).is_err());
        }

        /// Nor does a true list with bytes changed or cut off harm anybody.
        #[test]
        fn changed_lists_are_lists_or_errors(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            kept: prop::sample::Index,
        ) {
            let mut bytes = list();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let cut = &bytes[..kept.index(bytes.len())];
            for bytes in [cut, &bytes] {
                if let Ok(read) = Revocations::new([bytes.to_vec().into()]) {
                    prop_assert_eq!(read.len(), 1);
                }
            }
            prop_assert!(Revocations::new([cut.to_vec().into()]).is_err(), "a part of a list was taken for one");
        }
    }
}
