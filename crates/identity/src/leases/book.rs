//! The table of who holds which address now.
//!
//! RADIUS names a person by her device's hardware address, DHCP names the address that the device holds; RADIUS often
//! says both. They meet here. The later word about an address holds, and an older one that comes late changes nothing.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, DeviceClass, DeviceId, PersonId};
use tokio::sync::broadcast;

use crate::dhcp::{KnownDevice, Reading};
use crate::identify::is_idle;
use crate::leases::Held;
use crate::leases::table::{Nas, Session, Table};
use crate::logins::Logins;
use crate::radius::{Accounting, Ignored, Status};

/// Ended facts that a slow listener may be behind; one that is further behind looks at everything again.
const CHANGES_MAX: usize = 1_024;

/// Which file or table a reading is of: its own name for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseSource(pub Box<str>);

/// Leases and sessions, at most so many of each.
#[derive(Debug)]
pub struct LeaseBook {
    table: Mutex<Table>,
    changes: broadcast::Sender<Held>,
}

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) device: Option<DeviceId>,
    pub(crate) class: Option<DeviceClass>,
    pub(crate) person: Option<(PersonId, Capacity)>,
    pub(crate) until: Option<Timestamp>,
    /// When another device or another person came to the address: who signed in there before is not there now.
    pub(crate) changed: Option<Timestamp>,
}

impl LeaseBook {
    pub fn new(max: usize) -> Self {
        Self { table: Mutex::new(Table::new(max)), changes: broadcast::Sender::new(CHANGES_MAX) }
    }

    /// Addresses about which something ended or changed, as it happens. Whoever lags has to look at all.
    pub fn changes(&self) -> broadcast::Receiver<Held> {
        self.changes.subscribe()
    }

    /// Addresses that are held now, and sessions that are open now: for a page.
    pub fn counts(&self, now: Timestamp) -> (usize, usize) {
        self.lock().counts(now)
    }

    /// Takes what a peer has signed. `now` is when it came.
    pub fn account(
        &self,
        peer: IpAddr,
        said: &Accounting<'_>,
        may_be_undated: bool,
        logins: &dyn Logins,
        now: Timestamp,
    ) -> Result<(), Ignored> {
        let at = said.moment(may_be_undated, now)?;
        let nas = Nas { peer: peer.to_canonical(), name: said.nas.into() };
        let mut changed = Vec::new();
        let outcome = match (said.status, said.mac) {
            (Status::Restarted, _) => {
                self.lock().end_all(&nas, at, &mut changed);
                Ok(())
            }
            (Status::Open | Status::Stop, None) => Err(Ignored::Mac),
            (Status::Stop, Some(mac)) => self.lock().end(mac, &nas, said.session, at, &mut changed),
            (Status::Open, Some(mac)) => {
                let left = said.left.unwrap_or(SignedDuration::MAX);
                let session = Session {
                    nas,
                    id: said.session.into(),
                    login: said.login.unwrap_or_default().into(),
                    person: said.login.and_then(|login| logins.person(login)),
                    addresses: said.addresses.clone(),
                    at,
                    awake: now,
                    until: at.checked_add(left).unwrap_or(Timestamp::MAX),
                    is_ended: false,
                    changed: None,
                };
                self.lock().open(mac, session, now, &mut changed)
            }
        };
        self.announce(changed);
        outcome
    }

    /// Takes what a file or table says now, in place of what it said before. Leases for which there is no room are
    /// left out; returns how many.
    pub fn replace(&self, source: LeaseSource, reading: &Reading, now: Timestamp) -> usize {
        let mut changed = Vec::new();
        let left_out = self.lock().replace(source, reading, now, &mut changed);
        self.announce(changed);
        left_out
    }

    /// A request keeps a session awake; looking again at an open connection does not.
    pub(crate) fn look(&self, address: IpAddr, is_request: bool, now: Timestamp) -> Found {
        let mut table = self.lock();
        let Some((held, bound)) = table.bound(address) else { return Found::default() };
        let mac = bound.mac;
        let mut found = Found { changed: bound.changed, ..Found::default() };
        let session = table.session(mac, now).filter(|session| !is_request || session.is_awake(now));
        let has_framed = session.is_some_and(|session| session.addresses.contains(&held));
        if !bound.is_held(has_framed, now) {
            return found;
        }
        if let Some(session) = session {
            found.person.clone_from(&session.person);
            found.changed = found.changed.max(session.changed);
            let until = if has_framed { session.until } else { session.until.min(bound.leased_until) };
            found.until = (until < Timestamp::MAX).then_some(until);
        }
        if let Some(KnownDevice { device, class, .. }) = table.device(mac) {
            found.device = Some(device.clone());
            found.class.clone_from(class);
        }
        if is_request && found.person.is_some() {
            table.wake(mac, now);
        }
        found
    }

    fn announce(&self, changed: Vec<Held>) {
        for held in changed {
            // Nobody listening is no failure: nothing is open then.
            let _ = self.changes.send(held);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_awake(&self, now: Timestamp) -> bool {
        !is_idle(self.awake, now)
    }
}

#[cfg(test)]
mod tests;
