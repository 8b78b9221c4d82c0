//! The live part: what the records say is open, blocked or signed in right now.

use jiff::Timestamp;
use schoolgate_base::{ControlId, GrantId, PersonId};
use schoolgate_decide::snapshot::{AddressSession, Audience, DeviceToken, Grant, Live, OwnEntry, Target, UrgentBlock};
use schoolgate_records::{RecordsError, SchoolStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::error;

/// A warning that somebody has read and gone past. Kept in memory only: after a restart the warning is shown again.
#[derive(Debug, Clone)]
pub(crate) struct Continued {
    pub(crate) id: GrantId,
    pub(crate) person: PersonId,
    pub(crate) target: Target,
    pub(crate) lifts: ControlId,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// For whom a grant is, and which rule it lifts: what the records keep of a grant besides its target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GrantScope {
    pub(crate) audience: Audience,
    pub(crate) lifts: Option<ControlId>,
}

pub(crate) async fn live_part(
    store: &SchoolStore,
    continued: &[Continued],
    now: Timestamp,
) -> Result<Live, RecordsError> {
    let mut grants: Vec<Grant> = store.grant_list_active(now).await?.into_iter().filter_map(grant).collect();
    grants.extend(continued.iter().map(|one| Grant {
        id: one.id.clone(),
        control: one.lifts.clone(),
        lifts: Some(one.lifts.clone()),
        target: one.target.clone(),
        audience: Audience { persons: vec![one.person.clone()], ..Audience::default() },
        from: one.from,
        until: one.until,
    }));
    let urgent = store.urgent_list_active(now).await?.into_iter().filter_map(urgent).collect();
    let own_entries = store.own_entry_list().await?.into_iter().map(|kept| OwnEntry {
        host: kept.entry.host,
        path: kept.entry.path,
        category: kept.entry.category,
        is_in: kept.entry.is_in,
    });
    let sessions = store.claim_list_active(now).await?.into_iter().map(|claim| AddressSession {
        session: claim.session,
        address: claim.address,
        person: claim.person,
        capacity: claim.capacity,
        since: claim.since,
        until: claim.until,
    });
    let enrolled = store.device_list().await?.into_iter().filter(|device| device.revoked_at.is_none());
    let devices = enrolled.map(|enrolled| enrolled.device).map(|device| DeviceToken {
        device: device.id,
        secret_sha256: device.secret_sha256,
        class: device.class,
        is_managed: device.is_managed,
        person: device.person,
    });
    Ok(Live {
        grants,
        urgent,
        own_entries: own_entries.collect(),
        sessions: sessions.collect(),
        devices: devices.collect(),
        ..Live::default()
    })
}

fn grant(kept: schoolgate_records::Grant) -> Option<Grant> {
    let kept = kept.grant;
    let target = read::<Target>(kept.target, &kept.id)?;
    let scope = read::<GrantScope>(kept.audience, &kept.id)?;
    Some(Grant {
        id: kept.id,
        control: kept.control,
        lifts: scope.lifts,
        target,
        audience: scope.audience,
        from: kept.from,
        until: kept.until,
    })
}

fn urgent(kept: schoolgate_records::UrgentBlock) -> Option<UrgentBlock> {
    let kept = kept.block;
    let target = read::<Target>(kept.target, &kept.id)?;
    Some(UrgentBlock { id: kept.id, target, from: kept.from, until: kept.until })
}

/// A row of a format this program does not know opens nothing; what it says is kept and the log says so.
fn read<T: serde::de::DeserializeOwned>(value: Value, id: &GrantId) -> Option<T> {
    match serde_json::from_value(value) {
        Ok(read) => Some(read),
        Err(error) => {
            error!(grant.id = %id, %error, "a grant or block in the records cannot be read and is left out");
            None
        }
    }
}
