//! Which person an address speaks for: claimed at a portal sign-in, released at sign-out.

use std::net::IpAddr;

use jiff::Timestamp;
use schoolgate_base::{Capacity, PersonId, SessionId};
use schoolgate_records::Actor;

use crate::control::{Again, Control};
use crate::error::ControlError;

/// A portal sign-in that is to speak for an address.
#[derive(Debug, Clone)]
pub struct AddressClaim {
    pub session: SessionId,
    pub person: PersonId,
    pub capacity: Capacity,
    pub address: IpAddr,
    pub until: Timestamp,
    /// Ends every other claim on the address. Only the demo says so, where everybody sits at one machine; elsewhere
    /// two people on one address get the stricter of both.
    pub takes_over: bool,
}

impl Control {
    /// Lets a session speak for an address.
    pub async fn address_claim(&self, claim: AddressClaim) -> Result<(), ControlError> {
        let now = self.now();
        let mut write = self.begin(&claim.person).await?;
        if claim.takes_over {
            write.claim_end_address(claim.address).await?;
        }
        let claim = schoolgate_records::AddressClaim {
            session: claim.session,
            address: claim.address,
            person: claim.person,
            capacity: claim.capacity,
            since: now,
            until: claim.until,
        };
        write.claim_set(&claim).await?;
        write.commit().await?;
        self.publish(Again::Live).await
    }

    /// Ends a session of a person; when this returns, no address speaks for it.
    pub async fn session_end(&self, by: &PersonId, session: &SessionId) -> Result<(), ControlError> {
        let mut write = self.begin(by).await?;
        write.session_end(session.as_str()).await?;
        write.commit().await?;
        self.presence_publish().await
    }

    /// Puts in force which address speaks for whom, after sessions were ended in the records.
    pub async fn presence_publish(&self) -> Result<(), ControlError> {
        self.publish(Again::Live).await
    }

    /// Forgets sessions that were last seen before `sessions_before`, and what is over of who sat at which address.
    pub async fn presence_forget(&self, sessions_before: Timestamp) -> Result<(), ControlError> {
        let mut write = self.0.store.begin(Actor::program("clock"), self.now()).await?;
        write.session_purge(sessions_before).await?;
        write.commit().await?;
        Ok(())
    }
}
