use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, Network, SchoolId};
use schoolgate_decide::CategoryTable;
use schoolgate_decide::snapshot::{DeviceToken, FORMAT, Place, Root};

use super::*;

const NOW: &str = "2026-11-24T10:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn member(person: &str, capacity: Capacity) -> Member {
    Member {
        person: PersonId::new(person).unwrap(),
        capacity,
        groups: vec![Group::new(capacity.as_str())],
        pseudonym: "0123456789abcdef".into(),
        must_sign: Vec::new(),
    }
}

fn session(id: &str, address: &str, person: &str, capacity: Capacity) -> AddressSession {
    AddressSession {
        session: SessionId::new(id).unwrap(),
        address: address.parse().unwrap(),
        person: PersonId::new(person).unwrap(),
        capacity,
        since: at("2026-11-24T09:50Z"),
        until: at("2026-11-24T17:00Z"),
    }
}

fn place(name: &str, network: &str, class: Option<&str>) -> Place {
    Place {
        name: name.into(),
        networks: vec![Network { address: network.parse().unwrap(), prefix: 24 }],
        trusts_ca: false,
        device_class: class.map(DeviceClass::new),
        acts_as: None,
    }
}

fn snapshot(sessions: Vec<AddressSession>) -> Snapshot {
    let mut library = place("library", "10.0.2.0", Some(SHARED_CLASS));
    library.acts_as = Some(Group::new("library"));
    let program = Program {
        places: vec![Place { trusts_ca: true, ..place("offices", "10.0.1.0", None) }, library],
        groups: [(Group::new("library"), Group::new("pupils"))].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let people =
        People { members: vec![member("tess", Capacity::Staff), member("pia", Capacity::Pupil)], ..People::default() };
    let device = DeviceToken {
        device: DeviceId::new("laptop-1").unwrap(),
        secret_sha256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b".into(),
        class: DeviceClass::new("school-laptop"),
        is_managed: true,
        person: Some((PersonId::new("tess").unwrap(), Capacity::Staff)),
    };
    let live = Live { sessions, devices: vec![device], ..Live::default() };
    let root = Root { school: SchoolId::new("riverside").unwrap(), number: 1, format: FORMAT, made_at: at(NOW) };
    Snapshot::new(root, Arc::new(CategoryTable::default()), program.into(), people.into(), live.into())
}

fn looking(address: &str) -> Looking<'static> {
    let address = address.parse().unwrap();
    Looking {
        address,
        is_private: false,
        proxy_authorization: None,
        certified: &[],
        ticketed: None,
        site: None,
        is_request: true,
    }
}

#[track_caller]
fn check(snapshot: &Snapshot, address: &str, expected: &[&str]) {
    let found = Identities::new(8).identify(snapshot, looking(address), at(NOW)).unwrap();
    let persons: Vec<&str> = found.persons.iter().map(|member| member.person.as_str()).collect();
    assert_eq!(persons, expected, "{address}");
}

#[test]
fn a_session_speaks_for_its_address_only() {
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "tess", Capacity::Staff)]);
    check(&snapshot, "10.0.1.5", &["tess"]);
    check(&snapshot, "::ffff:10.0.1.5", &["tess"]);
    check(&snapshot, "10.0.1.6", &[]);
}

#[test]
fn two_people_on_one_address_are_both_there() {
    let sessions =
        vec![session("s1", "10.0.1.5", "tess", Capacity::Staff), session("s2", "10.0.1.5", "pia", Capacity::Pupil)];
    check(&snapshot(sessions), "10.0.1.5", &["tess", "pia"]);
}

#[test]
fn nobody_is_staff_on_a_shared_device() {
    let sessions = vec![session("s1", "10.0.2.5", "tess", Capacity::Staff)];
    check(&snapshot(sessions), "10.0.2.5", &["place"]);
    let sessions = vec![session("s1", "10.0.2.5", "pia", Capacity::Pupil)];
    check(&snapshot(sessions), "10.0.2.5", &["pia"]);
    let found = Identities::new(8).identify(&snapshot(Vec::new()), looking("10.0.2.9"), at(NOW)).unwrap();
    assert_eq!(found.persons[0].groups, ["library", "pupils", "device"].map(Group::new));
    assert_eq!(found.strength, Strength::None);
}

