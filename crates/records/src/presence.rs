//! Who is signed in to the portal, which address speaks for whom, and which devices are enrolled.
//!
//! Sessions and claims are no records: they are not in the journal, and a claim that is over leaves no row. Who was
//! where is for the events to say, with their retention.

use std::net::IpAddr;

use jiff::Timestamp;
use schoolgate_base::{Capacity, DeviceClass, DeviceId, PersonId, SessionId};
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use serde_json::json;

use crate::convert::{capacity, cut, micros, parse, parse_opt, time, time_opt};
use crate::entity::{address_claim, device, portal_session};
use crate::error::failed;
use crate::journal::Note;
use crate::{RecordsError, SchoolStore, Write};

/// Sessions of one person listed at most.
const SESSIONS_MAX: u64 = 100;
/// Longest source kept, in bytes.
const SOURCE_MAX: usize = 64;

/// A sign-in to the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSession {
    /// SHA-256 of the session's id, hexadecimal; the id itself is in the browser only.
    pub id_hash: Box<str>,
    pub person: PersonId,
    pub capacity: Capacity,
    pub source_address: Box<str>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// A sign-in that speaks for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressClaim {
    pub session: SessionId,
    pub address: IpAddr,
    pub person: PersonId,
    pub capacity: Capacity,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// A device to enrol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDevice {
    pub id: DeviceId,
    /// SHA-256 of its token, lower-case hexadecimal.
    #[serde(skip)]
    pub secret_sha256: Box<str>,
    pub label: Box<str>,
    pub class: DeviceClass,
    pub is_managed: bool,
    pub person: Option<(PersonId, Capacity)>,
}

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub device: NewDevice,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

fn session(row: portal_session::Model) -> Result<PortalSession, RecordsError> {
    Ok(PortalSession {
        id_hash: row.id_hash.into(),
        person: parse("portal_session.person", &row.person)?,
        capacity: capacity("portal_session.capacity", &row.capacity)?,
        source_address: row.source_address.into(),
        created_at: time("portal_session.created_at", row.created_at)?,
        last_seen_at: time("portal_session.last_seen_at", row.last_seen_at)?,
        ended_at: time_opt("portal_session.ended_at", row.ended_at)?,
    })
}

fn claim(row: address_claim::Model) -> Result<AddressClaim, RecordsError> {
    Ok(AddressClaim {
        session: parse("address_claim.session", &row.session)?,
        address: parse("address_claim.address", &row.address)?,
        person: parse("address_claim.person", &row.person)?,
        capacity: capacity("address_claim.capacity", &row.capacity)?,
        since: time("address_claim.since_at", row.since_at)?,
        until: time("address_claim.until_at", row.until_at)?,
    })
}

fn enrolled(row: device::Model) -> Result<Device, RecordsError> {
    let person = parse_opt("device.person", row.person.as_deref())?;
    let person = match (person, row.capacity) {
        (Some(person), Some(word)) => Some((person, capacity("device.capacity", &word)?)),
        _ => None,
    };
    Ok(Device {
        device: NewDevice {
            id: parse("device.id", &row.id)?,
            secret_sha256: row.secret_sha256.into(),
            label: row.label.into(),
            class: DeviceClass::new(&row.class),
            is_managed: row.is_managed,
            person,
        },
        created_at: time("device.created_at", row.created_at)?,
        revoked_at: time_opt("device.revoked_at", row.revoked_at)?,
    })
}

impl SchoolStore {
    /// The session with this hash, also one that has ended.
    pub async fn session_fetch(&self, id_hash: &str) -> Result<Option<PortalSession>, RecordsError> {
        let row = portal_session::Entity::find()
            .filter(portal_session::Column::SchoolId.eq(self.text()))
            .filter(portal_session::Column::IdHash.eq(id_hash))
            .one(self.db())
            .await
            .map_err(failed("session_fetch"))?;
        row.map(session).transpose()
    }

