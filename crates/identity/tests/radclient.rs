//! FreeRADIUS' `radclient` as the access point.
// Clippy knows test functions, but not what they share.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, Capacity, Group, PersonId, SchoolId, Strength};
use schoolgate_decide::snapshot::{FORMAT, Live, Member, People, Program, Root};
use schoolgate_decide::{CategoryTable, Snapshot};
use schoolgate_identity::{Identities, Lenience, LoginTable, Looking, Peer, RadiusListener, Secret};
use schoolgate_runtime::{Clock, Metrics, Tasks};
use tokio::net::UdpSocket;

const SECRET: &str = "a secret of this peer";
const DEVICE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5));

struct Kit {
    identities: Arc<Identities>,
    snapshot: Snapshot,
    clock: Clock,
    metrics: Metrics,
    tasks: Tasks,
    at: SocketAddr,
}

fn snapshot(now: Timestamp) -> Snapshot {
    let member = Member {
        person: PersonId::new("p1").unwrap(),
        capacity: Capacity::Staff,
        groups: vec![Group::new("staff")],
        pseudonym: "0123456789abcdef".into(),
        must_sign: Vec::new(),
    };
    let root = Root { school: SchoolId::new("riverside").unwrap(), number: 1, format: FORMAT, made_at: now };
    let (program, people) =
        (Program::new(Calendar::plain(TimeZone::UTC)), People { members: vec![member], ..People::default() });
    Snapshot::new(root, Arc::new(CategoryTable::default()), program.into(), people.into(), Live::default().into())
}

async fn kit(lenience: Lenience) -> Kit {
    let (clock, metrics, tasks) = (Clock::system(), Metrics::new(), Tasks::new());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let identities = Arc::new(Identities::new(8).counted_by(&metrics));
    let logins = LoginTable::new([("tess", PersonId::new("p1").unwrap(), Capacity::Staff)], &["school.example"]);
    let listener = RadiusListener {
        socket,
        peers: vec![Peer { address: at.ip(), secret: Secret::new(SECRET.as_bytes()).unwrap(), lenience }],
        identities: Arc::clone(&identities),
        logins: Arc::new(logins),
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    tasks.spawn("radius accounting", listener.run(tasks.shutdown()));
    Kit { identities, snapshot: snapshot(clock.now()), clock, metrics, tasks, at }
}

impl Kit {
    /// Whether `radclient` got an answer whose signatures it found right. It drops what is not
    /// signed for its request and then fails.
    async fn send(&self, kind: &'static str, secret: &'static str, attributes: &str) -> bool {
        let (at, attributes) = (self.at.to_string(), attributes.to_owned());
        let sent = move || {
            let mut client = Command::new("radclient")
                .args(["-x", "-r", "1", "-t", "2", &at, kind, secret])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            client.stdin.take().unwrap().write_all(attributes.as_bytes()).unwrap();
            let output = client.wait_with_output().unwrap();
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("Accounting-Response")
        };
        self.tasks.run_blocking("radclient", sent).await.unwrap()
    }

    fn attributes(&self, status: &str, more: &str) -> String {
        let now = self.clock.now().as_second();
        format!(
            "Acct-Status-Type = {status}\nAcct-Session-Id = \"5f3a\"\nUser-Name = \"tess@school.example\"\n\
             Calling-Station-Id = \"00-11-22-AA-BB-CC\"\nFramed-IP-Address = {DEVICE}\nNAS-Identifier = \"ap-1\"\n\
             Event-Timestamp = {now}\n{more}\n"
        )
    }

    fn who(&self) -> (Option<String>, Strength) {
        let looking = Looking {
            address: DEVICE,
            is_private: false,
            proxy_authorization: None,
            certified: &[],
            ticketed: None,
            site: None,
            is_request: true,
        };
        let found = self.identities.identify(&self.snapshot, looking, self.clock.now()).unwrap();
        (found.person().map(|member| member.person.to_string()), found.strength)
    }

    async fn end(self) {
        assert_eq!(self.tasks.drain(Duration::from_secs(5)).await.dropped, 0);
    }
}

const SIGNED: &str = "Message-Authenticator = 0x00";
const TESS: &str = "p1";

#[tokio::test]
async fn radclient_starts_and_stops_a_session() {
    let kit = kit(Lenience::default()).await;
    assert_eq!(kit.who(), (None, Strength::None));
    assert!(kit.send("acct", SECRET, &kit.attributes("Start", SIGNED)).await);
    assert_eq!(kit.who(), (Some(TESS.to_owned()), Strength::Lease));
    assert!(kit.send("acct", SECRET, &kit.attributes("Interim-Update", SIGNED)).await);
    assert!(kit.send("acct", SECRET, &kit.attributes("Stop", SIGNED)).await);
    assert_eq!(kit.who(), (None, Strength::None));
    let rendered = kit.metrics.render();
    assert!(rendered.contains("schoolgate_identity_radius_packets_total{outcome=\"taken\"} 3"), "{rendered}");
    assert!(rendered.contains("schoolgate_identity_requests_total{strength=\"lease\"} 1"), "{rendered}");
    kit.end().await;
}

#[tokio::test]
async fn radclient_is_not_answered_without_both_signatures() {
    let kit = kit(Lenience::default()).await;
    assert!(!kit.send("acct", SECRET, &kit.attributes("Start", "")).await);
    assert!(!kit.send("acct", "another secret", &kit.attributes("Start", SIGNED)).await);
    assert_eq!(kit.who(), (None, Strength::None));
    let rendered = kit.metrics.render();
    for outcome in ["unsigned", "signature"] {
        assert!(rendered.contains(&format!("{{outcome=\"{outcome}\"}} 1")), "{rendered}");
    }
    kit.end().await;
}

#[tokio::test]
async fn an_old_access_point_is_believed_where_it_is_listed_so() {
    let kit = kit(Lenience { no_message_authenticator: true, no_event_timestamp: true }).await;
    let attributes = kit.attributes("Start", "");
    let undated: String =
        attributes.lines().filter(|line| !line.starts_with("Event")).map(|line| format!("{line}\n")).collect();
    assert!(kit.send("acct", SECRET, &undated).await);
    assert_eq!(kit.who(), (Some(TESS.to_owned()), Strength::Lease));
    kit.end().await;
}

#[tokio::test]
async fn radclient_hears_that_somebody_is_there() {
    let kit = kit(Lenience::default()).await;
    assert!(kit.send("status", SECRET, &format!("{SIGNED}\nResponse-Packet-Type = Accounting-Response\n")).await);
    kit.end().await;
}
