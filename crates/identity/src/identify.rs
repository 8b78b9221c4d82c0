//! From an address and a token to persons, device, class and place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, DeviceClass, DeviceId, Group, Host, PersonId, SessionId, Strength};
use schoolgate_decide::snapshot::{AddressSession, Live, Member, People, Program};
use schoolgate_decide::{Facts, Seen, Snapshot, Who};
use schoolgate_event as event;
use schoolgate_runtime::Metrics;

use crate::attribution::Attribution;
use crate::leases::{Found, LeaseBook};
use crate::token::basic_credentials;
use crate::trust::TrustBook;

/// After so long without a request an address no longer speaks for whoever signed in there.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// Addresses and sessions of which it is known who holds them: as many as a school of 20,000 people has devices.
const LEASES_MAX: usize = 65_536;
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
    /// Names in a certificate of the school's device CA that was proved on this connection; the first that is a
    /// device's counts.
    pub certified: &'a [DeviceId],
    /// What was proved with a Kerberos ticket on this connection.
    pub ticketed: Option<&'a Ticketed>,
    /// The site in whose name TLS would be ended, where that is in question.
    pub site: Option<&'a Host>,
    /// A request keeps sessions awake; looking again at an open connection does not.
    pub is_request: bool,
}

/// A Kerberos ticket that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticketed {
    /// `None`: its user is nobody here, most often a device that asks in its own name.
    pub person: Option<(PersonId, Capacity)>,
    pub until: Timestamp,
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

    /// Whether several people are behind this one address: the stricter decision holds, and no event names either.
    pub fn is_crowded(&self) -> bool {
        let mut persons = self.persons.iter().map(|member| &member.person);
        persons.next().is_some_and(|first| persons.any(|other| other != first))
    }

    /// As an event says it.
    pub fn who(&self) -> event::Who {
        let person = self.person();
        event::Who {
            person: person.and_then(|person| event::Pseudonym::new(&person.pseudonym).ok()),
            capacity: person.map(|person| person.capacity),
            strength: self.strength,
            device: self.device.clone(),
            place: self.place.clone(),
        }
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
    pub leases: LeaseBook,
    pub attribution: Attribution,
}

/// Who is where by address, by token and by place, ready to be handed out.
#[derive(Debug, Default)]
struct Index {
    parts: Option<(Arc<Live>, Arc<People>, Arc<Program>)>,
    by_address: HashMap<IpAddr, Vec<Session>>,
    by_device: HashMap<DeviceId, Device>,
    /// By the group that a place acts as.
    acting: HashMap<Group, Arc<Member>>,
    /// Members by whom something beside the snapshot has asked; never more than the snapshot has.
    asked: Mutex<HashMap<PersonId, Vec<Arc<Member>>>>,
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
        Self {
            indexes: Mutex::default(),
            trust: TrustBook::new(trust_max),
            leases: LeaseBook::new(LEASES_MAX),
            attribution: Attribution::default(),
        }
    }

    /// Counts in `metrics` how strongly requests are attributed.
    #[must_use]
    pub fn counted_by(self, metrics: &Metrics) -> Self {
        Self { attribution: Attribution::new(metrics), ..self }
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
        by_connection(&index, snapshot, &looking, now, &mut found)?;
        if found.persons.is_empty() {
            let lease = self.leases.look(looking.address, looking.is_request, now);
            by_address(&index, snapshot, looking, &lease, now, &mut found);
        }
        if found.persons.is_empty() {
            // Shared and unattended devices act as their place.
            let group = place.and_then(|place| place.acts_as.as_ref());
            found.persons.extend(group.and_then(|group| index.acting.get(group)).cloned());
        }
        if looking.is_request {
            self.attribution.count(&found);
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
            asked: Mutex::default(),
            parts: Some((Arc::clone(live), Arc::clone(people), Arc::clone(program))),
        }
    }

    fn session(&self, session: &Session) -> Option<&AddressSession> {
        let (live, ..) = self.parts.as_ref()?;
        live.sessions.get(session.place)
    }

    /// A member of the index's snapshot, kept ready for the next request.
    fn member(&self, snapshot: &Snapshot, person: &PersonId, capacity: Capacity) -> Option<Arc<Member>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |members: &Vec<Arc<Member>>| members.iter().find(|member| member.capacity == capacity).cloned();
        if let Some(member) = asked.get(person).and_then(of) {
            return Some(member);
        }
        let member = Arc::new(snapshot.member(person, capacity)?.clone());
        asked.entry(person.clone()).or_default().push(Arc::clone(&member));
        Some(member)
    }
}

