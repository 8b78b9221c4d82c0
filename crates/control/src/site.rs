//! What one person does about one site at once: urgent blocks and the school's own list.

use jiff::SignedDuration;
use schoolgate_base::{GrantId, PersonId};
use schoolgate_decide::snapshot::Target;
use schoolgate_records::{NewOwnEntry, NewUrgentBlock};

use crate::control::{Again, Control};
use crate::error::ControlError;

/// An urgent block ends by itself unless it is confirmed.
const URGENT_HOURS: i64 = 24;

impl Control {
    /// Blocks a site for everybody, at once, for a day.
    pub async fn urgent_block(&self, by: &PersonId, target: Target) -> Result<GrantId, ControlError> {
        let now = self.now();
        let block = NewUrgentBlock {
            id: self.fresh_grant()?,
            target: serde_json::to_value(target).map_err(|source| ControlError::Encode { source })?,
            from: now,
            until: now + SignedDuration::from_hours(URGENT_HOURS),
        };
        let mut write = self.begin(by).await?;
        write.urgent_add(&block).await?;
        write.commit().await?;
        self.publish(Again::Live).await?;
        Ok(block.id)
    }

    /// Ends an urgent block.
    pub async fn urgent_end(&self, id: &GrantId, by: &PersonId) -> Result<(), ControlError> {
        let mut write = self.begin(by).await?;
        write.urgent_end(id).await?;
        write.commit().await?;
        self.publish(Again::Live).await
    }

    /// Adds the school's own word on a site.
    pub async fn own_entry_add(&self, by: &PersonId, entry: &NewOwnEntry) -> Result<Box<str>, ControlError> {
        let mut write = self.begin(by).await?;
        let id = write.own_entry_add(entry).await?;
        write.commit().await?;
        self.publish(Again::Live).await?;
        Ok(id)
    }

    /// Takes the school's own word on a site back.
    pub async fn own_entry_remove(&self, by: &PersonId, id: &str) -> Result<(), ControlError> {
        let mut write = self.begin(by).await?;
        write.own_entry_remove(id).await?;
        write.commit().await?;
        self.publish(Again::Live).await
    }
}
