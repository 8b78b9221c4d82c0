//! What is decided on a name, and what is written down.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use schoolgate_base::Strength;
use schoolgate_dns::{Blocked, YouTube, udp_sockets};
use schoolgate_event::{Door, Verdict};
use tokio::process::Command;

use crate::kit::*;
use crate::school::{live, live_blocking};
use crate::world::Mood;

#[tokio::test]
async fn an_allowed_name_is_recorded_with_who_asked() {
    let kit = Kit::start().await;
    kit.dig(TESS, "www.site.example A").await;
    let decision = kit.records.decision();
    assert_eq!((decision.door, decision.verdict, decision.snapshot), (Door::Dns, Verdict::Allow, 1));
    assert_eq!((decision.host.to_string().as_str(), decision.who.strength), ("www.site.example", Strength::Address));
    assert!(decision.who.person.is_some() && decision.traffic.bytes_down > 12 && decision.url.is_none());
}

#[tokio::test]
async fn a_blocked_name_is_not_there() {
    let kit = Kit::start().await;
    let blocked = kit.dig(TESS, "deep.bet.example A").await;
    assert!(blocked.contains("status: NXDOMAIN") && blocked.contains("EDE: 15 (Blocked)"), "{blocked}");
    assert!(blocked.contains("\t10\tIN\tSOA\t"), "it is asked for again soon: {blocked}");
    assert!(kit.world.heard().is_empty(), "a name that is only asked for upstream already tells");
    let decision = kit.records.decision();
    assert_eq!(decision.verdict, Verdict::Block);
    assert_eq!(decision.reason.category.as_deref(), Some("gambling"));
}

#[tokio::test]
async fn a_blocked_name_can_lead_to_the_portal() {
    let kit = Kit::start_with(|settings, _| settings.blocked = Blocked::Portal).await;
    assert_eq!(kit.short(TESS, "bet.example A").await, "10.0.0.2");
    let other = kit.dig(TESS, "bet.example AAAA").await;
    assert!(other.contains("NOERROR") && other.contains("ANSWER: 0"), "{other}");
    assert!(kit.dig(TESS, "bet.example HTTPS").await.contains("ANSWER: 0"));
}

#[tokio::test]
async fn who_has_not_agreed_gets_the_portal() {
    let kit = Kit::start().await;
    for source in [SAM, NOBODY] {
        let gated = kit.dig(source, "www.site.example A").await;
        assert!(gated.contains("\t10\tIN\tA\t10.0.0.2") && gated.contains("EDE: 18 (Prohibited)"), "{gated}");
        assert_eq!(kit.records.decision().verdict, Verdict::Gate);
    }
    assert_eq!(kit.short(SAM, "open.example A").await, "", "what is always open is not there in this world");
    assert_eq!(kit.short(NOBODY, "portal.school.test A").await, "10.0.0.2");
    assert_eq!(kit.world.heard().len(), 1);
}

#[tokio::test]
async fn help_leaves_a_count_and_nothing_else() {
    let kit = Kit::start().await;
    for kind in ["A", "AAAA", "HTTPS"] {
        kit.dig(PIA, &format!("help.example {kind}")).await;
    }
    assert_eq!((kit.records.help.load(Ordering::SeqCst), kit.records.is_empty()), (1, true));
    let page = kit.dig(PIA, "www.hurt.example A").await;
    assert!(page.contains("10.0.0.2") && !page.contains("hurt the"), "{page}");
    assert_eq!((kit.records.help.load(Ordering::SeqCst), kit.records.is_empty()), (2, true));
}

#[tokio::test]
async fn a_locked_name_is_told_by_its_hash() {
    let kit = Kit::start().await;
    let blocked = kit.dig(PIA, "a.locked.example A").await;
    let like_any = kit.dig(PIA, "a.bet.example A").await;
    let flags = |text: &str| text.lines().filter(|line| line.contains("EDE") || line.contains("flags")).count();
    assert!(blocked.contains("NXDOMAIN") && flags(&blocked) == flags(&like_any), "nobody learns which: {blocked}");
    let events = Kit::start().await;
    events.dig(PIA, "a.locked.example A").await;
    let hit = events.records.locked_hit();
    assert_eq!((hit.door, hit.address.as_str()), (Door::Dns, &*"7".repeat(26)));
    assert!(!format!("{hit:?}").contains("locked.example"));
}

#[tokio::test]
async fn a_name_is_closed_by_the_names_that_it_leads_over() {
    let kit = Kit::start().await;
    assert_eq!(kit.short(TESS, "shop.example A").await, "shop.cdn.example.\n192.0.2.7");
    assert_eq!(kit.records.decision().verdict, Verdict::Allow);
    for (name, category) in [("sly.example", Some("gambling")), ("sly-named.example", None)] {
        // From upstream, and from memory.
        for _ in 0..2 {
            assert!(kit.dig(TESS, &format!("{name} A")).await.contains("NXDOMAIN"), "{name}");
            let decision = kit.records.decision();
            assert_eq!((decision.verdict, decision.host.to_string().as_str()), (Verdict::Block, name));
            assert_eq!(decision.reason.category.as_deref(), category);
        }
    }
    assert!(kit.dig(TESS, "sly-locked.example A").await.contains("NXDOMAIN"));
    kit.records.locked_hit();
    let open = kit.short(TESS, "cdn.open.example A").await;
    assert_eq!(open, "ads.bet.example.\n192.0.2.66", "what is always open is open wherever it is kept");
}

