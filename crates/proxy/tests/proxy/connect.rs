//! CONNECT: tunnels, decrypted connections and local answers.

use schoolgate_base::Strength;
use schoolgate_event::{Mode, Verdict};
use tokio::io::AsyncWriteExt;

use crate::kit::*;
use crate::school::live_blocking;
use crate::standing::hello;

#[tokio::test]
async fn s04_forbidden_ports_and_addresses_are_refused() {
    let kit = Kit::start().await;
    for authority in [
        "news.example:22",
        "news.example:80",
        "news.example:25",
        "portal.school.test:8080",
        "127.0.0.1:443",
        "[::1]:443",
        "169.254.169.254:443",
        "169.254.1.1:443",
        "[fd00:ec2::254]:443",
        "rebound.example:443",
    ] {
        let (_, head) = kit.connect(TESS, authority).await;
        assert!(head.starts_with("HTTP/1.1 403"), "{authority}: {head}");
    }
    assert_eq!(kit.decision().await.verdict, Verdict::Refused);
    assert_eq!(kit.count("schoolgate_proxy_failed_total{reason=\"port\"}"), 4);
    assert_eq!(kit.count("schoolgate_proxy_inner_total{kind=\"loopback\"}"), 3);
    assert_eq!(kit.count("schoolgate_proxy_inner_total{kind=\"metadata\"}"), 2);
    assert_eq!(kit.origin_connections(), 0);
}

#[tokio::test]
async fn an_allowed_site_is_tunnelled_with_its_own_certificate() {
    let kit = Kit::start().await;
    let response = kit.get_tls(TESS, "news.example", Trust::Outside).await;
    assert!(response.ends_with("content"), "{response}");
    let event = kit.decision().await;
    assert_eq!((event.verdict, event.mode), (Verdict::Allow, Mode::Tunnel));
    assert_eq!((&*event.method, event.url), ("CONNECT", None));
    assert!(event.traffic.bytes_up > 500 && event.traffic.bytes_down > 500, "{:?}", event.traffic);
}

#[tokio::test]
async fn e01_another_name_in_the_hello_closes_the_tunnel() {
    let kit = Kit::start().await;
    let (stream, head) = kit.connect(TESS, "news.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"));
    assert!(kit.handshake(stream, "bet.example", Trust::Outside).await.is_err());
    assert_eq!(kit.count("schoolgate_proxy_hellos_refused_total"), 1);
    assert_eq!(kit.decision().await.verdict, Verdict::Refused);
    kit.publish_inspecting();
    let (stream, _) = kit.connect(TESS, "news.example:443").await;
    assert!(kit.handshake(stream, "bet.example", Trust::School).await.is_err());
    let event = kit.decision().await;
    assert_eq!(
        (event.verdict, event.mode, &*event.host.to_string()),
        (Verdict::Refused, Mode::Inspected, "news.example")
    );
}

#[tokio::test]
async fn a_client_that_goes_away_before_its_hello_did_nothing_wrong() {
    let kit = Kit::start().await;
    drop(kit.connect(TESS, "news.example:443").await);
    assert_eq!(kit.decision().await.verdict, Verdict::Allow);
    assert_eq!(kit.count("schoolgate_proxy_hellos_refused_total"), 0);
}

#[tokio::test]
async fn what_is_not_tls_does_not_get_through_a_tunnel() {
    let kit = Kit::start().await;
    let (mut stream, _) = kit.connect(TESS, "news.example:443").await;
    stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
    assert_eq!(kit.count("schoolgate_proxy_hellos_refused_total"), 1);
}

#[tokio::test]
async fn a_blocked_site_is_answered_in_its_place_without_being_contacted() {
    let kit = Kit::start().await;
    let response = kit.get_tls(TESS, "bet.example", Trust::School).await;
    assert!(response.starts_with("HTTP/1.1 303"), "{response}");
    // The path was not read: she comes back to the front page.
    assert!(response.contains("location: https://portal.school.test/blocked?t=blocked.https://bet.example/\r\n"));
    assert_eq!(kit.origin_connections(), 0);
    let event = kit.decision().await;
    assert_eq!((event.verdict, event.mode, event.url), (Verdict::Block, Mode::LocalAnswer, None));
}

