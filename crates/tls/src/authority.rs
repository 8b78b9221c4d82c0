//! The school's CA: made once at install, kept in the keys folder, signing in this process.
//!
//! A year before it ends a second one is made, which devices are given beside it; a quarter before it ends the second one
//! signs, and the first one's key is thrown away. A technician may do the same sooner.

mod ca;
mod files;
mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use schoolgate_runtime::Clock;
use tracing::{info, warn};

use self::ca::Ca;
pub use self::ca::list_name;
use self::files::Names;
pub use self::folder::{AuthorityFolder, CaStanding};
use crate::signer::{Listing, Refreshing, SignError, SignedLeaf, Signer, Signing, SigningRequest};

/// Before the CA in use ends, the next is made: time enough for every device to be at school once.
const PREPARE_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// Before the CA in use ends, the next one signs: longer than a leaf lives.
const SWITCH_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The school's CAs with their keys, in this process.
pub struct Authority {
    keys: PathBuf,
    school: String,
    clock: Clock,
    /// Where the revocation lists are served, without a slash at its end.
    lists_at: Option<String>,
    cas: RwLock<Cas>,
}

struct Cas {
    current: Ca,
    next: Option<Next>,
    /// CAs that were in use before.
    retired: Vec<CertificateDer<'static>>,
}

struct Next {
    ca: Ca,
    from: Timestamp,
}

/// Why there is no CA.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot make the school's CA")]
    Make { source: rcgen::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is not the school's CA certificate")]
    Certificate { path: PathBuf },
    #[error("`{path}` does not hold the key of the school's CA")]
    Key { path: PathBuf, source: Option<rcgen::Error> },
    #[error("`{path}` does not say from when the next CA signs")]
    Switch { path: PathBuf },
    #[error("cannot get random bytes for a serial number")]
    Random,
    #[error("a next CA is there already, from {from}")]
    AlreadyPrepared { from: Timestamp },
    #[error("there is no next CA that could begin to sign; make one first")]
    NoNext,
    #[error("there is no CA in `{keys}` yet; it is made when the school is first served")]
    NoneYet { keys: PathBuf },
}

impl Authority {
    /// Loads the CAs from `keys`, or makes one there when there is none. `clock` must be the system's: devices judge
    /// certificates by theirs.
    pub fn load_or_make(keys: &Path, school: &str, clock: Clock) -> Result<Self, AuthorityError> {
        let (in_use, next) = (Names::in_use(keys), Names::next(keys));
        let was_broken_off = next.certificate.exists() && (!in_use.certificate.exists() || !next.key.exists());
        if was_broken_off {
            files::promote(keys)?;
        }
        if !in_use.certificate.exists() {
            let (key_pem, pem) = ca::make(school, clock.now())?;
            in_use.write(&key_pem, &pem)?;
        }
        let cas = Cas { current: in_use.load()?, next: load_next(keys)?, retired: files::retired(keys)? };
        let (keys, school) = (keys.to_owned(), school.to_owned());
        let authority = Self { keys, school, clock, lists_at: None, cas: RwLock::new(cas) };
        authority.tend()?;
        Ok(authority)
    }

    /// Whether there is a CA in `keys`.
    pub fn is_in(keys: &Path) -> bool {
        Names::in_use(keys).certificate.exists()
    }

    /// Has leaves say that revocation lists are at `base`, which clients without any sign-in must reach in the clear:
    /// `http://proxy.school.example:3128/ca`.
    #[must_use]
    pub fn with_lists_at(self, base: &str) -> Self {
        Self { lists_at: Some(base.trim_end_matches('/').to_owned()), ..self }
    }

    /// The certificate of the CA in use, as devices install it.
    pub fn pem(&self) -> String {
        self.read().in_use(self.clock.now()).pem.clone()
    }

    /// The certificates that devices should have now, in PEM, one after the other: also that of the next CA, so that it
    /// is everywhere when it begins to sign.
    pub fn pems(&self) -> String {
        let cas = self.read();
        [Some(&cas.current), cas.next.as_ref().map(|next| &next.ca)].into_iter().flatten().map(|ca| &*ca.pem).collect()
    }

    /// When the next CA begins to sign, if there is one.
    pub fn switches_at(&self) -> Option<Timestamp> {
        self.read().next.as_ref().map(|next| next.from)
    }

