//! Upstream servers that are slow, wrong or gone, and real ones.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use schoolgate_dns::{Settings, Stale, Transport, Upstream, Zone};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::kit::*;
use crate::world::Mood;

fn quick(settings: &mut Settings, other: SocketAddr) {
    settings.upstreams.push(Upstream { address: other, transport: Transport::Udp });
    settings.limits.try_deadline = Duration::from_millis(200);
}

#[tokio::test]
async fn another_server_is_asked_when_one_does_not_answer_or_cannot_tell() {
    for mood in [Mood::Silent, Mood::Failing] {
        let kit = Kit::start_with(quick).await;
        kit.world.set(mood);
        assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1", "{mood:?}");
        assert_eq!((kit.world.heard().len(), kit.other.heard().len()), (1, 1), "{mood:?}");
        assert_eq!(kit.short(TESS, "shop.example A").await, "shop.cdn.example.\n192.0.2.7");
        assert_eq!((kit.world.heard().len(), kit.other.heard().len()), (0, 1), "who answered is asked first");
    }
}

#[tokio::test]
async fn a_lost_datagram_is_sent_again() {
    let kit = Kit::start_with(|settings, _| settings.limits.try_deadline = Duration::from_millis(300)).await;
    kit.world.set(Mood::Silent);
    let asking = kit.short(TESS, "www.site.example A");
    let recovering = async {
        kit.world.arrived.notified().await;
        kit.world.set(Mood::Well);
    };
    assert_eq!(tokio::join!(asking, recovering).0, "192.0.2.1");
    assert_eq!(kit.world.heard().len(), 2);
}

#[tokio::test]
async fn nobody_answers_is_said_and_not_asked_at_once_again() {
    let kit = Kit::start_with(quick).await;
    for world in [&kit.world, &kit.other] {
        world.set(Mood::Silent);
    }
    let silent = kit.dig(TESS, "www.site.example A").await;
    assert!(silent.contains("SERVFAIL") && silent.contains("EDE: 22 (No Reachable Authority)"), "{silent}");
    assert_eq!(kit.records.decision().verdict, schoolgate_event::Verdict::Failed);
    assert_eq!(kit.world.heard().len(), 2);
    assert!(kit.dig(TESS, "www.site.example A").await.contains("SERVFAIL"));
    assert!(kit.world.heard().is_empty());
    kit.world.set(Mood::Well);
    kit.clock.advance(SignedDuration::from_secs(5)).unwrap();
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
}

#[tokio::test]
async fn what_is_not_the_answer_is_passed_over() {
    for mood in [Mood::Forged, Mood::Mixed] {
        let kit = Kit::start().await;
        kit.world.set(mood);
        assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1", "{mood:?}");
    }
}