#[tokio::test]
async fn who_has_not_agreed_is_not_inspected() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    for person in [SAM, NOBODY] {
        let response = kit.get_tls(person, "news.example", Trust::School).await;
        assert!(
            response.contains("location: https://portal.school.test/agree?t=agree.https://news.example/\r\n"),
            "{response}"
        );
        assert_eq!(kit.decision().await.mode, Mode::LocalAnswer);
    }
    assert_eq!(kit.origin_connections(), 0);
    assert_eq!(kit.count("schoolgate_proxy_inspected_total"), 0);
}

#[tokio::test]
async fn a_device_without_our_ca_gets_403_and_is_recorded() {
    let kit = Kit::start().await;
    let (mut stream, head) = kit.connect(GUEST, "bet.example:443").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    drop(stream.shutdown().await);
    assert_eq!(kit.decision().await.host.to_string(), "bet.example");
    kit.publish_inspecting();
    let response = kit.get_tls(GUEST, "news.example", Trust::Outside).await;
    assert!(response.ends_with("content"), "a guest is tunnelled, not inspected: {response}");
}

#[tokio::test]
async fn s02_what_is_never_inspected_gets_no_certificate_of_ours() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    assert!(kit.get_tls(TESS, "bank.example", Trust::Outside).await.ends_with("content"));
    assert!(kit.get_tls(TESS, "help.example", Trust::Outside).await.ends_with("content"));
    kit.publish(live_blocking("bank.example"));
    let (_, head) = kit.connect(TESS, "bank.example:443").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    assert_eq!(kit.help_count().await, 1);
}

#[tokio::test]
async fn an_inspected_site_is_verified_and_decided_by_request() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /page?q=1 HTTP/1.1\r\nHost: news.example\r\n\r\n").await.unwrap();
        assert!(read_head(&mut stream).await.contains("x-site: yes"));
        let mut content = [0; 7];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut content).await.unwrap();
        let event = kit.decision().await;
        assert_eq!(event.mode, Mode::Inspected);
        assert_eq!(event.url.as_deref(), Some("https://news.example/page?q=1"));
    }
    assert_eq!(kit.origin_connections(), 1);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bet.example\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 421"));
    kit.publish(live_blocking("news.example"));
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: news.example\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.contains("/blocked?t="));
}