    /// Makes the next CA, which signs from `from` on. Devices must have it by then.
    pub fn prepare_next(&self, from: Timestamp) -> Result<(), AuthorityError> {
        let mut cas = self.cas.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = &cas.next {
            return Err(AuthorityError::AlreadyPrepared { from: next.from });
        }
        files::make_next(&self.keys, &self.school, self.clock.now(), from)?;
        cas.next = load_next(&self.keys)?;
        info!("the next CA is made; it signs from {from}");
        Ok(())
    }

    /// Does what is due: makes the next CA in time, and lets it take over. Called before each signature, of which only
    /// two in five years find anything to do.
    pub fn tend(&self) -> Result<(), AuthorityError> {
        let now = self.clock.now();
        let (end, switch) = {
            let cas = self.read();
            (cas.current.not_after, cas.next.as_ref().map(|next| next.from))
        };
        match switch {
            None if end - PREPARE_BEFORE <= now => self.prepare_next((end - SWITCH_BEFORE).max(now))?,
            Some(from) if from <= now => {}
            None | Some(_) => return Ok(()),
        }
        if self.switches_at().is_some_and(|from| from <= now) {
            let mut cas = self.cas.write().unwrap_or_else(PoisonError::into_inner);
            if cas.next.is_some() {
                files::promote(&self.keys)?;
                *cas = Cas {
                    current: Names::in_use(&self.keys).load()?,
                    next: None,
                    retired: files::retired(&self.keys)?,
                };
                info!("the next CA is in use");
            }
        }
        Ok(())
    }

    /// Takes up what a technician has put into the folder meanwhile: a next CA, or another day for it.
    fn take_up(&self) -> Result<(), AuthorityError> {
        let next = load_next(&self.keys)?;
        let mut cas = self.cas.write().unwrap_or_else(PoisonError::into_inner);
        let day = |next: &Option<Next>| next.as_ref().map(|next| (next.ca.generation, next.from));
        if next.is_some() && day(&next) != day(&cas.next) {
            cas.next = next;
            info!("the next CA or its day was changed");
        }
        Ok(())
    }

    fn sign_now(&self, request: &SigningRequest) -> Result<SignedLeaf, SignError> {
        self.tend_or_warn();
        let now = self.clock.now();
        self.read().in_use(now).sign(request, &self.school, self.lists_at.as_deref(), now)
    }

    /// A disk that is full must not stop what a CA in memory can still sign.
    fn tend_or_warn(&self) {
        if let Err(error) = self.tend() {
            warn!("the CA cannot be renewed: {error}");
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Cas> {
        self.cas.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load_next(keys: &Path) -> Result<Option<Next>, AuthorityError> {
    let names = Names::next(keys);
    if !names.certificate.exists() {
        return Ok(None);
    }
    Ok(Some(Next { ca: names.load()?, from: files::read_switch(keys)? }))
}

impl Cas {
    fn in_use(&self, now: Timestamp) -> &Ca {
        match &self.next {
            Some(next) if next.from <= now || self.current.not_after <= now => &next.ca,
            Some(_) | None => &self.current,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Ca> {
        [Some(&self.current), self.next.as_ref().map(|next| &next.ca)].into_iter().flatten()
    }
}

impl Signer for Authority {
    fn certificate(&self) -> CertificateDer<'static> {
        self.read().in_use(self.clock.now()).certificate.clone()
    }

    fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.read().all().map(|ca| ca.certificate.clone()).collect()
    }

    fn own_certificates(&self) -> Vec<CertificateDer<'static>> {
        let cas = self.read();
        cas.all().map(|ca| &ca.certificate).chain(&cas.retired).cloned().collect()
    }

    fn generation(&self) -> u64 {
        self.read().in_use(self.clock.now()).generation
    }

    fn sign(&self, request: SigningRequest) -> Signing<'_> {
        Box::pin(async move { self.sign_now(&request) })
    }

    fn refresh(&self) -> Refreshing<'_> {
        Box::pin(async move {
            if let Err(error) = self.take_up() {
                warn!("the next CA cannot be read: {error}");
            }
            self.tend_or_warn();
        })
    }

    fn revocation_list(&self, generation: u64) -> Listing<'_> {
        Box::pin(async move {
            let cas = self.read();
            let ca = cas.all().find(|ca| ca.generation == generation).ok_or(SignError::UnknownAuthority)?;
            ca.empty_list(self.clock.now())
        })
    }
}

#[cfg(test)]
mod tests;