#[tokio::test]
async fn a_name_in_another_spelling_is_asked_for_by_tcp() {
    let kit = Kit::start().await;
    kit.world.set(Mood::Respelling);
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
    let heard = kit.world.heard();
    assert!(heard[0].starts_with("udp ") && heard[1].starts_with("tcp "), "{heard:?}");
    assert!(heard[0].to_lowercase().contains("www.site.example.") && !heard[0].contains("www.site.example."));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_a_failure() {
    let kit = Kit::start().await;
    kit.world.set(Mood::Garbled);
    let broken = kit.dig(TESS, "www.site.example A").await;
    assert!(broken.contains("SERVFAIL") && broken.contains("could not be read"), "{broken}");
}

#[tokio::test]
async fn what_is_over_its_time_is_said_only_where_it_is_wanted() {
    let stale = Stale { longest: Duration::from_secs(600), after: Duration::from_millis(50) };
    let kit = Kit::start_with(|settings, _| settings.serve_stale = Some(stale)).await;
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
    kit.world.set(Mood::Failing);
    kit.clock.advance(SignedDuration::from_secs(400)).unwrap();
    for _ in 0..2 {
        let old = kit.dig(TESS, "www.site.example A").await;
        assert!(old.contains("\t30\tIN\tA\t192.0.2.1") && old.contains("EDE: 3 (Stale Answer)"), "{old}");
    }
    assert_eq!(kit.world.heard().len(), 2, "and upstream is let rest");
    kit.world.set(Mood::Silent);
    kit.clock.advance(SignedDuration::from_secs(60)).unwrap();
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1", "nobody waits for who is silent");
    kit.clock.advance(SignedDuration::from_secs(600)).unwrap();
    kit.world.set(Mood::Failing);
    let over = kit.dig(TESS, "www.site.example A").await;
    assert!(over.contains("SERVFAIL"), "not for ever: {over}");

    let strict = Kit::start().await;
    strict.short(TESS, "www.site.example A").await;
    strict.world.set(Mood::Failing);
    strict.clock.advance(SignedDuration::from_secs(400)).unwrap();
    assert!(strict.dig(TESS, "www.site.example A").await.contains("SERVFAIL"));
}

#[tokio::test]
async fn a_zone_can_have_its_own_servers() {
    let kit = Kit::start_with(|settings, other| {
        let upstreams = vec![Upstream { address: other, transport: Transport::Tcp }];
        settings.zones.push(Zone { name: "zone.example".parse().unwrap(), upstreams });
    })
    .await;
    assert_eq!(kit.short(TESS, "only.zone.example A").await, "192.0.2.99");
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
    let (first, second) = (kit.world.heard(), kit.other.heard());
    assert!(first.len() == 1 && second.len() == 1 && second[0].starts_with("tcp "), "{first:?} {second:?}");
}

/// A real Unbound with one zone, on four ports of its own.
struct Unbound {
    _process: Child,
    plain: SocketAddr,
    tls: SocketAddr,
    https: SocketAddr,
}

async fn unbound(keys: &std::path::Path) -> Unbound {
    // Taken and let go, all at once, so that they differ.
    let free: Vec<std::net::TcpListener> =
        (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let [plain, tls, https] = [0, 1, 2].map(|place: usize| free[place].local_addr().unwrap());
    drop(free);
    let keys = keys.display();
    let (plain_port, tls_port, https_port) = (plain.port(), tls.port(), https.port());
    let text = format!(
        "server:\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n directory: \"{keys}\"\n use-syslog: no\n \
         verbosity: 1\n interface: 127.0.0.1@{plain_port}\n interface: 127.0.0.1@{tls_port}\n \
         interface: 127.0.0.1@{https_port}\n tls-port: {tls_port}\n https-port: {https_port}\n \
         tls-service-key: \"{keys}/dns.key\"\n tls-service-pem: \"{keys}/dns.pem\"\n module-config: \"iterator\"\n \
         local-zone: \"real.example.\" static\n local-data: \"www.real.example. 120 IN A 192.0.2.200\"\n \
         local-data: \"www.real.example. 120 IN TXT '{}'\"\n",
        "long".repeat(60)
    );
    let path = format!("{keys}/unbound.conf");
    std::fs::write(&path, text).unwrap();
    let mut process = Command::new("unbound")
        .args(["-d", "-p", "-c", &path])
        .env("PATH", "/usr/sbin:/usr/bin")
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("unbound is needed for this test");
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    while let Some(line) = soon(lines.next_line()).await.unwrap() {
        assert!(!line.contains("error:") && !line.contains("fatal"), "{line}");
        if line.contains("start of service") {
            break;
        }
    }
    Unbound { _process: process, plain, tls, https }
}

#[tokio::test]
async fn a_real_server_is_asked_over_every_transport() {
    let keys = Kit::start().await;
    let unbound = unbound(keys.keys.path()).await;
    let name: schoolgate_base::HostName = "dns.school.test".parse().unwrap();
    let path = "/dns-query".into();
    for (address, transport) in [
        (unbound.plain, Transport::Udp),
        (unbound.plain, Transport::Tcp),
        (unbound.tls, Transport::Tls { name: name.clone() }),
        (unbound.https, Transport::Https { name: name.clone(), path }),
    ] {
        let upstream = Upstream { address, transport: transport.clone() };
        let kit = Kit::start_under(&keys, |settings, _| settings.upstreams = vec![upstream]).await;
        assert_eq!(kit.short(TESS, "www.real.example A").await, "192.0.2.200", "{transport:?}");
        assert_eq!(kit.short(TESS, "www.real.example TXT").await.len(), 242, "{transport:?}");
        assert!(kit.dig(TESS, "not.real.example A").await.contains("NXDOMAIN"), "{transport:?}");
    }
    let upstream = Upstream { address: unbound.tls, transport: Transport::Tls { name: "other.test".parse().unwrap() } };
    let kit = Kit::start_under(&keys, |settings, _| settings.upstreams = vec![upstream]).await;
    let liar = kit.dig(TESS, "www.real.example A").await;
    assert!(liar.contains("SERVFAIL") && liar.contains("EDE: 23"), "it has to prove who it is: {liar}");
}
