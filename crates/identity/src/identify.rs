//! From an address and a token to persons, device, class and place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, DeviceClass, DeviceId, Group, Host, PersonId, SessionId, Strength};
use schoolgate_decide::snapshot::{AddressSession, Live, Member, People, Program};
use schoolgate_decide::{Facts, Seen, Snapshot, Who};

use crate::token::basic_credentials;
use crate::trust::TrustBook;

/// After so long without a request an address no longer speaks for whoever signed in there.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// The class of devices on which nobody has staff capacity by address.
pub const SHARED_CLASS: &str = "shared";
/// Steps of declared inclusion that are followed; the checker refuses circles.
const INCLUSION_MAX: usize = 64;

/// What a door knows of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Looking<'a> {
    pub address: IpAddr,
    /// TLS, or from this machine: a token on it is not read by others.
    pub is_private: bool,
    pub proxy_authorization: Option<&'a [u8]>,
    /// The site in whose name TLS would be ended, where that is in question.
    pub site: Option<&'a Host>,
    /// A request keeps sessions awake; looking again at an open connection does not.
    pub is_request: bool,
}

/// Who is at the other end. More than one person: the stricter decision holds.
#[derive(Debug, Clone)]
pub struct Identified {
    pub persons: Vec<Arc<Member>>,
    pub strength: Strength,
    pub device: Option<DeviceId>,
    pub device_class: Option<DeviceClass>,
    pub place: Option<Box<str>>,
    pub trusts_ca: bool,
    /// When this stops being true by itself.
    pub until: Option<Timestamp>,
}

impl Identified {
    /// The facts for each of the persons: at least one, with nobody in it where nobody is known.
    pub fn facts<'a>(&'a self, host: &'a Host, url: Seen<&'a str>) -> Vec<Facts<'a>> {
        let of = |who| Facts { host, url, who, place: self.place.as_deref(), device_class: self.device_class.as_ref() };
        if self.persons.is_empty() {
            return vec![of(Who::Nobody)];
        }
        self.persons.iter().map(|person| of(Who::Known(person))).collect()
    }

    /// The one person that an event may name; with two on one address it is nobody in particular.
    pub fn person(&self) -> Option<&Member> {
        match self.persons.as_slice() {
            [person] => Some(person),
            _ => None,
        }
    }
}

/// A token that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not a token of an enrolled device.
    Unknown,
    /// Sent where others can read it.
    InClear,
}

/// Identifies connections by the newest snapshots it was shown; keeps when each session was last seen.
#[derive(Debug)]
pub struct Identities {
    /// The last first. Two, since for a moment after a publish requests come by the old root and by the new.
    indexes: Mutex<[Arc<Index>; 2]>,
    pub trust: TrustBook,
}

/// Who is where by address, by token and by place, ready to be handed out.
#[derive(Debug, Default)]
struct Index {
    parts: Option<(Arc<Live>, Arc<People>, Arc<Program>)>,
    by_address: HashMap<IpAddr, Vec<Session>>,
    by_device: HashMap<DeviceId, Device>,
    /// By the group that a place acts as.
    acting: HashMap<Group, Arc<Member>>,
}

#[derive(Debug)]
struct Device {
    place: usize,
    member: Option<Arc<Member>>,
}

#[derive(Debug)]
struct Session {
    place: usize,
    member: Arc<Member>,
    /// Microseconds; shared with the entry of the same session in the next index.
    last_seen: Arc<AtomicI64>,
}

impl Identities {
    /// Learns at most `trust_max` addresses that trust the CA.
    pub fn new(trust_max: usize) -> Self {
        Self { indexes: Mutex::default(), trust: TrustBook::new(trust_max) }
    }

    pub fn identify(&self, snapshot: &Snapshot, looking: Looking<'_>, now: Timestamp) -> Result<Identified, Refused> {
        let index = self.index(snapshot);
        let place = snapshot.place(looking.address);
        let is_doubted = || looking.site.is_some_and(|site| self.trust.is_doubted(looking.address, site));
        let has_shown = || self.trust.is_trusting(looking.address, now) && !is_doubted();
        let mut found = Identified {
            persons: Vec::new(),
            strength: Strength::None,
            device: None,
            device_class: place.and_then(|place| place.device_class.clone()),
            place: place.map(|place| place.name.clone()),
            trusts_ca: place.is_some_and(|place| place.trusts_ca) || has_shown(),
            until: None,
        };
        if let Some(header) = looking.proxy_authorization {
            by_token(&index, snapshot, header, looking.is_private, &mut found)?;
        }
        if found.persons.is_empty() {
            by_address(&index, looking, now, &mut found);
        }
        if found.persons.is_empty() {
            // Shared and unattended devices act as their place.
            let group = place.and_then(|place| place.acts_as.as_ref());
            found.persons.extend(group.and_then(|group| index.acting.get(group)).cloned());
        }
        Ok(found)
    }

    fn index(&self, snapshot: &Snapshot) -> Arc<Index> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = indexes.iter().find(|index| index.is_of(snapshot)) {
            return Arc::clone(index);
        }
        let [last, before] = &mut *indexes;
        *before = std::mem::replace(last, Arc::new(Index::new(snapshot, last)));
        Arc::clone(last)
    }
}

