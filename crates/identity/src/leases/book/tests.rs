use proptest::prelude::*;

use super::*;
use crate::dhcp::Lease;
use crate::logins::LoginTable;

const A: &str = "00:11:22:aa:bb:01";
const B: &str = "00:11:22:aa:bb:02";
const X: &str = "10.0.0.5";
const NAS: &[u8] = b"ap-1";

struct Kit {
    book: LeaseBook,
    logins: LoginTable,
    start: Timestamp,
}

fn person(login: &str) -> PersonId {
    PersonId::new(login).unwrap()
}

impl Kit {
    fn new() -> Self {
        let entries = ["tess", "pia"].map(|login| (login, person(login), Capacity::Pupil));
        let start = "2026-11-24T10:00Z".parse().unwrap();
        Self { book: LeaseBook::new(4), logins: LoginTable::new(entries, &[]), start }
    }

    /// Seconds after the start.
    fn at(&self, seconds: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(seconds)
    }

    /// An event that happened `at` and came at `now`, in seconds.
    fn say(&self, said: Accounting<'_>, at: i64, now: i64) -> Result<(), Ignored> {
        let said = Accounting { at: Some(self.at(at)), ..said };
        self.book.account("10.9.9.9".parse().unwrap(), &said, false, &self.logins, self.at(now))
    }

    fn lease(&self, leases: &[(&str, &str, Option<i64>)], now: i64) -> usize {
        let leases = leases.iter().map(|(address, mac, until)| Lease {
            address: address.parse().unwrap(),
            mac: mac.parse().unwrap(),
            until: until.map(|until| self.at(until)),
        });
        let reading = Reading { leases: leases.collect(), ..Reading::default() };
        self.book.replace(LeaseSource("kea".into()), &reading, self.at(now))
    }

    #[track_caller]
    fn check(&self, address: &str, now: i64, expected: Option<&str>) {
        let found = self.book.look(address.parse().unwrap(), true, self.at(now));
        assert_eq!(found.person.as_ref().map(|(person, _)| person.as_str()), expected, "{address} at {now}");
    }

    fn changed(&self, address: &str) -> Option<i64> {
        let found = self.book.look(address.parse().unwrap(), false, self.at(0));
        found.changed.map(|at| at.duration_since(self.start).as_secs())
    }
}

/// A session that opens, of `login` with device `mac` on `address`; with nothing where there is nothing in between.
fn open<'a>(id: &'a str, login: &'a str, mac: &str, addresses: &str) -> Accounting<'a> {
    let held = |text: &str| match text.strip_suffix("/64") {
        Some(subnet) => Held::subnet(subnet.parse().unwrap()),
        None => Held::address(text.parse().unwrap()),
    };
    Accounting {
        status: Status::Open,
        login: Some(login),
        mac: Some(mac.parse().unwrap()),
        addresses: addresses.split_ascii_whitespace().map(held).collect(),
        session: id.as_bytes(),
        nas: NAS,
        left: None,
        at: None,
    }
}

fn stop<'a>(id: &'a str, mac: &str) -> Accounting<'a> {
    Accounting { status: Status::Stop, ..open(id, "", mac, "") }
}

#[test]
fn a_session_speaks_for_its_addresses_until_it_stops() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.check(X, 1, Some("tess"));
    kit.check("10.0.0.6", 1, None);
    // The addresses of the other family come later, alone.
    kit.say(open("1", "tess", A, "2001:db8::5"), 10, 10).unwrap();
    kit.check(X, 11, Some("tess"));
    kit.check("2001:db8::5", 11, Some("tess"));
    kit.say(stop("1", A), 20, 20).unwrap();
    kit.check(X, 21, None);
    kit.check("2001:db8::5", 21, None);
}

#[test]
fn a_device_that_took_another_address_leaves_the_first() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.say(open("1", "tess", A, "10.0.0.6"), 10, 10).unwrap();
    kit.check(X, 11, None);
    kit.check("10.0.0.6", 11, Some("tess"));
}

#[test]
fn a_lease_gives_the_address_that_radius_did_not() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, ""), 0, 0).unwrap();
    kit.check(X, 1, None);
    kit.lease(&[(X, A, Some(600))], 2);
    kit.check(X, 3, Some("tess"));
    kit.check(X, 600, None);
    // Renewed; given up.
    kit.lease(&[(X, A, Some(1_200))], 610);
    kit.check(X, 611, Some("tess"));
    kit.lease(&[], 700);
    kit.check(X, 701, None);
}

