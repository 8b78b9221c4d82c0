//! What a gateway may know of the school's secrets: enough to seal a redirect, to hash an entry of a locked list and to
//! find a person by a log-in.
//!
//! The keys are derived, so that nothing else that the school has sealed or hashed can be opened or tried out with them.

use aws_lc_rs::hmac;

use crate::{KeyError, Pseudonyms, Sealer};

/// The keys, as they are handed to a gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DoorKeys {
    redirects: [u8; 32],
    locked: [u8; 32],
    logins: [u8; 32],
}

impl DoorKeys {
    pub(crate) fn derive(token: &[u8; 32], pseudonym: &[u8; 32]) -> Self {
        Self {
            redirects: derived(token, b"redirects of doors"),
            locked: derived(pseudonym, b"entries of locked lists"),
            logins: derived(pseudonym, b"log-ins of people"),
        }
    }

    /// The keys to hand on: for redirects, for locked lists, for log-ins.
    pub fn into_parts(self) -> [[u8; 32]; 3] {
        [self.redirects, self.locked, self.logins]
    }

    /// Keys that were handed on.
    pub fn from_parts([redirects, locked, logins]: [[u8; 32]; 3]) -> Self {
        Self { redirects, locked, logins }
    }

    /// Seals redirects; the portal opens them with the same.
    pub fn redirects(&self) -> Result<Sealer, KeyError> {
        Sealer::new(&self.redirects)
    }

    /// Hashes entries of locked lists, and nobody's name as the events have it.
    pub fn locked(&self) -> Pseudonyms {
        Pseudonyms::new(&self.locked)
    }

    /// Hashes log-ins, as the snapshot has them.
    pub fn logins(&self) -> Pseudonyms {
        Pseudonyms::new(&self.logins)
    }
}

/// HMAC-SHA256 of the purpose: one step of HKDF's expansion (RFC 5869 §2.3), the key being random already.
fn derived(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), purpose);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

impl std::fmt::Debug for DoorKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoorKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doors_keys_open_redirects_and_nothing_else() {
        let (token, pseudonym) = ([1; 32], [2; 32]);
        let keys = DoorKeys::derive(&token, &pseudonym);
        let handed = DoorKeys::from_parts(keys.into_parts());
        assert_eq!(keys, handed);
        let sealed = handed.redirects().unwrap().seal("redirect", b"content").unwrap();
        assert_eq!(keys.redirects().unwrap().open("redirect", &sealed).unwrap(), b"content");
        assert!(Sealer::new(&token).unwrap().open("redirect", &sealed).is_none());
        let school = schoolgate_base::SchoolId::new("riverside").unwrap();
        let (own, doors) = (Pseudonyms::new(&pseudonym), handed.locked());
        assert_ne!(own.locked_hit(&school, "bad.example"), doors.locked_hit(&school, "bad.example"));
        assert_ne!(handed.logins().login(&school, "tess"), doors.login(&school, "tess"));
    }
}
