//! Server configurations for hosts that we answer for: minted on demand, kept for a while, never too many.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{KeyPair, PublicKeyData};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use schoolgate_base::Host;
use schoolgate_runtime::Clock;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::signer::{SignError, Signer, SigningRequest};
use crate::upstream::Protocol;

/// How long a client waits for its turn at the signer before it is refused, and then for its answer.
const MINT_DEADLINE: Duration = Duration::from_secs(5);
/// A leaf that ends sooner is minted anew, so that none expires in the middle of a connection.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(48);

/// As long as a leaf lives.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What a leaf is shown for. A leaf of one kind is never used for the other, whatever is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafFor {
    /// The site's own content, its certificate having been verified.
    Verified,
    /// Our own answer (303 or 403) in place of the site.
    LocalAnswer,
    /// A server of our own: the portal.
    Own,
}

/// Why there is no leaf.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    #[error("cannot make the key pair of the leaves")]
    Key { source: rcgen::Error },
    #[error("cannot use the key pair of the leaves")]
    Unusable { source: rustls::Error },
    #[error("cannot sign a leaf for `{host}`")]
    Sign { host: Host, source: SignError },
    #[error("too many leaves are being signed")]
    Busy,
}

impl LeafError {
    /// The word in logs, which name no host.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Unusable { .. } => "unusable",
            Self::Sign { .. } => "sign",
            Self::Busy => "busy",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    host: Host,
    purpose: LeafFor,
    generation: u64,
}

#[derive(Clone)]
struct Leaf {
    /// For HTTP/1.1 alone, and for HTTP/2 before it.
    older: Arc<ServerConfig>,
    newer: Arc<ServerConfig>,
    not_after: Timestamp,
}

impl Leaf {
    fn config(&self, newest: Protocol) -> Arc<ServerConfig> {
        Arc::clone(match newest {
            Protocol::Http1 => &self.older,
            Protocol::Http2 => &self.newer,
        })
    }
}

/// The one key of all leaves of a month.
#[derive(Clone)]
struct LeafKey {
    key: Arc<dyn SigningKey>,
    public_key: Vec<u8>,
    made_at: Timestamp,
}

/// A leaf with its key.
pub(crate) struct Certified {
    pub(crate) certified: CertifiedKey,
    pub(crate) generation: u64,
    pub(crate) not_after: Timestamp,
}

/// The leaves of one process.
pub struct Leaves {
    signer: Arc<dyn Signer>,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    /// Made anew with each process and each month, and never written down.
    key: Mutex<LeafKey>,
    minting: Semaphore,
    cache: Mutex<TwoGenerations<Key, Leaf>>,
}

