//! The keys as doors need them: sealed redirects, and hashes for what may not be named.

use schoolgate_base::{Host, SchoolId};
use schoolgate_decide::redirect::{PURPOSE, Redirect};
use schoolgate_event::LockedHash;
use schoolgate_keys::{DoorKeys, KeyError, Pseudonyms, Sealer, sha256};
use schoolgate_proxy::Seals;
use tracing::error;

pub(crate) struct DoorSeals {
    redirects: Sealer,
    locked: Pseudonyms,
    school: SchoolId,
}

impl DoorSeals {
    pub(crate) fn new(keys: DoorKeys, school: SchoolId) -> Result<Self, KeyError> {
        Ok(Self { redirects: keys.redirects()?, locked: keys.locked(), school })
    }
}

impl schoolgate_dns::Seals for DoorSeals {
    fn locked(&self, host: &Host) -> LockedHash {
        Seals::locked(self, host)
    }
}

impl Seals for DoorSeals {
    fn redirect(&self, redirect: &Redirect) -> Option<String> {
        let content = match serde_json::to_vec(redirect) {
            Ok(content) => content,
            Err(error) => {
                error!(%error, "a redirect cannot be written down");
                return None;
            }
        };
        match self.redirects.seal(PURPOSE, &content) {
            Ok(token) => Some(token),
            Err(error) => {
                error!(%error, "a redirect cannot be sealed");
                None
            }
        }
    }

    fn locked(&self, host: &Host) -> LockedHash {
        // Keyed first, so that nobody can find an entry by hashing names; the second hash only gives it its length.
        let keyed = self.locked.locked_hit(&self.school, &host.to_string());
        LockedHash::from_digest(sha256(keyed.as_str().as_bytes()))
    }
}
