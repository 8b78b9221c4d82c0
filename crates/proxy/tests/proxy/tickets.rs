//! Kerberos at the proxy: a real KDC, and curl with its user's ticket.

use std::sync::Arc;

use schoolgate_base::{Capacity, Network, PersonId, Strength};
use schoolgate_identity::{Acceptor, LoginTable};
use schoolgate_proxy::Negotiate;
use schoolgate_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::*;
use crate::realm::{REALM, Realm};

/// A school in which computers of [`NOBODY`]'s network are asked for tickets, by the KDC's time.
async fn kit(realm: &Realm) -> Kit {
    let logins = LoginTable::new([("tess", PersonId::new("tess").unwrap(), Capacity::Staff)], &[REALM]);
    let negotiate = Negotiate {
        acceptor: Arc::new(Acceptor::new(&realm.keytab()).unwrap()),
        logins: Arc::new(logins),
        asks: vec![Network { address: NOBODY.parse().unwrap(), prefix: 32 }],
    };
    let kit = Kit::start_as(|settings| settings.negotiate = Some(negotiate)).await;
    kit.clock.set(Clock::system().now()).unwrap();
    kit
}

/// What curl prints from `source`; with `is_asked`, it answers challenges with the user's ticket.
async fn curl(kit: &Kit, realm: &Realm, source: &str, is_asked: bool, words: &[&str]) -> String {
    let mut command = tokio::process::Command::from(realm.command("curl"));
    // By name: a ticket is for a name.
    let proxy = format!("http://localhost:{}", kit.address.port());
    command.args(["-sS", "-4", "-i", "--max-time", "20", "--noproxy", "", "--interface", source, "-x", &proxy]);
    if is_asked {
        command.args(["--proxy-negotiate", "--proxy-user", ":"]);
    }
    let output = command.args(words).output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const TAKEN: &str = "schoolgate_proxy_tickets_total{outcome=\"taken\"}";

#[tokio::test]
async fn a_ticket_says_who_it_is_on_its_connection() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    let words = ["http://news.example/", "http://news.example/again"];
    let page = curl(&kit, &realm, NOBODY, true, &words).await;
    assert_eq!(page.matches("HTTP/1.1 200").count(), 2, "{page}");
    for _ in 0..2 {
        let decision = kit.decision().await;
        assert_eq!(decision.who.strength, Strength::Connection);
        assert_eq!(decision.who.person.unwrap().to_string(), "tess000000000000");
    }
}

#[tokio::test]
async fn a_ticket_counts_for_its_connection_alone() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    let (realm, header) = kit
        .tasks
        .run_blocking("curl", move || {
            let header = realm.proxy_authorization();
            (realm, header)
        })
        .await
        .unwrap();
    let request = |header: &str| format!("GET http://news.example/ HTTP/1.1\r\nHost: news.example\r\n{header}\r\n");
    let with_ticket = request(&format!("Proxy-Authorization: {header}\r\n"));
    let mut stream = kit.dial(NOBODY).await;
    // With the ticket, again with the same, and without.
    for request in [&with_ticket, &with_ticket, &request("")] {
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
        let mut body = [0; 7];
        stream.read_exact(&mut body).await.unwrap();
        assert_eq!(kit.decision().await.who.strength, Strength::Connection);
    }
    assert_eq!(kit.count(TAKEN), 1);
    // On another connection it is somebody's who listened.
    let mut other = kit.dial(NOBODY).await;
    other.write_all(with_ticket.as_bytes()).await.unwrap();
    assert!(read_head(&mut other).await.starts_with("HTTP/1.1 407"));
    assert_eq!(kit.count("schoolgate_proxy_tickets_total{outcome=\"replayed\"}"), 1);
    drop(realm);
}

#[tokio::test]
async fn a_ticket_opens_a_tunnel() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    let outside = kit.keys.path().join("outside.pem").display().to_string();
    let page = curl(&kit, &realm, NOBODY, true, &["--cacert", &outside, "https://news.example/"]).await;
    assert!(page.ends_with("content"), "{page}");
    assert_eq!(kit.decision().await.who.strength, Strength::Connection);
}

#[tokio::test]
async fn without_a_ticket_there_is_a_challenge_where_computers_have_one() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    let page = curl(&kit, &realm, NOBODY, false, &["http://news.example/"]).await;
    assert!(page.starts_with("HTTP/1.1 407") && page.contains("proxy-authenticate: Negotiate"), "{page}");
    // What is open for all, for updates as the system, is reached without one.
    let open = curl(&kit, &realm, NOBODY, false, &["http://open.example/"]).await;
    assert!(open.starts_with("HTTP/1.1 200"), "{open}");
    // Elsewhere nobody is asked.
    let elsewhere = curl(&kit, &realm, PIA, false, &["http://news.example/"]).await;
    assert!(!elsewhere.contains("407"), "{elsewhere}");
    assert_eq!(kit.count(TAKEN), 0);
}

#[tokio::test]
async fn a_challenge_is_answered_on_its_connection() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    let shown = kit.tasks.run_blocking("curl", move || (realm.proxy_authorization(), realm));
    let (header, _realm) = shown.await.unwrap();
    let mut stream = kit.dial(NOBODY).await;
    stream.write_all(b"CONNECT news.example:443 HTTP/1.1\r\nHost: news.example:443\r\n\r\n").await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 407"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let answer = format!("CONNECT news.example:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {header}\r\n\r\n");
    stream.write_all(answer.replace("Host: x", "Host: news.example:443").as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn a_ticket_that_does_not_count_is_asked_for_again() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let kit = kit(&realm).await;
    // The gateway's clock is wrong.
    kit.clock.advance(jiff::SignedDuration::from_mins(10)).unwrap();
    let page = curl(&kit, &realm, NOBODY, true, &["http://news.example/"]).await;
    assert!(page.contains("HTTP/1.1 407") && !page.contains("HTTP/1.1 200"), "{page}");
    assert!(kit.count("schoolgate_proxy_tickets_total{outcome=\"skew\"}") > 0);
    let open = curl(&kit, &realm, NOBODY, true, &["http://open.example/"]).await;
    assert!(open.starts_with("HTTP/1.1 200"), "{open}");
    let ntlm = "GET http://news.example/ HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\
                Proxy-Authorization: Negotiate TlRMTVNTUAABAAAA\r\n\r\n";
    assert!(kit.raw(NOBODY, ntlm.as_bytes()).await.starts_with("HTTP/1.1 407"));
    assert_eq!(kit.count("schoolgate_proxy_tickets_total{outcome=\"mechanism\"}"), 1);
}