    /// A person's sessions, newest first, at most 100.
    pub async fn session_list_for_person(&self, person: &PersonId) -> Result<Vec<PortalSession>, RecordsError> {
        let rows = portal_session::Entity::find()
            .filter(portal_session::Column::SchoolId.eq(self.text()))
            .filter(portal_session::Column::Person.eq(person.as_str()))
            .order_by_desc(portal_session::Column::CreatedAt)
            .order_by_asc(portal_session::Column::IdHash)
            .limit(SESSIONS_MAX)
            .all(self.db())
            .await
            .map_err(failed("session_list_for_person"))?;
        rows.into_iter().map(session).collect()
    }

    /// Claims that are not over at `at`, by beginning.
    pub async fn claim_list_active(&self, at: Timestamp) -> Result<Vec<AddressClaim>, RecordsError> {
        let rows = address_claim::Entity::find()
            .filter(address_claim::Column::SchoolId.eq(self.text()))
            .filter(address_claim::Column::UntilAt.gt(micros(at)))
            .order_by_asc(address_claim::Column::SinceAt)
            .order_by_asc(address_claim::Column::Session)
            .all(self.db())
            .await
            .map_err(failed("claim_list_active"))?;
        rows.into_iter().map(claim).collect()
    }

    /// All devices, also revoked ones, by label.
    pub async fn device_list(&self) -> Result<Vec<Device>, RecordsError> {
        let rows = device::Entity::find()
            .filter(device::Column::SchoolId.eq(self.text()))
            .order_by_asc(device::Column::Label)
            .order_by_asc(device::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("device_list"))?;
        rows.into_iter().map(enrolled).collect()
    }
}