/// Whoever searches for help is shown it, and nothing remains but the count that the portal's page makes.
#[tokio::test]
async fn a_search_for_help_opens_the_help_page_and_leaves_nothing_here() {
    let kit = Kit::start().await;
    let mut stream = kit.tls(TESS, "search.example", Trust::School).await.unwrap();
    let search = "GET /?q=how+to+kill+myself HTTP/1.1\r\nHost: search.example\r\nAccept: text/html\r\n\r\n";
    stream.write_all(search.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(
        head.contains("location: https://portal.school.test/help?t=help.https://portal.school.test/\r\n"),
        "{head}"
    );
    let plain = kit.get(TESS, "http://search.example/?q=how+to+kill+myself").await;
    assert!(plain.contains("/help?t=help.https://portal.school.test/\r\n"), "{plain}");
    // A device that cannot be sent there has its visit counted here.
    assert!(kit.get(GUEST, "http://search.example/?q=how+to+kill+myself").await.starts_with("HTTP/1.1 403"));
    assert_eq!(kit.help_count().await, 1);
    assert!(kit.events().is_empty());
}

#[tokio::test]
async fn a_site_with_a_bad_certificate_is_named_and_never_shown() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let response = kit.get_tls(TESS, "badcert.example", Trust::School).await;
    assert!(response.contains("/unreachable?t=unreachable.https://badcert.example/\r\n"), "{response}");
    assert_eq!(kit.decision().await.verdict, Verdict::Failed);
    assert!(kit.origin.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_site_is_named() {
    let kit = Kit::start().await;
    let response = kit.get_tls(TESS, "dead.example", Trust::School).await;
    assert!(response.contains("/unreachable?t=unreachable.https://dead.example/\r\n"), "{response}");
    let (_, head) = kit.connect(GUEST, "dead.example:443").await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
}

#[tokio::test]
async fn the_portal_is_always_reached_and_told_for_whom() {
    let kit = Kit::start().await;
    for person in [TESS, NOBODY, GUEST] {
        let (mut stream, head) = kit.connect(person, "portal.school.test:443").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(read_all(&mut stream).await, format!("portal for {person}"));
    }
    assert!(kit.events().is_empty());
}

/// The password is `secret`; the person is whose device it is, wherever it is.
const TOKEN: &str = "Proxy-Authorization: Basic bGFwdG9wLTE6c2VjcmV0";

#[tokio::test]
async fn a_device_proves_itself_over_tls() {
    let kit = Kit::start().await;
    let stream = kit.dial_to(NOBODY, kit.tls_address).await;
    let mut stream = kit.handshake(stream, "proxy.school.test", Trust::School).await.unwrap();
    let request = format!("GET http://news.example/ HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_all(&mut stream).await.ends_with("content"));
    assert!(!kit.origin.requests.lock().unwrap()[0].contains("proxy-authorization"));
    let event = kit.decision().await;
    assert_eq!((event.who.strength, event.who.device.unwrap().as_str()), (Strength::Connection, "laptop-1"));

    let stream = kit.dial_to(NOBODY, kit.tls_address).await;
    let mut stream = kit.handshake(stream, "proxy.school.test", Trust::School).await.unwrap();
    let request = format!("CONNECT news.example:443 HTTP/1.1\r\nHost: news.example:443\r\n{TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    let mut inner = kit.handshake(stream, "news.example", Trust::Outside).await.unwrap();
    inner.write_all(b"GET / HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_all(&mut inner).await.ends_with("content"));
}

#[tokio::test]
async fn a_wrong_device_token_is_asked_for_again() {
    let kit = Kit::start().await;
    let request = "GET http://news.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Proxy-Authorization: Basic bGFwdG9wLTE6cG9ydGFsLXBhc3N3b3Jk\r\n\r\n";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 407") && response.contains("proxy-authenticate: Basic"), "{response}");
}

#[tokio::test]
async fn only_a_client_that_says_so_does_not_trust_our_ca() {
    let kit = Kit::start().await;
    let address = GUEST.parse().unwrap();
    let trusts = || kit.identities.trust.is_trusting(address, at(NOW));
    kit.identities.trust.learn(address, at(NOW));
    let failed = |times: u64| {
        let kit = &kit;
        soon(async move {
            while kit.count("schoolgate_proxy_handshakes_failed_total") < times {
                tokio::task::yield_now().await;
            }
        })
    };
    let (mut stream, head) = kit.connect(GUEST, "bet.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    // A tab that is closed after the hello.
    stream.write_all(&hello("bet.example")).await.unwrap();
    drop(stream);
    failed(1).await;
    assert!(trusts());
    assert!(kit.tls(GUEST, "bet.example", Trust::Outside).await.is_err());
    failed(2).await;
    let (_, head) = kit.connect(GUEST, "bet.example:443").await;
    assert!(head.starts_with("HTTP/1.1 403"), "the site is not answered for any more: {head}");
    assert!(trusts(), "one app says nothing of the device");
    for (count, name) in [(3, "news.bet.example"), (4, "www.bet.example")] {
        assert!(kit.tls(GUEST, name, Trust::Outside).await.is_err());
        failed(count).await;
    }
    assert!(!trusts());
}
