//! Who is known by what other systems say of an address.

use schoolgate_base::{Capacity, PersonId, Strength};
use schoolgate_identity::{Accounting, Held, LoginTable, Status};
use tokio::io::AsyncWriteExt;

use crate::kit::*;
use crate::school::live_granting;
use crate::standing::hello;

/// RADIUS says that `login` has a device on [`NOBODY`]'s address, or no longer.
fn say(kit: &Kit, status: Status, login: &str) {
    let logins = [("tess", Capacity::Staff), ("pia", Capacity::Pupil)];
    let logins = LoginTable::new(logins.map(|(login, capacity)| (login, PersonId::new(login).unwrap(), capacity)), &[]);
    let said = Accounting {
        status,
        login: Some(login),
        mac: Some("00:11:22:aa:bb:01".parse().unwrap()),
        addresses: vec![Held::address(NOBODY.parse().unwrap())],
        session: login.as_bytes(),
        nas: b"ap-1",
        left: None,
        at: Some(kit.clock.now()),
    };
    let peer = "10.9.9.9".parse().unwrap();
    kit.identities.leases.account(peer, &said, false, &logins, kit.clock.now()).unwrap();
}

#[tokio::test]
async fn a_person_is_known_by_her_device() {
    let kit = Kit::start().await;
    say(&kit, Status::Open, "tess");
    assert!(kit.get(NOBODY, "http://news.example/").await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.decision().await.who.strength, Strength::Lease);
}

#[tokio::test]
async fn a_tunnel_closes_when_its_device_leaves_or_another_person_takes_it() {
    let kit = Kit::start().await;
    kit.publish(live_granting("hold.example"));
    for last in [Status::Stop, Status::Open] {
        say(&kit, Status::Open, "tess");
        let (mut stream, head) = kit.connect(NOBODY, "hold.example:443").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        stream.write_all(&hello("hold.example")).await.unwrap();
        while kit.proxy.standing() < 1 {
            tokio::task::yield_now().await;
        }
        say(&kit, last, if last == Status::Stop { "tess" } else { "pia" });
        // Closed by the change alone: nothing is published and the clock stands still.
        read_all(&mut stream).await;
        kit.clock.advance(jiff::SignedDuration::from_secs(1)).unwrap();
    }
    assert_eq!(kit.count("schoolgate_proxy_revoked_total"), 2);
}