impl Index {
    /// Whether the snapshot tells the same about who is where.
    fn is_of(&self, snapshot: &Snapshot) -> bool {
        self.parts.as_ref().is_some_and(|(live, people, program)| {
            Arc::ptr_eq(live, &snapshot.live)
                && Arc::ptr_eq(people, &snapshot.people)
                && Arc::ptr_eq(program, &snapshot.program)
        })
    }

    fn new(snapshot: &Snapshot, before: &Self) -> Self {
        let seen_before: HashMap<&SessionId, &Arc<AtomicI64>> = before
            .by_address
            .values()
            .flatten()
            .filter_map(|session| Some((&before.session(session)?.session, &session.last_seen)))
            .collect();
        let mut by_address: HashMap<IpAddr, Vec<Session>> = HashMap::new();
        for (place, session) in snapshot.live.sessions.iter().enumerate() {
            let Some(member) = snapshot.member(&session.person, session.capacity) else { continue };
            let since = session.since.as_microsecond();
            let last_seen = match seen_before.get(&session.session) {
                // Signing in again on the same session wakes it up.
                Some(seen) if since <= seen.load(Ordering::Relaxed) => Arc::clone(seen),
                _ => Arc::new(AtomicI64::new(since)),
            };
            let entry = Session { place, member: Arc::new(member.clone()), last_seen };
            by_address.entry(session.address.to_canonical()).or_default().push(entry);
        }
        let devices = snapshot.live.devices.iter().enumerate().map(|(place, device)| {
            let person = device.person.as_ref();
            let member = person.and_then(|(person, capacity)| snapshot.member(person, *capacity));
            (device.device.clone(), Device { place, member: member.cloned().map(Arc::new) })
        });
        let groups = snapshot.program.places.iter().filter_map(|place| place.acts_as.as_ref());
        let acting = groups.filter_map(|group| Some((group.clone(), Arc::new(acting(&snapshot.program, group)?))));
        let (live, people, program) = (&snapshot.live, &snapshot.people, &snapshot.program);
        Self {
            by_address,
            by_device: devices.collect(),
            acting: acting.collect(),
            parts: Some((Arc::clone(live), Arc::clone(people), Arc::clone(program))),
        }
    }

    fn session(&self, session: &Session) -> Option<&AddressSession> {
        let (live, ..) = self.parts.as_ref()?;
        live.sessions.get(session.place)
    }
}

fn by_token(
    index: &Index,
    snapshot: &Snapshot,
    header: &[u8],
    is_private: bool,
    found: &mut Identified,
) -> Result<(), Refused> {
    if !is_private {
        return Err(Refused::InClear);
    }
    let (device, hash) = basic_credentials(header).ok_or(Refused::Unknown)?;
    let known = index.by_device.get(&device).ok_or(Refused::Unknown)?;
    let enrolled = snapshot.live.devices.get(known.place);
    // Comparing hashes of random secrets in variable time tells nothing that helps to find one.
    let enrolled = enrolled.filter(|enrolled| *enrolled.secret_sha256 == *hash).ok_or(Refused::Unknown)?;
    found.device = Some(device);
    found.device_class = Some(enrolled.class.clone());
    found.trusts_ca |= enrolled.is_managed;
    if let Some(member) = &known.member {
        found.persons.push(Arc::clone(member));
        found.strength = Strength::Connection;
    }
    Ok(())
}

fn by_address(index: &Index, looking: Looking<'_>, now: Timestamp, found: &mut Identified) {
    let is_shared = found.device_class.as_ref().is_some_and(|class| class.as_str() == SHARED_CLASS);
    for entry in index.by_address.get(&looking.address.to_canonical()).into_iter().flatten() {
        let Some(session) = index.session(entry) else { continue };
        if now < session.since || session.until <= now {
            continue;
        }
        let last_seen = Timestamp::from_microsecond(entry.last_seen.load(Ordering::Relaxed)).unwrap_or(session.since);
        if looking.is_request && IDLE <= now.duration_since(last_seen) {
            continue;
        }
        if is_shared && session.capacity == Capacity::Staff {
            continue;
        }
        if looking.is_request {
            entry.last_seen.fetch_max(now.as_microsecond(), Ordering::Relaxed);
        }
        let is_same = |other: &Arc<Member>| other.person == session.person && other.capacity == session.capacity;
        if !found.persons.iter().any(is_same) {
            found.persons.push(Arc::clone(&entry.member));
        }
        found.until = Some(found.until.map_or(session.until, |until| until.min(session.until)));
        found.strength = Strength::Address;
    }
}

/// A device that stands where devices act as this group.
fn acting(program: &Program, group: &Group) -> Option<Member> {
    let mut groups = vec![group.clone()];
    let mut at = group;
    for _ in 0..INCLUSION_MAX {
        let Some(outer) = program.groups.get(at) else { break };
        groups.push(outer.clone());
        at = outer;
    }
    groups.push(Group::new(Capacity::Device.as_str()));
    Some(Member {
        person: PersonId::new("place").ok()?,
        capacity: Capacity::Device,
        groups,
        pseudonym: "".into(),
        must_sign: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
