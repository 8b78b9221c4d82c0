//! Connections of clients that know of no proxy, steered here by a firewall: in namespaces, with its real rules.

use std::net::TcpListener;

use schoolgate_event::{Mode, Verdict};
use schoolgate_proxy::Interception;
use schoolgate_runtime::{Reach, listen};

use crate::kit::*;
use crate::netns::{GATEWAY, Net, WIRED_GUEST};

/// Where no site is: whatever comes back was dialled by its name.
const NEWS: [&str; 2] = ["--resolve", "news.example:80:203.0.113.5"];
const NEWS_TLS: [&str; 2] = ["--resolve", "news.example:443:203.0.113.5"];
const NEWS_SIX: [&str; 2] = ["--resolve", "news.example:80:[2001:db8::5]"];
const NEWS_TLS_SIX: [&str; 2] = ["--resolve", "news.example:443:[2001:db8::5]"];
const BET: [&str; 2] = ["--resolve", "bet.example:443:203.0.113.5"];

/// A kit behind a firewall that rewrites addresses, and the port it sends the web to.
async fn redirected() -> (Kit, Net, u16) {
    let (kit, net) = (Kit::start().await, Net::new());
    let listener = net.listen(|| TcpListener::bind("[::]:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    kit.proxy.serve_intercepted(listener, Interception::Redirect);
    net.redirect(port);
    (kit, net, port)
}

/// A kit behind one that leaves them alone.
async fn steered() -> (Kit, Net) {
    let (kit, net) = (Kit::start().await, Net::new());
    let four = net.listen(|| listen("0.0.0.0:0".parse().unwrap(), Reach::Any).unwrap());
    let port = four.local_addr().unwrap().port();
    let six = net.listen(|| listen(format!("[::]:{port}").parse().unwrap(), Reach::Any).unwrap());
    kit.proxy.serve_intercepted(four, Interception::Tproxy);
    kit.proxy.serve_intercepted(six, Interception::Tproxy);
    net.tproxy(port);
    (kit, net)
}

/// What holds for both, by IPv4 and IPv6.
async fn check_all(kit: &Kit, net: &Net) {
    for (plain, tls) in [(NEWS, NEWS_TLS), (NEWS_SIX, NEWS_TLS_SIX)] {
        let page = net.curl(kit, "outside.pem", &[&plain[..], &["http://news.example/a?b"]].concat()).await;
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("content\n[site 200"), "{page}");
        let seen = kit.origin.requests.lock().unwrap().remove(0);
        assert!(seen.starts_with("GET /a?b HTTP/1.1\r\nhost: news.example\r\n"), "{seen}");
        let event = kit.decision().await;
        assert_eq!((event.mode, event.url.as_deref()), (Mode::Plain, Some("http://news.example/a?b")));
        assert_eq!(event.who.person.unwrap().as_str(), "tess000000000000");
        let tunnelled = net.curl(kit, "outside.pem", &[&tls[..], &["https://news.example/"]].concat()).await;
        assert!(tunnelled.contains("content\n[site 200 verify 0]"), "{tunnelled}");
        assert_eq!(kit.decision().await.mode, Mode::Tunnel);
        kit.origin.requests.lock().unwrap().clear();
    }
    let answered = net.curl(kit, "ca.pem", &[&BET[..], &["https://bet.example/odds"]].concat()).await;
    assert!(
        answered.contains("portal.school.test/blocked?t=") && answered.contains("[site 303 verify 0]"),
        "{answered}"
    );
    kit.publish_inspecting();
    let inspected = net.curl(kit, "ca.pem", &[&NEWS_TLS[..], &["https://news.example/page"]].concat()).await;
    assert!(inspected.contains("content\n[site 200 verify 0]"), "{inspected}");
}

#[tokio::test]
async fn redirected_clients_are_served_as_those_who_ask() {
    let (kit, net, port) = redirected().await;
    check_all(&kit, &net).await;
    // Nobody is anywhere by asking our own port.
    let own = net.curl(&kit, "ca.pem", &["--header", "Host: news.example", &format!("http://{GATEWAY}:{port}/")]).await;
    assert!(own.contains("[site 000"), "{own}");
}

#[tokio::test]
async fn steered_clients_are_served_as_those_who_ask() {
    let (kit, net) = steered().await;
    check_all(&kit, &net).await;
}

#[tokio::test]
async fn what_a_client_says_is_decided_on_and_dialled() {
    let (kit, net, _) = redirected().await;
    // An open site's address and a blocked site's name, and the other way round.
    let blocked = net.curl(&kit, "ca.pem", &["--header", "Host: bet.example", "http://203.0.113.5/"]).await;
    assert!(blocked.contains("portal.school.test/blocked?t="), "{blocked}");
    assert_eq!(kit.origin_connections(), 0);
    let named = net.curl(&kit, "ca.pem", &["--header", "Host: news.example", "http://203.0.113.6/"]).await;
    assert!(named.contains("content\n[site 200"), "{named}");
    let inside = net.curl(&kit, "ca.pem", &["--header", "Host: rebound.example", "http://203.0.113.5/"]).await;
    assert!(inside.contains("[site 403"), "{inside}");
    let elsewhere = net.curl(&kit, "ca.pem", &["--header", "Host: news.example:25", "http://203.0.113.5/"]).await;
    assert!(elsewhere.contains("[site 421"), "{elsewhere}");
    let nameless = net.curl(&kit, "ca.pem", &["--header", "Host:", "http://203.0.113.5/"]).await;
    assert!(nameless.contains("[site 400"), "{nameless}");
}

#[tokio::test]
async fn a_hello_without_a_name_is_decided_by_its_address() {
    let (kit, net, _) = redirected().await;
    net.curl(&kit, "ca.pem", &["--max-time", "2", "https://10.99.0.9/"]).await;
    let event = kit.decision().await;
    // An inner address, and so refused to everybody.
    assert_eq!((event.host.to_string().as_str(), event.verdict), ("10.99.0.9", Verdict::Refused));
}

#[tokio::test]
async fn a_device_without_our_ca_is_refused_in_the_word_of_tls() {
    let (kit, net, _) = redirected().await;
    let words = [&BET[..], &["--interface", WIRED_GUEST, "https://bet.example/"]].concat();
    let refused = net.curl(&kit, "outside.pem", &words).await;
    assert!(refused.contains("[site 000") && refused.to_lowercase().contains("access denied"), "{refused}");
    assert_eq!(kit.decision().await.verdict, Verdict::Block);
}