#[test]
fn sessions_end_after_thirty_idle_minutes() {
    let identities = Identities::new(8);
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "tess", Capacity::Staff)]);
    let count = |snapshot: &Snapshot, minutes: i64| {
        let now = at(NOW) + SignedDuration::from_mins(minutes);
        identities.identify(snapshot, looking("10.0.1.5"), now).unwrap().persons.len()
    };
    assert_eq!((count(&snapshot, 0), count(&snapshot, 29)), (1, 1));
    // A publish in between keeps what is known of idleness.
    let next = snapshot.with_live(snapshot.root.clone(), Arc::new(Live::clone(&snapshot.live)));
    assert_eq!((count(&next, 58), count(&next, 88), count(&next, 89)), (1, 0, 0));
}

#[test]
fn requests_by_two_roots_find_their_indexes_again() {
    let identities = Identities::new(8);
    let old = snapshot(vec![session("s1", "10.0.1.5", "tess", Capacity::Staff)]);
    let new = old.with_live(old.root.clone(), Arc::new(Live::default()));
    let (first, second) = (identities.index(&old), identities.index(&new));
    assert!(Arc::ptr_eq(&first, &identities.index(&old)) && Arc::ptr_eq(&second, &identities.index(&new)));
    let one = identities.identify(&old, looking("10.0.1.5"), at(NOW)).unwrap();
    let other = identities.identify(&old, looking("10.0.1.5"), at(NOW)).unwrap();
    assert!(Arc::ptr_eq(&one.persons[0], &other.persons[0]));
}

#[test]
fn a_site_on_which_our_ca_is_refused_is_not_answered_for() {
    let identities = Identities::new(8);
    let snapshot = snapshot(Vec::new());
    let site: Host = "app.example".parse().unwrap();
    let trusts = |address: &str, site| {
        let looking = Looking { site, ..looking(address) };
        identities.identify(&snapshot, looking, at(NOW)).unwrap().trusts_ca
    };
    for address in ["10.0.9.9", "10.0.1.5"] {
        identities.trust.learn(address.parse().unwrap(), at(NOW));
        identities.trust.doubt(address.parse().unwrap(), &site);
    }
    assert!(trusts("10.0.9.9", None) && !trusts("10.0.9.9", Some(&site)));
    // Of a place the school says that every device there trusts it.
    assert!(trusts("10.0.1.5", Some(&site)));
}

#[test]
fn a_token_counts_where_others_cannot_read_it() {
    let snapshot = snapshot(Vec::new());
    let identities = Identities::new(8);
    let identify = |header: &'static [u8], is_private| {
        let looking = Looking { proxy_authorization: Some(header), is_private, ..looking("10.0.9.9") };
        identities.identify(&snapshot, looking, at(NOW))
    };
    let found = identify(b"Basic bGFwdG9wLTE6c2VjcmV0", true).unwrap();
    assert_eq!(found.person().unwrap().person.as_str(), "tess");
    assert_eq!(found.strength, Strength::Connection);
    assert!(found.trusts_ca);
    assert_eq!(identify(b"Basic bGFwdG9wLTE6c2VjcmV0", false).unwrap_err(), Refused::InClear);
    assert_eq!(identify(b"Basic bGFwdG9wLTE6d3Jvbmc=", true).unwrap_err(), Refused::Unknown);
}

fn opened(identities: &Identities, mac: &str, login: &str, at: Timestamp) {
    use crate::{Accounting, Held, LoginTable, Status};
    let logins = ["tess", "pia"].map(|login| {
        let capacity = if login == "tess" { Capacity::Staff } else { Capacity::Pupil };
        (login, PersonId::new(login).unwrap(), capacity)
    });
    let said = Accounting {
        status: Status::Open,
        login: Some(login),
        mac: Some(mac.parse().unwrap()),
        addresses: ["10.0.1.5", "10.0.2.5"].map(|text| Held::address(text.parse().unwrap())).to_vec(),
        session: mac.as_bytes(),
        nas: b"ap-1",
        left: None,
        at: Some(at),
    };
    let peer = "10.9.9.9".parse().unwrap();
    identities.leases.account(peer, &said, false, &LoginTable::new(logins, &[]), at).unwrap();
}

#[test]
fn a_session_of_radius_is_stronger_than_one_of_the_portal() {
    let identities = Identities::new(8);
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "pia", Capacity::Pupil)]);
    let identify = || identities.identify(&snapshot, looking("10.0.1.5"), at(NOW)).unwrap();
    assert_eq!(identify().strength, Strength::Address);
    opened(&identities, "00:11:22:aa:bb:01", "pia", at(NOW));
    let found = identify();
    assert_eq!((found.persons.len(), found.strength, found.is_crowded()), (1, Strength::Lease, false));
    assert!(Arc::ptr_eq(&found.persons[0], &identify().persons[0]));
}