#[test]
fn packets_that_come_again_change_nothing() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.say(open("1", "tess", A, X), 0, 1).unwrap();
    kit.check(X, 2, Some("tess"));
    kit.say(stop("1", A), 10, 10).unwrap();
    kit.say(stop("1", A), 10, 11).unwrap();
    // The start is played back, a minute and then ten minutes later.
    assert_eq!(kit.say(open("1", "tess", A, X), 0, 60), Err(Ignored::Late));
    assert_eq!(kit.say(open("1", "tess", A, X), 0, 600), Err(Ignored::Stale));
    kit.check(X, 601, None);
    // Somebody else has the address now, and the first session is played back once more.
    kit.say(open("2", "pia", B, X), 120, 120).unwrap();
    assert_eq!(kit.say(open("1", "tess", A, X), 0, 121), Err(Ignored::Late));
    kit.check(X, 122, Some("pia"));
}

#[test]
fn an_open_session_played_back_takes_no_address_from_a_later_one() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.say(open("2", "pia", B, X), 60, 60).unwrap();
    kit.check(X, 61, Some("pia"));
    kit.say(open("1", "tess", A, X), 0, 62).unwrap();
    kit.check(X, 63, Some("pia"));
}

#[test]
fn undated_and_nameless_packets_change_nothing() {
    let kit = Kit::new();
    let peer = "10.9.9.9".parse().unwrap();
    let said = open("1", "tess", A, X);
    assert_eq!(kit.book.account(peer, &said, false, &kit.logins, kit.at(0)), Err(Ignored::Undated));
    kit.check(X, 1, None);
    assert_eq!(kit.book.account(peer, &said, true, &kit.logins, kit.at(0)), Ok(()));
    kit.check(X, 1, Some("tess"));
    assert_eq!(kit.say(Accounting { mac: None, ..open("2", "pia", B, X) }, 5, 5), Err(Ignored::Mac));
    kit.check(X, 6, Some("tess"));
}

#[test]
fn another_device_or_person_on_an_address_is_a_change() {
    let kit = Kit::new();
    kit.lease(&[(X, A, None)], 0);
    kit.say(open("1", "tess", A, ""), 1, 1).unwrap();
    assert_eq!(kit.changed(X), None);
    let mut changes = kit.book.changes();
    // Somebody else signs in with the same device.
    kit.say(open("2", "pia", A, ""), 10, 10).unwrap();
    assert_eq!(kit.changed(X), Some(10));
    assert!(changes.try_recv().unwrap().covers(X.parse().unwrap()));
    kit.lease(&[(X, B, None)], 20);
    assert_eq!(kit.changed(X), Some(20));
    assert!(changes.try_recv().unwrap().covers(X.parse().unwrap()));
    kit.check(X, 21, None);
    // The same word again is none.
    kit.lease(&[(X, B, None)], 30);
    assert_eq!(kit.changed(X), Some(20));
    assert!(changes.try_recv().is_err());
}

#[test]
fn sessions_end_when_nothing_is_heard_for_thirty_minutes() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.check(X, 29 * 60, Some("tess"));
    kit.check(X, 58 * 60, Some("tess"));
    kit.check(X, 88 * 60, None);
    // An interim record says that the device is still there.
    kit.say(open("1", "tess", A, X), 89 * 60, 89 * 60).unwrap();
    kit.check(X, 90 * 60, Some("tess"));
}

#[test]
fn sessions_end_with_their_timeout_or_their_access_point() {
    let kit = Kit::new();
    let left = Some(SignedDuration::from_secs(100));
    kit.say(Accounting { left, ..open("1", "tess", A, X) }, 0, 0).unwrap();
    let found = kit.book.look(X.parse().unwrap(), true, kit.at(99));
    assert_eq!(found.until, Some(kit.at(100)));
    kit.check(X, 100, None);
    kit.say(open("2", "tess", A, X), 110, 110).unwrap();
    kit.check(X, 111, Some("tess"));
    let restart = |nas| Accounting { status: Status::Restarted, nas, ..open("", "", A, "") };
    kit.say(restart(b"ap-2"), 120, 120).unwrap();
    kit.check(X, 121, Some("tess"));
    kit.say(restart(NAS), 130, 130).unwrap();
    kit.check(X, 131, None);
}

#[test]
fn a_walk_to_another_access_point_keeps_the_person() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.say(Accounting { nas: b"ap-2", ..open("9", "tess", A, X) }, 10, 10).unwrap();
    assert_eq!(kit.say(stop("1", A), 10, 11), Err(Ignored::Late));
    kit.check(X, 12, Some("tess"));
    assert_eq!(kit.changed(X), None);
}

#[test]
fn a_guests_login_is_nobody() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, X), 0, 0).unwrap();
    kit.say(open("2", "pia@other.example", A, X), 10, 10).unwrap();
    kit.check(X, 11, None);
    assert_eq!(kit.changed(X), Some(10));
}

