//! A technician's word about the CAs, by the files that the signer looks at each minute: who may write there is the
//! signer's user and the machine's administrator, and nobody who can only ask the signer.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::files::{self, Names};
use super::{AuthorityError, load_next};

/// The folder of the CAs' keys.
pub struct AuthorityFolder {
    keys: PathBuf,
}

/// One CA as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaStanding {
    pub pem: String,
    /// SHA-256 of the certificate, as people compare it: `3F:9A:…`.
    pub fingerprint: String,
    pub not_after: Timestamp,
    /// From when it signs; `None`: it is the one in use.
    pub from: Option<Timestamp>,
}

impl AuthorityFolder {
    pub fn new(keys: &Path) -> Self {
        Self { keys: keys.to_owned() }
    }

    /// The CA in use, and the next where there is one.
    pub fn standings(&self) -> Result<Vec<CaStanding>, AuthorityError> {
        let in_use = Names::in_use(&self.keys);
        if !in_use.certificate.exists() {
            return Err(AuthorityError::NoneYet { keys: self.keys.clone() });
        }
        let mut standings = vec![standing(&in_use.load()?, None)];
        standings.extend(load_next(&self.keys)?.map(|next| standing(&next.ca, Some(next.from))));
        Ok(standings)
    }

    /// Makes the next CA, which signs from `from` on and which devices must have by then.
    pub fn prepare_next(&self, school: &str, now: Timestamp, from: Timestamp) -> Result<(), AuthorityError> {
        match self.standings()?.into_iter().find_map(|one| one.from) {
            Some(from) => Err(AuthorityError::AlreadyPrepared { from }),
            None => files::make_next(&self.keys, school, now, from),
        }
    }

    /// Has the next CA sign from `from` on.
    pub fn switch_at(&self, from: Timestamp) -> Result<(), AuthorityError> {
        match load_next(&self.keys)? {
            Some(_) => files::write_switch(&self.keys, from),
            None => Err(AuthorityError::NoNext),
        }
    }
}

fn standing(ca: &super::Ca, from: Option<Timestamp>) -> CaStanding {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &ca.certificate);
    let pairs: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    CaStanding { pem: ca.pem.clone(), fingerprint: pairs.join(":"), not_after: ca.not_after, from }
}
