//! Plain HTTP: what is forwarded, and what is sent elsewhere.

use std::time::Duration;

use schoolgate_base::Strength;
use schoolgate_event::{Event, Mode, Verdict};
use tokio::io::AsyncWriteExt;

use crate::kit::*;

#[tokio::test]
async fn an_allowed_request_is_forwarded_anew() {
    let kit = Kit::start().await;
    let request = "GET http://news.example/a?b=c HTTP/1.1\r\nHost: other.example\r\nProxy-Connection: close\r\n\
        Connection: close, X-Secret\r\nX-Secret: 1\r\nX-Kept: 2\r\n\r\n";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\ncontent"));
    assert!(response.contains("x-site: yes") && response.contains("via: 1.1 schoolgate"));
    assert!(!response.contains("keep-alive"));
    let seen = kit.origin.requests.lock().unwrap().remove(0);
    assert_eq!(seen, "GET /a?b=c HTTP/1.1\r\nhost: news.example\r\nx-kept: 2\r\nvia: 1.1 schoolgate\r\n\r\n");
    let event = kit.decision().await;
    assert_eq!((event.verdict, event.mode, event.traffic.bytes_down), (Verdict::Allow, Mode::Plain, 7));
    assert_eq!(event.url.as_deref(), Some("http://news.example/a?b=c"));
    assert_eq!((event.who.strength, event.who.person.unwrap().as_str()), (Strength::Address, "tess000000000000"));
}

#[tokio::test]
async fn a_search_is_held_to_safe_search() {
    let kit = Kit::start().await;
    kit.get(TESS, "http://www.google.com/search?q=cats&safe=off").await;
    let seen = kit.origin.requests.lock().unwrap().remove(0);
    assert!(seen.starts_with("GET /search?q=cats&safe=active HTTP/1.1\r\n"), "{seen}");
    // What is recorded is what was asked for.
    assert_eq!(kit.decision().await.url.as_deref(), Some("http://www.google.com/search?q=cats&safe=off"));
}

#[tokio::test]
async fn a_body_is_passed_on() {
    let kit = Kit::start().await;
    let request = "POST http://news.example/form HTTP/1.1\r\nHost: news.example\r\nContent-Length: 5\r\n\
        Connection: close\r\n\r\nhello";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(response.contains("HTTP/1.1 200 OK"), "{response}");
    let seen = kit.origin.requests.lock().unwrap().remove(0);
    assert!(seen.ends_with("\r\n\r\nhello"), "{seen}");
    assert_eq!(kit.decision().await.traffic.bytes_up, 5);
}

#[tokio::test]
async fn an_upload_may_take_longer_than_a_site_may_think() {
    let kit = Kit::start_with(|limits| limits.response_deadline = Duration::from_millis(400)).await;
    let mut stream = kit.dial(TESS).await;
    let head = "POST http://news.example/form HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(150));
    for _ in 0..8 {
        pace.tick().await;
        stream.write_all(b"x").await.unwrap();
    }
    let response = read_all(&mut stream).await;
    assert!(response.ends_with("content"), "{response}");
    // Whoever has everything and says nothing is given up on all the same.
    let silent =
        "POST http://news.example/silent HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    assert!(kit.raw(TESS, silent.as_bytes()).await.starts_with("HTTP/1.1 504"));
}

#[tokio::test]
async fn a_connection_to_a_site_is_kept_for_the_next_request() {
    let kit = Kit::start().await;
    for _ in 0..3 {
        kit.get(TESS, "http://news.example/").await;
        kit.decision().await;
    }
    assert_eq!(kit.origin_connections(), 1);
}

#[track_caller]
fn check_redirect(response: &str, page: &str, wanted: &str) {
    let location = format!("location: https://portal.school.test/{page}?t={page}.{wanted}\r\n");
    assert!(response.starts_with("HTTP/1.1 303") && response.contains(&location), "{response}");
    assert!(response.contains("cache-control: no-store"));
}

#[tokio::test]
async fn a_blocked_site_leads_to_the_portal_and_is_not_contacted() {
    let kit = Kit::start().await;
    let response = kit.get(TESS, "http://bet.example/odds?x=1").await;
    check_redirect(&response, "blocked", "http://bet.example/odds?x=1");
    assert_eq!(kit.origin_connections(), 0);
    let event = kit.decision().await;
    assert_eq!(event.verdict, Verdict::Block);
    assert_eq!(event.reason.category.as_deref(), Some("gambling"));
    assert_eq!(event.reason.list.as_deref(), Some("ut1"));
}

#[tokio::test]
async fn a_blocked_part_of_a_page_gets_403() {
    let kit = Kit::start().await;
    let request = "GET http://bet.example/ad.js HTTP/1.1\r\nHost: bet.example\r\nAccept: */*\r\n\
        Referer: http://news.example/\r\nConnection: close\r\n\r\n";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 403"), "{response}");
}