/// What this very connection has proved, the strongest last: whose device it is says less than who sits at it.
fn by_connection(
    index: &Index,
    snapshot: &Snapshot,
    looking: &Looking<'_>,
    now: Timestamp,
    found: &mut Identified,
) -> Result<(), Refused> {
    if let Some(header) = looking.proxy_authorization {
        let device = by_token(index, snapshot, header, looking.is_private)?;
        as_device(index, snapshot, &device, found);
    } else if let Some(device) = looking.certified.iter().find(|device| index.by_device.contains_key(device)) {
        as_device(index, snapshot, device, found);
    }
    if let Some(ticket) = looking.ticketed.filter(|ticket| now < ticket.until)
        && let Some((person, capacity)) = &ticket.person
        && let Some(member) = index.member(snapshot, person, *capacity)
    {
        found.persons = vec![member];
        found.strength = Strength::Connection;
        found.until = Some(ticket.until);
    }
    Ok(())
}

/// A device that has proved that it is this one. One that is no longer enrolled is nobody's.
fn as_device(index: &Index, snapshot: &Snapshot, device: &DeviceId, found: &mut Identified) {
    let Some(known) = index.by_device.get(device) else { return };
    let Some(enrolled) = snapshot.live.devices.get(known.place) else { return };
    found.device = Some(enrolled.device.clone());
    found.device_class = Some(enrolled.class.clone());
    found.trusts_ca |= enrolled.is_managed;
    if let Some(member) = &known.member {
        found.persons.push(Arc::clone(member));
        found.strength = Strength::Connection;
    }
}

fn by_token(index: &Index, snapshot: &Snapshot, header: &[u8], is_private: bool) -> Result<DeviceId, Refused> {
    if !is_private {
        return Err(Refused::InClear);
    }
    let (device, hash) = basic_credentials(header).ok_or(Refused::Unknown)?;
    let known = index.by_device.get(&device).ok_or(Refused::Unknown)?;
    let enrolled = snapshot.live.devices.get(known.place);
    // Comparing hashes of random secrets in variable time tells nothing that helps to find one.
    let is_right = enrolled.is_some_and(|enrolled| *enrolled.secret_sha256 == *hash);
    is_right.then_some(device).ok_or(Refused::Unknown)
}

/// By portal sessions on the address and by the lease of the device that holds it.
fn by_address(
    index: &Index,
    snapshot: &Snapshot,
    looking: Looking<'_>,
    lease: &Found,
    now: Timestamp,
    found: &mut Identified,
) {
    as_leased(lease, snapshot, index, found);
    let is_shared = found.device_class.as_ref().is_some_and(|class| class.as_str() == SHARED_CLASS);
    let mut there: Vec<(Arc<Member>, Strength)> = Vec::new();
    let mut add = |member: Arc<Member>, strength: Strength, until: Option<Timestamp>| {
        // Whoever else uses a shared device next would be staff.
        if is_shared && member.capacity == Capacity::Staff {
            return;
        }
        found.until = [found.until, until].into_iter().flatten().min();
        let same = |other: &&mut (Arc<Member>, Strength)| {
            other.0.person == member.person && other.0.capacity == member.capacity
        };
        match there.iter_mut().find(same) {
            Some((_, known)) => *known = strength.max(*known),
            None => there.push((member, strength)),
        }
    };
    for entry in index.by_address.get(&looking.address.to_canonical()).into_iter().flatten() {
        let Some(session) = index.session(entry) else { continue };
        // Whoever signed in before another device or person came to the address is not there now.
        let is_moved = lease.changed.is_some_and(|changed| session.since < changed);
        if is_moved || now < session.since || session.until <= now {
            continue;
        }
        let last_seen = Timestamp::from_microsecond(entry.last_seen.load(Ordering::Relaxed)).unwrap_or(session.since);
        if looking.is_request && is_idle(last_seen, now) {
            continue;
        }
        if looking.is_request {
            entry.last_seen.fetch_max(now.as_microsecond(), Ordering::Relaxed);
        }
        add(Arc::clone(&entry.member), Strength::Address, Some(session.until));
    }
    if let Some((person, capacity)) = &lease.person
        && let Some(member) = index.member(snapshot, person, *capacity)
    {
        add(member, Strength::Lease, lease.until);
    }
    // With several there, each is known only as well as the least known.
    found.strength = there.iter().map(|(_, strength)| *strength).min().unwrap_or(Strength::None);
    found.persons.extend(there.into_iter().map(|(member, _)| member));
}

/// What the hardware address says of the device, which anybody can copy: it may make a device shared, and name a class
/// where nothing better does; it never makes one managed.
fn as_leased(lease: &Found, snapshot: &Snapshot, index: &Index, found: &mut Identified) {
    let Some(device) = lease.device.as_ref().filter(|_| found.device.is_none()) else { return };
    let enrolled = index.by_device.get(device).and_then(|known| snapshot.live.devices.get(known.place));
    let class = lease.class.as_ref().or(enrolled.map(|enrolled| &enrolled.class));
    let is_shared = class.is_some_and(|class| class.as_str() == SHARED_CLASS);
    if found.device_class.is_none() || is_shared {
        found.device_class = class.cloned().or(found.device_class.take());
    }
    found.device = Some(device.clone());
}

/// Whether nothing was heard for too long.
pub(crate) fn is_idle(last: Timestamp, now: Timestamp) -> bool {
    IDLE <= now.duration_since(last)
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
