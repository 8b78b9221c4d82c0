//! Why something could not be done; a policy or a case that refuses is a value of its own operation.

use schoolgate_keys::KeyError;
use schoolgate_records::RecordsError;
use schoolgate_runtime::TaskFailure;
use schoolgate_snapshot::SnapshotError;

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("the records could not be read or written")]
    Records {
        #[from]
        source: RecordsError,
    },
    #[error("the snapshot could not be published; what was written down comes into force with the next one")]
    Publish {
        #[from]
        source: SnapshotError,
    },
    #[error("publishing was interrupted")]
    Interrupted {
        #[from]
        source: TaskFailure,
    },
    #[error("no random bytes could be had")]
    Random {
        #[from]
        source: KeyError,
    },
    #[error("the name a school's policies are kept under is not an id")]
    PackId { source: schoolgate_base::IdError },
    #[error("cannot write it down")]
    Encode { source: serde_json::Error },
    #[error("no policy has been adopted yet; adopt one with `schoolgate policy adopt`")]
    NoPolicy,
    #[error("the policy in force (edition {edition}) can no longer be read by this program")]
    Unreadable { edition: u32 },
    #[error("edition {edited} was edited, but edition {in_force} is in force")]
    MovedOn { edited: u32, in_force: u32 },
    #[error("the new rules were written down but no door has them yet")]
    NotFollowed,
}

impl ControlError {
    /// Whether the records cannot be written *now*: signing and approving are refused, browsing goes on.
    pub fn is_records_unavailable(&self) -> bool {
        matches!(self, Self::Records { source } if source.is_unavailable())
    }

    /// Whether somebody else changed the same thing between our reading and our writing. Nothing was written.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Records { source: RecordsError::Stale { .. } } | Self::MovedOn { .. })
    }
}