#[tokio::test]
async fn engines_are_held_to_safe_search() {
    let kit = Kit::start().await;
    for _ in 0..2 {
        let google = kit.dig(PIA, "www.google.com A").await;
        assert!(google.contains("www.google.com.\t\t300\tIN\tCNAME\tforcesafesearch.google.com."), "{google}");
        assert!(google.contains("forcesafesearch.google.com. 300\tIN\tA\t192.0.2.38"), "{google}");
    }
    assert_eq!(kit.short(PIA, "m.youtube.com A").await, "restrict.youtube.com.\n192.0.2.39");
    let hints = kit.dig(PIA, "www.google.com HTTPS").await;
    assert!(!hints.contains("ipv4hint") && hints.contains("CNAME\tforcesafesearch.google.com."), "{hints}");
    assert_eq!(kit.world.heard().len(), 3);
    let free = Kit::start_with(|settings, _| settings.youtube = YouTube::Open).await;
    assert_eq!(free.short(PIA, "m.youtube.com A").await, "");
}

#[tokio::test]
async fn a_name_that_must_be_seen_is_not_hidden() {
    let kit = Kit::start().await;
    let seen = kit.short(TESS, "ech.example TYPE65").await;
    let hidden = kit.short(TESS, "bank.example TYPE65").await;
    assert!(seen.contains("port=443") && !seen.contains("ech="), "{seen}");
    assert!(hidden.contains("port=443") && hidden.contains("ech="), "nobody looks inside: {hidden}");
}

#[tokio::test]
async fn names_that_are_switches_are_answered_here() {
    let kit = Kit::start().await;
    for name in ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "x.onion"] {
        assert!(kit.dig(NOBODY, &format!("{name} A")).await.contains("status: NXDOMAIN"), "{name}");
    }
    let designated = kit.dig(NOBODY, "_dns.resolver.arpa SVCB").await;
    assert!(designated.contains("NOERROR") && designated.contains("ANSWER: 0"), "{designated}");
    assert_eq!(kit.short(NOBODY, "localhost AAAA").await, "::1");
    assert!(kit.world.heard().is_empty() && kit.records.is_empty());
}

#[tokio::test]
async fn no_name_outside_leads_inside() {
    let kit = Kit::start().await;
    let rebound = kit.dig(TESS, "rebound.example A").await;
    assert!(rebound.contains("NOERROR") && rebound.contains("ANSWER: 0") && rebound.contains("EDE: 15"), "{rebound}");
    assert_eq!(kit.records.decision().verdict, Verdict::Refused);
    assert_eq!(kit.short(TESS, "files.inner.example A").await, "127.0.0.1", "its zone is listed");
}

#[tokio::test]
async fn a_new_root_counts_from_the_next_question() {
    let kit = Kit::start().await;
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
    kit.publish(live_blocking("site.example"));
    assert!(kit.dig(TESS, "www.site.example A").await.contains("NXDOMAIN"));
    kit.publish(live());
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
    kit.publish(live_blocking("site.example"));
    kit.clock.advance(SignedDuration::from_secs(60)).unwrap();
    assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1", "and so does the end of a block");
    assert_eq!(kit.world.heard().len(), 1);
}

#[tokio::test]
async fn a_root_that_comes_during_a_look_up_counts() {
    let kit = Kit::start().await;
    kit.world.set(Mood::Silent);
    let asking = kit.dig(TESS, "www.site.example A");
    let publishing = async {
        kit.world.arrived.notified().await;
        kit.publish(live_blocking("site.example"));
        kit.world.set(Mood::Well);
    };
    let (answer, ()) = tokio::join!(asking, publishing);
    assert!(answer.contains("NXDOMAIN"), "{answer}");
    assert_eq!(kit.records.decision().snapshot, 2);
}

#[tokio::test]
async fn one_socket_serves_both_families() {
    let kit = Kit::start().await;
    let sockets = udp_sockets("[::]:0".parse().unwrap(), 1).unwrap();
    let port = sockets[0].local_addr().unwrap().port().to_string();
    sockets.into_iter().for_each(|socket| kit.dns.serve_udp(socket));
    let ask = async |server: &str| {
        let words = ["-p", &port, server, "+short", "+tries=1", "www.site.example", "A"];
        run(Command::new("dig").args(words)).await
    };
    assert_eq!(ask("@127.0.0.1").await, "192.0.2.1\n", "a session of an IPv4 address");
    assert_eq!(ask("@::1").await, "10.0.0.2\n", "where nobody has signed in");
}

#[tokio::test]
async fn what_was_decided_for_one_holds_for_nobody_else() {
    let kit = Kit::start().await;
    for _ in 0..2 {
        assert_eq!(kit.short(TESS, "www.site.example A").await, "192.0.2.1");
        assert_eq!(kit.short(SAM, "www.site.example A").await, "10.0.0.2");
        assert_eq!(kit.short(NOBODY, "www.site.example A").await, "10.0.0.2");
        assert_eq!(kit.short(PIA, "www.site.example A").await, "192.0.2.1");
    }
    kit.publish(live_blocking("site.example"));
    for source in [TESS, PIA] {
        assert!(kit.dig(source, "www.site.example A").await.contains("NXDOMAIN"));
    }
}