impl Leaves {
    /// Keeps at most `cache_max` leaves and asks for at most `minting_max` at a time. `clock` must be the system's.
    pub fn new(signer: Arc<dyn Signer>, clock: Clock, cache_max: usize, minting_max: usize) -> Result<Self, LeafError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = Mutex::new(LeafKey::new(&provider, clock.now())?);
        Ok(Self {
            signer,
            clock,
            provider,
            key,
            minting: Semaphore::new(minting_max),
            cache: Mutex::new(TwoGenerations::new(cache_max)),
        })
    }

    /// The configuration with which to answer for `host`, in `newest` or an older version of HTTP.
    pub async fn config(
        &self,
        host: &Host,
        purpose: LeafFor,
        newest: Protocol,
    ) -> Result<Arc<ServerConfig>, LeafError> {
        Ok(self.leaf(host, purpose).await?.config(newest))
    }

    async fn leaf(&self, host: &Host, purpose: LeafFor) -> Result<Leaf, LeafError> {
        let key = Key { host: host.clone(), purpose, generation: self.signer.generation() };
        if let Some(leaf) = self.cached(&key) {
            return Ok(leaf);
        }
        let permit = timeout(MINT_DEADLINE, self.minting.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(LeafError::Busy) };
        // Somebody else may have minted it while this one waited.
        if let Some(leaf) = self.cached(&key) {
            return Ok(leaf);
        }
        let minted = timeout(MINT_DEADLINE, self.mint(host)).await;
        let Ok(leaf) = minted else { return Err(LeafError::Busy) };
        let leaf = leaf?;
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, leaf.clone());
        Ok(leaf)
    }

    fn key(&self) -> Result<LeafKey, LeafError> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if KEY_AGE_MAX <= now.duration_since(key.made_at) {
            *key = LeafKey::new(&self.provider, now)?;
        }
        Ok(key.clone())
    }

    /// The revocation list that is served as `name`, which certificates point to: [`crate::list_name`].
    pub async fn revocation_list(&self, name: &str) -> Option<Vec<u8>> {
        let generation = u64::from_str_radix(name.strip_suffix(".crl")?, 16).ok()?;
        let _permit = timeout(MINT_DEADLINE, self.minting.acquire()).await.ok()?.ok()?;
        self.signer.revocation_list(generation).await.ok()
    }

    /// How many leaves are kept.
    pub fn cached_count(&self) -> usize {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn cached(&self, key: &Key) -> Option<Leaf> {
        let leaf = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(key)?;
        (self.clock.now() < leaf.not_after - RENEW_BEFORE).then_some(leaf)
    }

    /// Of the CA in use, as far as it is known here.
    pub fn generation(&self) -> u64 {
        self.signer.generation()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }

    /// A leaf that is kept by whoever asked; it takes its turn with all others.
    pub(crate) async fn certify(&self, host: &Host) -> Result<Certified, LeafError> {
        let permit = timeout(MINT_DEADLINE, self.minting.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(LeafError::Busy) };
        timeout(MINT_DEADLINE, self.sign(host)).await.unwrap_or(Err(LeafError::Busy))
    }

    async fn sign(&self, host: &Host) -> Result<Certified, LeafError> {
        let key = self.key()?;
        let request = SigningRequest { host: host.clone(), public_key: key.public_key };
        let failed = |source| LeafError::Sign { host: host.clone(), source };
        let signed = self.signer.sign(request).await.map_err(failed)?;
        let chain = vec![signed.certificate, signed.issuer];
        let certified = CertifiedKey::new(chain, key.key);
        certified.keys_match().map_err(|source| LeafError::Unusable { source })?;
        Ok(Certified { certified, generation: signed.generation, not_after: signed.not_after })
    }

    /// A server that shows what `certificates` says.
    pub(crate) fn server(
        &self,
        certificates: Arc<dyn ResolvesServerCert>,
        newest: Protocol,
    ) -> Result<ServerConfig, LeafError> {
        let unusable = |source| LeafError::Unusable { source };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        // A session resumed under another person or policy would skip nothing today, but nobody should have to prove
        // that again with each change (check table P08).
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = newest.offers();
        Ok(config)
    }

    async fn mint(&self, host: &Host) -> Result<Leaf, LeafError> {
        let Certified { certified, not_after, .. } = self.sign(host).await?;
        let config = self.server(Arc::new(SingleCertAndKey::from(certified)), Protocol::Http1)?;
        let [older, newer] = [Protocol::Http1, Protocol::Http2].map(|newest| {
            let mut config = config.clone();
            config.alpn_protocols = newest.offers();
            Arc::new(config)
        });
        Ok(Leaf { older, newer, not_after })
    }
}

impl LeafKey {
    fn new(provider: &CryptoProvider, now: Timestamp) -> Result<Self, LeafError> {
        let pair = KeyPair::generate().map_err(|source| LeafError::Key { source })?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let key = provider.key_provider.load_private_key(private).map_err(|source| LeafError::Unusable { source })?;
        Ok(Self { key, public_key: pair.subject_public_key_info(), made_at: now })
    }
}