impl Write {
    pub async fn session_create(&mut self, session: &PortalSession) -> Result<(), RecordsError> {
        const OPERATION: &str = "session_create";
        let row = portal_session::Model {
            school_id: self.text().to_owned(),
            id_hash: session.id_hash.to_string(),
            person: session.person.to_string(),
            capacity: session.capacity.as_str().to_owned(),
            source_address: cut(&session.source_address, SOURCE_MAX).to_owned(),
            created_at: micros(session.created_at),
            last_seen_at: micros(session.last_seen_at),
            ended_at: session.ended_at.map(micros),
        };
        let insert = portal_session::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Says that a session was used now. Each call is a synced commit: once a minute is often enough.
    pub async fn session_touch(&mut self, id_hash: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "session_touch";
        let update = portal_session::Entity::update_many()
            .col_expr(portal_session::Column::LastSeenAt, Expr::value(micros(self.at)))
            .filter(portal_session::Column::SchoolId.eq(self.text()))
            .filter(portal_session::Column::IdHash.eq(id_hash))
            .filter(portal_session::Column::EndedAt.is_null());
        let done = update.exec(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "session", done.rows_affected)
    }

    /// Ends a session and what it says of an address; nothing happens when it has ended or never was.
    pub async fn session_end(&mut self, id_hash: &str) -> Result<(), RecordsError> {
        let sessions = portal_session::Column::IdHash.eq(id_hash);
        self.session_end_where("session_end", sessions, address_claim::Column::Session.eq(id_hash)).await
    }

    /// Ends every session of a person, and what any of them says of an address: a changed password, somebody who left.
    pub async fn session_end_all(&mut self, person: &PersonId) -> Result<(), RecordsError> {
        let sessions = portal_session::Column::Person.eq(person.as_str());
        self.session_end_where("session_end_all", sessions, address_claim::Column::Person.eq(person.as_str())).await
    }

    async fn session_end_where(
        &mut self,
        operation: &'static str,
        sessions: SimpleExpr,
        claims: SimpleExpr,
    ) -> Result<(), RecordsError> {
        let update = portal_session::Entity::update_many()
            .col_expr(portal_session::Column::EndedAt, Expr::value(Some(micros(self.at))))
            .filter(portal_session::Column::SchoolId.eq(self.text()))
            .filter(portal_session::Column::EndedAt.is_null())
            .filter(sessions);
        let delete =
            address_claim::Entity::delete_many().filter(address_claim::Column::SchoolId.eq(self.text())).filter(claims);
        let txn = self.quiet(operation);
        update.exec(txn).await.map_err(failed(operation))?;
        delete.exec(txn).await.map_err(failed(operation))?;
        self.finished(())
    }

    /// Lets a session speak for an address, or moves its claim.
    pub async fn claim_set(&mut self, claim: &AddressClaim) -> Result<(), RecordsError> {
        const OPERATION: &str = "claim_set";
        let row = address_claim::Model {
            school_id: self.text().to_owned(),
            session: claim.session.to_string(),
            address: claim.address.to_string(),
            person: claim.person.to_string(),
            capacity: claim.capacity.as_str().to_owned(),
            since_at: micros(claim.since),
            until_at: micros(claim.until),
        };
        let mut replace = OnConflict::columns([address_claim::Column::SchoolId, address_claim::Column::Session]);
        replace.update_columns([
            address_claim::Column::Address,
            address_claim::Column::Person,
            address_claim::Column::Capacity,
            address_claim::Column::SinceAt,
            address_claim::Column::UntilAt,
        ]);
        let insert = address_claim::Entity::insert(row.into_active_model().reset_all()).on_conflict(replace);
        insert.exec_without_returning(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Takes away every claim on an address: its lease changed, or another person sits there now.
    pub async fn claim_end_address(&mut self, address: IpAddr) -> Result<(), RecordsError> {
        const OPERATION: &str = "claim_end_address";
        let delete = address_claim::Entity::delete_many()
            .filter(address_claim::Column::SchoolId.eq(self.text()))
            .filter(address_claim::Column::Address.eq(address.to_string()));
        delete.exec(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Deletes sessions that ended, or were last seen, before `before`, and claims that are over now.
    pub async fn session_purge(&mut self, before: Timestamp) -> Result<(), RecordsError> {
        const OPERATION: &str = "session_purge";
        let (before, now) = (micros(before), micros(self.at));
        let school = self.text().to_owned();
        let sessions = portal_session::Entity::delete_many()
            .filter(portal_session::Column::SchoolId.eq(&school))
            .filter(portal_session::Column::LastSeenAt.lt(before));
        let claims = address_claim::Entity::delete_many()
            .filter(address_claim::Column::SchoolId.eq(&school))
            .filter(address_claim::Column::UntilAt.lte(now));
        let txn = self.quiet(OPERATION);
        sessions.exec(txn).await.map_err(failed(OPERATION))?;
        claims.exec(txn).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    pub async fn device_add(&mut self, device: &NewDevice) -> Result<(), RecordsError> {
        const OPERATION: &str = "device_add";
        let note = Note::new(OPERATION, device)?;
        let row = device::Model {
            school_id: self.text().to_owned(),
            id: device.id.to_string(),
            secret_sha256: device.secret_sha256.to_string(),
            label: device.label.to_string(),
            class: device.class.to_string(),
            is_managed: device.is_managed,
            person: device.person.as_ref().map(|(person, _)| person.to_string()),
            capacity: device.person.as_ref().map(|(_, capacity)| capacity.as_str().to_owned()),
            created_at: micros(self.at),
            revoked_at: None,
        };
        let insert = device::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    pub async fn device_revoke(&mut self, id: &DeviceId) -> Result<(), RecordsError> {
        const OPERATION: &str = "device_revoke";
        let note = Note::new(OPERATION, &json!({ "device": id }))?;
        let update = device::Entity::update_many()
            .col_expr(device::Column::RevokedAt, Expr::value(Some(micros(self.at))))
            .filter(device::Column::SchoolId.eq(self.text()))
            .filter(device::Column::Id.eq(id.as_str()))
            .filter(device::Column::RevokedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "enrolled device", done.rows_affected)
    }
}
