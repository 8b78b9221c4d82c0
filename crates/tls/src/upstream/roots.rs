//! The roots that sites are believed by: which were taken, and why others were not.
//!
//! A root counts as *public* when Mozilla's programme has it (the list of this build); chains to it are held to the rules
//! of public CAs. Others are the school's own additions, for servers of its own, and are held to what says who a server
//! is.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use tracing::warn;
use webpki::anchor_from_trusted_cert;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::known_bad::{KeyHash, key_hash, known_bad};
use super::profile::{self, Fault};

/// Roots of Mozilla's programme that are older than the form that public roots have today: TWCA Global Root CA names no
/// key of its own.
const EXCUSED: &[&str] = &["c444b5b66ce5d71e1b5e40f27385c95cbfd24a05b56f70cac0992f0f50c3379c"];

/// What is known of a root beside its name and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    subject: Box<str>,
    key: KeyHash,
    /// SHA-256 of the certificate.
    fingerprint: [u8; 32],
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) is_public: bool,
    /// Whether its key is for signing revocation lists too (RFC 5280 §4.2.1.3).
    pub(crate) signs_lists: bool,
}

/// The roots of one process.
#[derive(Debug, Default)]
pub struct Roots {
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    /// One for each anchor, in its order.
    facts: Vec<Root>,
    /// Keys that no certificate of a chain may have.
    pub(crate) refused: HashSet<KeyHash>,
    /// Of these, our own.
    own: HashSet<KeyHash>,
    left_out: Vec<LeftOut>,
}

/// A root that is in the store and is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The root's subject, as far as it can be read.
    pub subject: Box<str>,
    /// A word: `known-bad`, `own-ca`, `distrusted`, `expired`, …
    pub why: &'static str,
}

impl Roots {
    /// The platform's store and `extra`, without `own_cas` in whichever of the two they are found: what our own CA signs
    /// proves nothing about the outside (check table V30).
    pub fn of_platform(extra: &[CertificateDer<'static>], own_cas: &[CertificateDer<'_>], now: UnixTime) -> Self {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            warn!("some of the platform's root certificates cannot be read: {error}");
        }
        let mut roots = Self::refusing(own_cas);
        for certificate in native.certs.iter().chain(extra) {
            roots.add(certificate, is_public, now);
        }
        roots
    }

    /// No roots yet, and none of these keys ever.
    pub(crate) fn refusing(own_cas: &[CertificateDer<'_>]) -> Self {
        let own: HashSet<KeyHash> = own_cas.iter().filter_map(key_of).collect();
        let mut refused = known_bad();
        refused.extend(&own);
        Self { refused, own, ..Self::default() }
    }

    /// Takes out the roots with these fingerprints (SHA-256 of the certificate); their keys prove nothing anywhere in a
    /// chain from then on. Returns those that were not there.
    pub fn distrust(&mut self, fingerprints: &[[u8; 32]]) -> Vec<[u8; 32]> {
        let mut absent = Vec::new();
        for fingerprint in fingerprints {
            let Some(at) = self.facts.iter().position(|root| root.fingerprint == *fingerprint) else {
                absent.push(*fingerprint);
                continue;
            };
            self.anchors.remove(at);
            let root = self.facts.remove(at);
            self.refused.insert(root.key);
            self.left_out.push(LeftOut { subject: root.subject, why: "distrusted" });
        }
        absent
    }

    /// Takes `certificate`, or notes why not.
    pub(crate) fn add(
        &mut self,
        certificate: &CertificateDer<'static>,
        is_public: impl Fn(&TrustAnchor<'_>) -> bool,
        now: UnixTime,
    ) {
        if let Err(left_out) = self.try_add(certificate, is_public, now) {
            self.left_out.push(left_out);
        }
    }

    fn try_add(
        &mut self,
        certificate: &CertificateDer<'static>,
        is_public: impl Fn(&TrustAnchor<'_>) -> bool,
        now: UnixTime,
    ) -> Result<(), LeftOut> {
        let unread = LeftOut { subject: "".into(), why: "unreadable" };
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| unread.clone())?;
        let because = |Fault(why)| LeftOut { subject: parsed.subject().to_string().into(), why };
        let anchor = anchor_from_trusted_cert(certificate).map_err(|_| because(Fault("unreadable")))?.to_owned();
        let key = key_hash(parsed.public_key().raw);
        if self.own.contains(&key) {
            return Err(because(Fault("own-ca")));
        }
        if self.refused.contains(&key) {
            return Err(because(Fault("known-bad")));
        }
        let seconds = |at: i64| u64::try_from(at).unwrap_or(0);
        let validity = parsed.validity();
        let root = Root {
            subject: parsed.subject().to_string().into(),
            key,
            fingerprint: key_hash(certificate),
            not_before: seconds(validity.not_before.timestamp()),
            not_after: seconds(validity.not_after.timestamp()),
            is_public: is_public(&anchor),
            signs_lists: parsed.key_usage().ok().flatten().is_none_or(|usage| usage.value.crl_sign()),
        };
        if root.not_after < now.as_secs() {
            return Err(because(Fault("expired")));
        }
        let is_excused = EXCUSED.contains(&HEXLOWER.encode(&key).as_str());
        profile::check_root(&parsed, root.is_public && !is_excused).map_err(because)?;
        if !self.anchors.contains(&anchor) {
            self.anchors.push(anchor);
            self.facts.push(root);
        }
        Ok(())
    }

    pub(crate) fn facts(&self, anchor: &TrustAnchor<'_>) -> Option<&Root> {
        let at = self.anchors.iter().position(|one| {
            one.subject_public_key_info == anchor.subject_public_key_info && one.subject == anchor.subject
        })?;
        self.facts.get(at)
    }

    /// How many roots are believed, and how many of them are public CAs.
    pub fn count(&self) -> (usize, usize) {
        (self.facts.len(), self.facts.iter().filter(|root| root.is_public).count())
    }

    /// How many roots Mozilla's programme has, as this build knows it.
    pub fn programme_count() -> usize {
        webpki_roots::TLS_SERVER_ROOTS.len()
    }

    /// The roots that were found and are not believed, for the technician.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// Whether `certificate` has the same public key as one of `others`.
pub fn has_key_of(certificate: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> bool {
    key_of(certificate).is_some_and(|key| others.iter().any(|other| key_of(other) == Some(key)))
}

fn key_of(certificate: &CertificateDer<'_>) -> Option<KeyHash> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(key_hash(parsed.public_key().raw))
}

/// Whether Mozilla's programme has this root.
pub(crate) fn is_public(anchor: &TrustAnchor<'_>) -> bool {
    webpki_roots::TLS_SERVER_ROOTS
        .iter()
        .any(|root| root.subject_public_key_info == anchor.subject_public_key_info && root.subject == anchor.subject)
}