#[test]
fn two_people_by_two_ways_are_known_as_weakly_as_the_weaker() {
    let identities = Identities::new(8);
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "pia", Capacity::Pupil)]);
    opened(&identities, "00:11:22:aa:bb:01", "tess", at(NOW));
    let found = identities.identify(&snapshot, looking("10.0.1.5"), at(NOW)).unwrap();
    assert_eq!((found.persons.len(), found.strength), (2, Strength::Address));
    assert!(found.is_crowded() && found.person().is_none());
    assert_eq!(identities.attribution.shares().crowded, 1);
}

#[test]
fn a_portal_session_ends_when_another_device_has_its_address() {
    let identities = Identities::new(8);
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "pia", Capacity::Pupil)]);
    let later = at(NOW) + SignedDuration::from_mins(1);
    let count = |now| identities.identify(&snapshot, looking("10.0.1.5"), now).unwrap().persons.len();
    opened(&identities, "00:11:22:aa:bb:01", "guest@other.example", at(NOW));
    assert_eq!(count(at(NOW)), 1);
    opened(&identities, "00:11:22:aa:bb:02", "guest@other.example", later);
    assert_eq!(count(later), 0);
}

#[test]
fn nobody_is_staff_by_lease_on_a_shared_device() {
    let identities = Identities::new(8);
    let snapshot = snapshot(Vec::new());
    opened(&identities, "00:11:22:aa:bb:01", "tess", at(NOW));
    let persons = |address| identities.identify(&snapshot, looking(address), at(NOW)).unwrap().persons;
    assert_eq!(persons("10.0.1.5")[0].person.as_str(), "tess");
    assert_eq!(persons("10.0.2.5")[0].person.as_str(), "place");
    // The table of devices says that it is one of the trolley.
    let table = crate::LeaseFormat::Table.read(b"mac,device,class\n00:11:22:aa:bb:01,trolley-7,shared\n");
    identities.leases.replace(crate::LeaseSource("devices".into()), &table, at(NOW));
    let found = identities.identify(&snapshot, looking("10.0.1.5"), at(NOW)).unwrap();
    assert!(found.persons.is_empty());
    assert_eq!(found.device_class, Some(DeviceClass::new(SHARED_CLASS)));
    assert_eq!(found.device.unwrap().as_str(), "trolley-7");
}

#[test]
fn a_hardware_address_names_a_device_and_proves_nothing() {
    let identities = Identities::new(8);
    let snapshot = snapshot(Vec::new());
    let table = crate::LeaseFormat::Table.read(b"address,mac,device\n10.0.9.9,00:11:22:aa:bb:01,laptop-1\n");
    identities.leases.replace(crate::LeaseSource("devices".into()), &table, at(NOW));
    let found = identities.identify(&snapshot, looking("10.0.9.9"), at(NOW)).unwrap();
    assert_eq!(found.device_class, Some(DeviceClass::new("school-laptop")));
    assert!(!found.trusts_ca && found.persons.is_empty());
}

#[test]
fn certificates_and_tickets_are_proofs_of_the_connection() {
    let identities = Identities::new(8);
    let snapshot = snapshot(vec![session("s1", "10.0.1.5", "pia", Capacity::Pupil)]);
    let (laptop, other) = (DeviceId::new("laptop-1").unwrap(), DeviceId::new("laptop-2").unwrap());
    let pia = PersonId::new("pia").unwrap();
    let identify = |certified: &[DeviceId], ticketed: Option<&Ticketed>| {
        let looking = Looking { certified, ticketed, ..looking("10.0.1.5") };
        let found = identities.identify(&snapshot, looking, at(NOW)).unwrap();
        (found.person().unwrap().person.to_string(), found.strength, found.device.map(|device| device.to_string()))
    };
    let laptop_1 = || Some("laptop-1".to_owned());
    assert_eq!(identify(&[other.clone(), laptop.clone()], None), ("tess".to_owned(), Strength::Connection, laptop_1()));
    // Whoever sits at the device says more than whose it is.
    let ticket = |capacity, minutes| Ticketed {
        person: Some((pia.clone(), capacity)),
        until: at(NOW) + SignedDuration::from_mins(minutes),
    };
    assert_eq!(
        identify(&[laptop], Some(&ticket(Capacity::Pupil, 1))),
        ("pia".to_owned(), Strength::Connection, laptop_1())
    );
    // A certificate of a device that was taken out says nothing, nor does a ticket of somebody who left.
    assert_eq!(identify(&[other], None), ("pia".to_owned(), Strength::Address, None));
    assert_eq!(identify(&[], Some(&ticket(Capacity::Staff, 1))), ("pia".to_owned(), Strength::Address, None));
    assert_eq!(identify(&[], Some(&ticket(Capacity::Pupil, 0))).1, Strength::Address);
}
