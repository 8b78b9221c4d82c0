//! Events and settings for this crate's own tests.
#![allow(clippy::unwrap_used, reason = "only tests see this module")]

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::{Capacity, Host, Strength};
use schoolgate_event::{
    Accident, Agreed, Decision, Door, Event, LockedHash, LockedHit, Mode, Offered, Pseudonym, Reason, Tls, Traffic,
    Verdict, Who,
};

use crate::Settings;

/// Nothing is written by time, so that each test says when.
pub(crate) fn settings() -> Settings {
    let day = Duration::from_secs(86_400);
    let zone = TimeZone::get("Europe/London").unwrap();
    Settings { commit_every: day, segment_age: day, help_every: day, ..Settings::new(zone) }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn reason(control: &str, category: &str) -> Reason {
    Reason {
        control: Some(control.parse().unwrap()),
        category: Some(category.into()),
        list: Some("ut1".into()),
        grant: None,
    }
}

/// A person, by number.
pub(crate) fn who(person: u64) -> Who {
    Who {
        person: Some(Pseudonym::new(&format!("{person:016}")).unwrap()),
        capacity: Some(Capacity::Staff),
        strength: Strength::Address,
        device: None,
        place: Some("school".into()),
    }
}

fn tls() -> Tls {
    let protocols = vec!["h2".into()];
    let offered = Offered { version: 0x0304, ciphers: 17, groups: vec![0x11ec], protocols, has_ech: false };
    let client = Agreed {
        version: "TLSv1_3".into(),
        cipher: "TLS13_AES_128_GCM_SHA256".into(),
        group: "X25519".into(),
        protocol: "h2".into(),
    };
    Tls { offered: Some(offered), client: Some(client), site: None }
}

/// `n` becomes the bytes up, so that each event can be told from the others.
pub(crate) fn decision(n: u64, at: Timestamp, verdict: Verdict, reason: Reason) -> Event {
    Event::Decision(Decision {
        school: "riverside".parse().unwrap(),
        at,
        door: Door::Proxy,
        who: who(n % 7),
        host: Host::parse("bet.example").unwrap(),
        url: Some(format!("https://bet.example/page/{n}").into()),
        method: "GET".into(),
        verdict,
        reason,
        snapshot: 3,
        traffic: Traffic { bytes_up: n, bytes_down: 1_000, duration_ms: 12 },
        mode: Mode::Inspected,
        tls: Some(Box::new(tls())),
    })
}

pub(crate) fn accident(at: Timestamp, reason: Reason) -> Event {
    Event::Accident(Accident {
        school: "riverside".parse().unwrap(),
        at,
        door: Door::Portal,
        who: who(1),
        host: Host::parse("bet.example").unwrap(),
        reason,
    })
}

pub(crate) fn locked(at: Timestamp) -> Event {
    Event::LockedHit(LockedHit {
        school: "riverside".parse().unwrap(),
        at,
        door: Door::Proxy,
        device: None,
        place: Some("library".into()),
        address: LockedHash::new("locked0000000007").unwrap(),
        list: "locked-1".into(),
        snapshot: 3,
    })
}
