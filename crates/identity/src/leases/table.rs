//! The rows behind [`LeaseBook`](crate::LeaseBook): addresses by what holds them, sessions by hardware address.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, PersonId};

use crate::dhcp::{KnownDevice, Reading};
use crate::leases::{Held, LeaseSource};
use crate::mac::Mac;
use crate::radius::Ignored;

/// Between two sweeps of a full table: a sweep looks at every row.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// After the last word of another device in a subnet, so long it is taken to be shared.
const CROWDED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// An access point, behind a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nas {
    pub(crate) peer: IpAddr,
    pub(crate) name: Box<[u8]>,
}

/// What RADIUS says of one device. One that has ended stays for a while, so that late packets do not open it again.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) nas: Nas,
    pub(crate) id: Box<[u8]>,
    pub(crate) login: Box<str>,
    /// `None`: the login is nobody's here.
    pub(crate) person: Option<(PersonId, Capacity)>,
    pub(crate) addresses: Vec<Held>,
    /// The latest event.
    pub(crate) at: Timestamp,
    /// The latest word or request.
    pub(crate) awake: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) is_ended: bool,
    /// When somebody else signed in with the device.
    pub(crate) changed: Option<Timestamp>,
}

/// What holds an address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) mac: Mac,
    /// The latest word that it does.
    at: Timestamp,
    /// By a lease of DHCP or a table; the beginning of time where there is none.
    pub(crate) leased_until: Timestamp,
    /// A subnet in which several devices are is nobody's; the beginning of time where there is one.
    crowded_until: Timestamp,
    pub(crate) changed: Option<Timestamp>,
}

impl Bound {
    pub(crate) fn is_held(&self, has_framed: bool, now: Timestamp) -> bool {
        self.crowded_until <= now && (has_framed || now < self.leased_until)
    }
}

/// What a file said last.
type Said = HashMap<Held, (Mac, Timestamp)>;

#[derive(Debug)]
pub(crate) struct Table {
    max: usize,
    addresses: HashMap<Held, Bound>,
    sessions: HashMap<Mac, Session>,
    devices: HashMap<Mac, KnownDevice>,
    said: HashMap<LeaseSource, (Said, Vec<KnownDevice>)>,
    swept: Timestamp,
}