#[tokio::test]
async fn who_has_not_agreed_or_signed_in_gets_the_agreement() {
    let kit = Kit::start().await;
    check_redirect(&kit.get(SAM, "http://news.example/a").await, "agree", "http://news.example/a");
    check_redirect(&kit.get(NOBODY, "http://news.example/a").await, "agree", "http://news.example/a");
    assert_eq!(kit.decision().await.verdict, Verdict::Gate);
    assert_eq!(kit.decision().await.url, None);
    assert!(kit.get(NOBODY, "http://open.example/").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_device_without_our_ca_is_not_sent_where_it_would_be_warned() {
    let kit = Kit::start().await;
    let response = kit.get(GUEST, "http://bet.example/").await;
    assert!(response.starts_with("HTTP/1.1 403") && response.contains("This site is blocked here"), "{response}");
}

#[tokio::test]
async fn help_leaves_a_count_and_nothing_else() {
    let kit = Kit::start().await;
    let response = kit.get(TESS, "http://hurt.example/secret?q=words").await;
    check_redirect(&response, "help", "https://portal.school.test/");
    let part = "GET http://help.example/logo.png HTTP/1.1\r\nHost: help.example\r\nAccept: image/*\r\n\
        Referer: http://help.example/talk\r\nConnection: close\r\n\r\n";
    assert!(kit.raw(TESS, part.as_bytes()).await.starts_with("HTTP/1.1 200"));
    assert!(kit.get(TESS, "http://help.example/talk").await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.help_count().await, 1, "the portal counts who is sent to it, and a part of a page is no visit");
    assert!(kit.events().is_empty());
}

#[tokio::test]
async fn a_site_of_help_that_is_down_is_not_named() {
    let kit = Kit::start().await;
    let response = kit.get(TESS, "http://dead.help.example/talk").await;
    check_redirect(&response, "unreachable", "https://portal.school.test/");
    assert!(kit.events().is_empty());
}

#[tokio::test]
async fn a_method_of_the_clients_own_is_not_written_down() {
    let kit = Kit::start().await;
    let request = "TESS-WAS-HERE http://news.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(kit.raw(TESS, request.as_bytes()).await.starts_with("HTTP/1.1 200"));
    assert_eq!(&*kit.decision().await.method, "other");
}

#[tokio::test]
async fn a_locked_hit_is_recorded_by_hash() {
    let kit = Kit::start().await;
    let response = kit.get(TESS, "http://locked.example/x").await;
    check_redirect(&response, "blocked", "https://portal.school.test/");
    assert!(matches!(kit.events().as_slice(), [Event::LockedHit(hit)] if hit.address.as_str() == "7".repeat(26)));
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused_and_counted() {
    let kit = Kit::start().await;
    for (url, kind) in [
        ("http://127.0.0.1:22/", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://169.254.169.254/latest/meta-data", "metadata"),
        ("http://169.254.3.4/", "link-local"),
        ("http://0.0.0.0/", "unspecified"),
        ("http://10.0.0.1/", "private"),
        ("http://rebound.example/", "loopback"),
    ] {
        let before = kit.count(&format!("schoolgate_proxy_inner_total{{kind=\"{kind}\"}}"));
        let response = kit.get(TESS, url).await;
        assert!(response.starts_with("HTTP/1.1 403"), "{url}: {response}");
        assert!(url.contains("rebound") || kit.get(NOBODY, url).await.starts_with("HTTP/1.1 403"), "{url}");
        assert_eq!(
            kit.count(&format!("schoolgate_proxy_inner_total{{kind=\"{kind}\"}}")),
            before + if url.contains("rebound") { 1 } else { 2 },
            "{url}"
        );
        assert_eq!(kit.decision().await.verdict, Verdict::Refused);
        if !url.contains("rebound") {
            assert_eq!(kit.decision().await.verdict, Verdict::Refused);
        }
    }
}

#[tokio::test]
async fn a_plain_request_reaches_no_port_of_another_protocol() {
    let kit = Kit::start().await;
    for port in [22, 25, 6667] {
        let response = kit.get(TESS, &format!("http://news.example:{port}/")).await;
        assert!(response.starts_with("HTTP/1.1 403") && response.contains("This port is not open"), "{response}");
        assert_eq!(kit.decision().await.verdict, Verdict::Refused);
    }
    assert_eq!(kit.origin_connections(), 0);
    assert!(kit.get(TESS, "http://news.example:8080/").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_portal_says_what_is_wrong_with_a_site() {
    let kit = Kit::start_with(|limits| limits.response_deadline = Duration::from_millis(50)).await;
    for url in
        ["http://dead.example/", "http://nowhere.example/", "http://news.example/silent", "http://news.example/garbage"]
    {
        check_redirect(&kit.get(TESS, url).await, "unreachable", url);
        assert_eq!(kit.decision().await.verdict, Verdict::Failed);
    }
    let request =
        |url: &str| format!("POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert!(kit.raw(TESS, request("http://dead.example/").as_bytes()).await.starts_with("HTTP/1.1 502"));
    assert!(kit.raw(TESS, request("http://news.example/silent").as_bytes()).await.starts_with("HTTP/1.1 504"));
}

#[tokio::test]
async fn the_proxys_own_pages_are_the_pac_file_and_nothing_more() {
    let kit = Kit::start().await;
    let pac = kit.raw(NOBODY, b"GET /proxy.pac HTTP/1.1\r\nHost: proxy.test:3128\r\nConnection: close\r\n\r\n").await;
    assert!(pac.contains("application/x-ns-proxy-autoconfig") && pac.contains("PROXY proxy.test:3128"), "{pac}");
    let other = kit.raw(NOBODY, b"GET /etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
    let portal = kit.get(NOBODY, "http://portal.school.test/sign-in?x=1").await;
    assert!(portal.starts_with("HTTP/1.1 308"), "{portal}");
    assert!(portal.contains("location: https://portal.school.test/sign-in?x=1\r\n"));
}

#[tokio::test]
async fn a_shutdown_finishes_what_has_begun() {
    let kit = Kit::start_with(|limits| limits.drain_grace = Duration::from_millis(20)).await;
    let mut stream = kit.dial(TESS).await;
    stream.write_all(b"GET http://news.example/stream HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
    let address = kit.address;
    let tasks = kit.tasks.clone();
    // The origin of this test does not heed a shutdown, so its tasks are dropped at the deadline.
    let draining = tasks.drain(Duration::from_millis(300));
    let (drained, rest) = tokio::join!(draining, read_all(&mut stream));
    assert!(drained.dropped > 0 && rest.contains("data: 1"));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