#[test]
fn a_subnet_that_several_devices_share_is_nobodys() {
    let kit = Kit::new();
    kit.say(open("1", "tess", A, "2001:db8:1::/64"), 0, 0).unwrap();
    kit.check("2001:db8:1::77", 1, Some("tess"));
    kit.say(open("2", "pia", B, "2001:db8:1::/64"), 10, 10).unwrap();
    kit.check("2001:db8:1::77", 11, None);
    // What is said of a whole address holds before what is said of its subnet.
    kit.say(open("2", "pia", B, "2001:db8:1::9"), 20, 20).unwrap();
    kit.check("2001:db8:1::9", 21, Some("pia"));
}

#[test]
fn a_full_book_takes_nobody_new_until_somebody_is_gone() {
    let kit = Kit::new();
    let many: Vec<String> = (0..6).map(|number| format!("00:11:22:aa:cc:0{number}")).collect();
    for (number, mac) in many.iter().enumerate() {
        let address = format!("10.0.1.{number}");
        let outcome = kit.say(open("1", "tess", mac, &address), 0, 0);
        assert_eq!(outcome.is_ok(), number < 4, "{number}");
    }
    assert_eq!(kit.book.counts(kit.at(0)), (4, 4));
    kit.say(stop("1", &many[0]), 10, 10).unwrap();
    kit.say(open("1", "tess", &many[5], "10.0.1.5"), 90, 90).unwrap();
    kit.check("10.0.1.5", 91, Some("tess"));
    assert_eq!(kit.lease(&[("10.0.2.1", A, None), ("10.0.2.2", B, None)], 100), 2);
}

/// What happens each second: an event of a device, or a lease.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open { device: usize, session: usize, login: usize, address: usize },
    Stop { device: usize, session: usize },
    Lease { device: usize, address: usize },
}

const DEVICES: [&str; 3] = [A, B, "00:11:22:aa:bb:03"];
const SESSIONS: [&str; 2] = ["1", "2"];
const ADDRESSES: [&str; 4] = ["10.0.0.5", "10.0.0.6", "2001:db8:1::/64", ""];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let open = (0..3_usize, 0..2_usize, 0..2_usize, 0..4_usize)
        .prop_map(|(device, session, login, address)| Step::Open { device, session, login, address });
    let stop = (0..3_usize, 0..2_usize).prop_map(|(device, session)| Step::Stop { device, session });
    let lease = (0..3_usize, 0..2_usize).prop_map(|(device, address)| Step::Lease { device, address });
    proptest::collection::vec(prop_oneof![4 => open, 2 => stop, 1 => lease], 1..40)
}

impl Kit {
    fn step(&self, step: Step, at: i64, now: i64) {
        // Whether it was taken is not what is asked here.
        let _ = match step {
            Step::Open { device, session, login, address } => {
                let said = open(SESSIONS[session], ["tess", "pia"][login], DEVICES[device], ADDRESSES[address]);
                self.say(said, at, now)
            }
            Step::Stop { device, session } => self.say(stop(SESSIONS[session], DEVICES[device]), at, now),
            Step::Lease { device, address } => {
                self.lease(&[(ADDRESSES[address], DEVICES[device], None)], now);
                Ok(())
            }
        };
    }

    /// Who is where.
    fn all(&self, now: i64) -> Vec<Option<(PersonId, Capacity)>> {
        let look = |address: &str| self.book.look(address.parse().unwrap(), false, self.at(now)).person;
        ["10.0.0.5", "10.0.0.6", "2001:db8:1::9"].map(look).into()
    }
}

proptest! {
    #[test]
    fn nothing_that_is_played_back_moves_anybody(steps in steps()) {
        let kit = Kit { book: LeaseBook::new(64), ..Kit::new() };
        for (second, step) in (0_i64..).zip(&steps) {
            kit.step(*step, second, second);
            let before = kit.all(second);
            for (then, played) in (0..=second).zip(&steps) {
                if !matches!(played, Step::Lease { .. }) {
                    kit.step(*played, then, second);
                    prop_assert_eq!(kit.all(second), before.clone(), "{:?} of {} after {:?}", played, then, &steps[..=usize::try_from(second).unwrap()]);
                }
            }
        }
    }

    #[test]
    fn whoever_has_stopped_is_nowhere(steps in steps()) {
        let kit = Kit { book: LeaseBook::new(64), ..Kit::new() };
        let mut last: [Option<(usize, usize)>; 3] = [None; 3];
        for (second, step) in (0_i64..).zip(&steps) {
            kit.step(*step, second, second);
            match *step {
                Step::Open { device, session, login, .. } => last[device] = Some((session, login)),
                Step::Stop { device, session } if last[device].is_some_and(|(open, _)| open == session) => last[device] = None,
                Step::Stop { .. } | Step::Lease { .. } => {}
            }
            let open: Vec<PersonId> =
                last.iter().flatten().map(|(_, login)| person(["tess", "pia"][*login])).collect();
            for (known, _) in kit.all(second).into_iter().flatten() {
                prop_assert!(open.contains(&known), "{known} after {:?}", &steps[..=usize::try_from(second).unwrap()]);
            }
        }
    }
}