/// A bounded cache without bookkeeping per use: when the young half is full it becomes the old half, and what was old
/// and not asked for since is gone.
struct TwoGenerations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> TwoGenerations<K, V> {
    fn new(max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (max / 2).max(1) }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value.clone());
        Some(value)
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn insert(&mut self, key: K, value: V) {
        if self.half <= self.young.len() {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Authority;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = TwoGenerations::new(8);
        for number in 0..1_000 {
            cache.insert(number, ());
            assert!(cache.get(&0).is_some(), "{number}");
            assert!(cache.young.len() + cache.old.len() <= 8);
        }
        assert!(cache.get(&1).is_none());
    }

    #[tokio::test]
    async fn a_leaf_is_minted_once_per_host_and_purpose() {
        let keys = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(keys.path(), "Riverside Primary", Clock::system()).unwrap();
        let leaves = Leaves::new(Arc::new(authority), Clock::system(), 16, 2).unwrap();
        let host = "news.example".parse().unwrap();
        let first = leaves.config(&host, LeafFor::Verified, Protocol::Http1).await.unwrap();
        let again = leaves.config(&host, LeafFor::Verified, Protocol::Http1).await.unwrap();
        let local = leaves.config(&host, LeafFor::LocalAnswer, Protocol::Http1).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!Arc::ptr_eq(&first, &local));
    }

    /// Signs one leaf and hands it out again: what is counted here is what is kept.
    struct Copier {
        authority: Authority,
        signed: tokio::sync::OnceCell<crate::SignedLeaf>,
    }

    impl Signer for Copier {
        fn certificate(&self) -> rustls::pki_types::CertificateDer<'static> {
            self.authority.certificate()
        }

        fn certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
            self.authority.certificates()
        }

        fn own_certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
            self.authority.own_certificates()
        }

        fn generation(&self) -> u64 {
            self.authority.generation()
        }

        fn sign(&self, request: SigningRequest) -> crate::Signing<'_> {
            let signing = async { self.signed.get_or_try_init(|| self.authority.sign(request)).await.cloned() };
            Box::pin(signing)
        }

        fn revocation_list(&self, generation: u64) -> crate::Listing<'_> {
            self.authority.revocation_list(generation)
        }
    }

    #[tokio::test]
    async fn c08_a_hundred_thousand_names_fill_no_more_than_the_cache() {
        let keys = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(keys.path(), "Riverside Primary", Clock::system()).unwrap();
        let signer = Copier { authority, signed: tokio::sync::OnceCell::new() };
        let leaves = Leaves::new(Arc::new(signer), Clock::system(), 256, 2).unwrap();
        for number in 0..100_000 {
            let host = format!("r{number}.example").parse().unwrap();
            leaves.config(&host, LeafFor::Verified, Protocol::Http2).await.unwrap();
            assert!(leaves.cached_count() <= 256);
        }
    }

    #[tokio::test]
    async fn c08_a_signer_that_does_not_answer_holds_nobody_up_for_long() {
        struct Mute(Authority);
        impl Signer for Mute {
            fn certificate(&self) -> rustls::pki_types::CertificateDer<'static> {
                self.0.certificate()
            }
            fn certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
                self.0.certificates()
            }
            fn own_certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
                self.0.own_certificates()
            }
            fn generation(&self) -> u64 {
                self.0.generation()
            }
            fn sign(&self, _: SigningRequest) -> crate::Signing<'_> {
                Box::pin(std::future::pending())
            }
            fn revocation_list(&self, _: u64) -> crate::Listing<'_> {
                Box::pin(std::future::pending())
            }
        }
        let keys = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_make(keys.path(), "Riverside Primary", Clock::system()).unwrap();
        let leaves = Leaves::new(Arc::new(Mute(authority)), Clock::system(), 16, 1).unwrap();
        let (one, other) = ("a.example".parse().unwrap(), "b.example".parse().unwrap());
        let first = leaves.config(&one, LeafFor::Verified, Protocol::Http1);
        let second = leaves.config(&other, LeafFor::Verified, Protocol::Http1);
        let (first, second) = tokio::join!(first, second);
        assert!(matches!(first, Err(LeafError::Busy)) && matches!(second, Err(LeafError::Busy)));
    }

    #[tokio::test]
    async fn c04_the_leaves_key_is_made_anew_each_month() {
        let keys = tempfile::tempdir().unwrap();
        let clock = Clock::settable();
        let authority = Authority::load_or_make(keys.path(), "Riverside Primary", clock.clone()).unwrap();
        let leaves = Leaves::new(Arc::new(authority), clock.clone(), 16, 2).unwrap();
        let first = leaves.key().unwrap().public_key;
        clock.advance(SignedDuration::from_hours(24 * 29)).unwrap();
        assert_eq!(leaves.key().unwrap().public_key, first);
        clock.advance(SignedDuration::from_hours(24)).unwrap();
        assert_ne!(leaves.key().unwrap().public_key, first);
    }
}