impl Table {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            addresses: HashMap::new(),
            sessions: HashMap::new(),
            devices: HashMap::new(),
            said: HashMap::new(),
            swept: Timestamp::MIN,
        }
    }

    pub(crate) fn bound(&self, address: IpAddr) -> Option<(Held, Bound)> {
        let whole = Held::address(address);
        let row = |held: Held| self.addresses.get(&held).map(|bound| (held, *bound));
        row(whole).or_else(|| match address.to_canonical() {
            IpAddr::V6(v6) => row(Held::subnet(v6)),
            IpAddr::V4(_) => None,
        })
    }

    pub(crate) fn session(&self, mac: Mac, now: Timestamp) -> Option<&Session> {
        self.sessions.get(&mac).filter(|session| !session.is_ended && now < session.until)
    }

    pub(crate) fn device(&self, mac: Mac) -> Option<&KnownDevice> {
        self.devices.get(&mac)
    }

    pub(crate) fn wake(&mut self, mac: Mac, now: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&mac) {
            session.awake = session.awake.max(now);
        }
    }

    pub(crate) fn counts(&self, now: Timestamp) -> (usize, usize) {
        let open = self.sessions.values().filter(|session| !session.is_ended && now < session.until).count();
        (self.addresses.iter().filter(|(held, bound)| self.is_held(**held, bound, now)).count(), open)
    }

    /// Starts a session or keeps it going.
    pub(crate) fn open(
        &mut self,
        mac: Mac,
        mut session: Session,
        now: Timestamp,
        changed: &mut Vec<Held>,
    ) -> Result<(), Ignored> {
        if let Some(known) = self.sessions.get(&mac) {
            let is_same = known.nas == session.nas && known.id == session.id;
            // Late: sent again, or by another way, or kept by somebody to be played back.
            if session.at < known.at || (is_same && known.is_ended && session.at == known.at) {
                return Err(Ignored::Late);
            }
            let is_somebody_else = known.login != session.login || known.person != session.person;
            session.changed = if is_somebody_else { Some(now) } else { known.changed };
            if is_same && !known.is_ended {
                keep_other_family(&mut session.addresses, &known.addresses);
            }
            if is_somebody_else {
                self.touch(mac, changed);
            }
        } else if !self.has_room(self.sessions.len(), now) {
            return Err(Ignored::Full);
        }
        let (addresses, at) = (session.addresses.clone(), session.at);
        self.sessions.insert(mac, session);
        for held in addresses {
            if !self.bind(held, mac, at, now, changed) {
                return Err(Ignored::Full);
            }
        }
        Ok(())
    }

    /// Ends the session, where it is this one: after a walk to another access point, the first one's end comes late.
    pub(crate) fn end(
        &mut self,
        mac: Mac,
        nas: &Nas,
        id: &[u8],
        at: Timestamp,
        changed: &mut Vec<Held>,
    ) -> Result<(), Ignored> {
        let known = self.sessions.get_mut(&mac).ok_or(Ignored::Late)?;
        if known.nas != *nas || *known.id != *id || at < known.at {
            return Err(Ignored::Late);
        }
        known.is_ended = true;
        known.at = at;
        self.touch(mac, changed);
        Ok(())
    }

    pub(crate) fn end_all(&mut self, nas: &Nas, at: Timestamp, changed: &mut Vec<Held>) {
        let theirs = |session: &Session| session.nas == *nas && !session.is_ended && session.at <= at;
        let ended: Vec<Mac> =
            self.sessions.iter().filter(|(_, session)| theirs(session)).map(|(mac, _)| *mac).collect();
        for mac in ended {
            if let Some(session) = self.sessions.get_mut(&mac) {
                session.is_ended = true;
                session.at = at;
            }
            self.touch(mac, changed);
        }
    }

    /// Only what differs from what the source said before is news; how many leases there was no room for.
    pub(crate) fn replace(
        &mut self,
        source: LeaseSource,
        reading: &Reading,
        now: Timestamp,
        changed: &mut Vec<Held>,
    ) -> usize {
        let (before, _) = self.said.remove(&source).unwrap_or_default();
        let mut said = Said::new();
        let mut left_out = 0;
        for lease in &reading.leases {
            let (held, until) = (Held::address(lease.address), lease.until.unwrap_or(Timestamp::MAX));
            if before.get(&held) != Some(&(lease.mac, until)) && now < until {
                // The same device goes on holding it, or another one has come to it.
                let is_renewed = before.get(&held).is_some_and(|(mac, _)| *mac == lease.mac);
                let is_known = is_renewed && self.addresses.contains_key(&held);
                if !is_known && !self.bind(held, lease.mac, now, now, changed) {
                    left_out += 1;
                    continue;
                }
            }
            if let Some(bound) = self.addresses.get_mut(&held).filter(|bound| bound.mac == lease.mac) {
                bound.leased_until = until;
            }
            said.insert(held, (lease.mac, until));
        }
        for (held, (mac, _)) in before.iter().filter(|(held, _)| !said.contains_key(held)) {
            if let Some(bound) = self.addresses.get_mut(held).filter(|bound| bound.mac == *mac) {
                bound.leased_until = Timestamp::MIN;
                changed.push(*held);
            }
        }
        self.said.insert(source, (said, reading.devices.clone()));
        let devices = self.said.values().flat_map(|(_, devices)| devices);
        self.devices = devices.map(|device| (device.mac, device.clone())).collect();
        left_out
    }

    /// `false`: there is no room.
    fn bind(&mut self, held: Held, mac: Mac, at: Timestamp, now: Timestamp, changed: &mut Vec<Held>) -> bool {
        let never = Timestamp::MIN;
        let fresh = Bound { mac, at, leased_until: never, crowded_until: never, changed: None };
        let Some(known) = self.addresses.get(&held).copied() else {
            if !self.has_room(self.addresses.len(), now) {
                return false;
            }
            self.addresses.insert(held, fresh);
            return true;
        };
        let new = if known.mac == mac {
            Bound { at: known.at.max(at), ..known }
        } else if at <= known.at {
            return true;
        } else if held.is_subnet() && (now < known.crowded_until || self.is_held(held, &known, now)) {
            changed.push(held);
            Bound { crowded_until: now.checked_add(CROWDED_FOR).unwrap_or(Timestamp::MAX), ..known }
        } else {
            changed.push(held);
            Bound { changed: Some(now), ..fresh }
        };
        self.addresses.insert(held, new);
        true
    }

    fn is_held(&self, held: Held, bound: &Bound, now: Timestamp) -> bool {
        let session = self.session(bound.mac, now);
        bound.is_held(session.is_some_and(|session| session.addresses.contains(&held)), now)
    }

    /// Every address of the device is news to whoever relied on it.
    fn touch(&self, mac: Mac, changed: &mut Vec<Held>) {
        changed.extend(self.addresses.iter().filter(|(_, bound)| bound.mac == mac).map(|(held, _)| *held));
    }

    fn has_room(&mut self, length: usize, now: Timestamp) -> bool {
        if length < self.max {
            return true;
        }
        if now.duration_since(self.swept) < SWEEP_EVERY {
            return false;
        }
        self.swept = now;
        self.sessions.retain(|_, session| !session.is_ended && now < session.until);
        let mut addresses = std::mem::take(&mut self.addresses);
        addresses.retain(|held, bound| now < bound.crowded_until || self.is_held(*held, bound, now));
        self.addresses = addresses;
        self.addresses.len().max(self.sessions.len()) < self.max
    }
}

/// An access point that has learned the IPv6 addresses sends them alone, or the IPv4 address alone, or all.
fn keep_other_family(addresses: &mut Vec<Held>, known: &[Held]) {
    let has = |addresses: &[Held], is_v4: bool| addresses.iter().any(|held| held.is_v4() == is_v4);
    for is_v4 in [true, false] {
        if !has(addresses, is_v4) {
            addresses.extend(known.iter().filter(|held| held.is_v4() == is_v4));
        }
    }
}
