//! The door over TLS and HTTPS, as `kdig` and `curl` see it.

use schoolgate_base::Strength;
use schoolgate_event::Verdict;
use schoolgate_testkit::{ChromiumError, page_under_policies};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::kit::*;

#[tokio::test]
async fn kdig_asks_over_tls() {
    let kit = Kit::start().await;
    let answer = kit.kdig(kit.tls, "+tls +padding www.site.example A shop.example A bet.example A").await;
    assert!(answer.contains("192.0.2.1") && answer.contains("192.0.2.7") && answer.contains("NXDOMAIN"), "{answer}");
    assert!(answer.contains("TLS session (TLS1.3)"), "{answer}");
    assert!(answer.contains("Received 468 B"), "answers are padded: {answer}");
}

#[tokio::test]
async fn kdig_asks_over_https() {
    let kit = Kit::start().await;
    for way in ["+https=/dns-query", "+https=/dns-query +https-get", "+https=/dns-query/riverside"] {
        let answer = kit.kdig(kit.https, &format!("{way} www.site.example A")).await;
        assert!(answer.contains("192.0.2.1") && answer.contains("HTTP/2"), "{answer}");
        assert_eq!(kit.records.decision().who.strength, Strength::Address);
    }
    let other = kit.kdig(kit.https, "+https=/dns-query/hillside www.site.example A").await;
    assert!(!other.contains("192.0.2.1"), "another school's path: {other}");
}

#[tokio::test]
async fn a_devices_path_says_who_it_is() {
    let kit = Kit::start().await;
    let path = "+https=/dns-query/riverside/laptop-1";
    let known = kit.kdig(kit.https, &format!("{path}/secret www.site.example A")).await;
    assert!(known.contains("192.0.2.1"), "{known}");
    let decision = kit.records.decision();
    assert_eq!((decision.who.strength, decision.verdict), (Strength::Connection, Verdict::Allow));
    assert_eq!(decision.who.device.unwrap().as_str(), "laptop-1");
    let unknown = kit.kdig(kit.https, &format!("{path}/guess www.site.example A")).await;
    assert!(unknown.contains("REFUSED") && kit.records.is_empty(), "{unknown}");
}

async fn curl(kit: &Kit, words: &[&str]) -> String {
    let ca = kit.keys.path().join("ca.pem");
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--cacert"]).arg(ca).args(words);
    run(&mut command).await
}

#[tokio::test]
async fn curl_finds_a_site_by_it() {
    let kit = Kit::start().await;
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = site.local_addr().unwrap().port();
    kit.tasks.spawn("site", async move {
        let (mut stream, _) = site.accept().await.unwrap();
        assert!(0 < stream.read(&mut [0; 4_096]).await.unwrap());
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfound").await.unwrap();
    });
    let door = format!("https://127.0.0.1:{}/dns-query", kit.https.port());
    let found = curl(&kit, &["--doh-url", &door, &format!("http://files.inner.example:{port}/")]).await;
    assert_eq!(found, "found");
    let blocked = curl(&kit, &["--doh-url", &door, "http://bet.example/"]).await;
    assert!(blocked.contains("(6)"), "{blocked}");
}

/// What a browser is told by policy, it asks for names.
#[tokio::test]
async fn chromium_finds_a_site_by_it() {
    let kit = Kit::start().await;
    let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = site.local_addr().unwrap().port();
    let tasks = kit.tasks.clone();
    kit.tasks.spawn("site", async move {
        while let Ok((mut stream, _)) = site.accept().await {
            tasks.spawn("visit", async move {
                // A browser opens more connections than it needs.
                if stream.read(&mut [0; 4_096]).await.unwrap() == 0 {
                    return;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfound").await.unwrap();
            });
        }
    });
    let policies = json!({
        "DnsOverHttpsMode": "secure",
        "DnsOverHttpsTemplates": format!("https://127.0.0.1:{}/dns-query", kit.https.port()),
    });
    let trusting = format!("--ignore-certificate-errors-spki-list={}", kit.key_hash());
    let found = page_under_policies(&policies, &[&trusting], &format!("http://files.inner.example:{port}/")).await;
    assert!(found.as_ref().is_ok_and(|page| page.contains("found")), "{found:?}");
    let blocked = page_under_policies(&policies, &[&trusting], "http://bet.example/").await;
    assert!(matches!(blocked, Err(ChromiumError::Failed { .. })), "{blocked:?}");
    assert_eq!(kit.records.decision_on("bet.example").verdict, Verdict::Block);
}

#[tokio::test]
async fn http_is_answered_in_its_own_words() {
    let kit = Kit::start().await;
    let door = format!("https://127.0.0.1:{}", kit.https.port());
    // `www.site.example`, type A (RFC 8484 §4.1.1).
    let query = "AAABAAABAAAAAAAAA3d3dwRzaXRlB2V4YW1wbGUAAAEAAQ";
    let print = [
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code} %{http_version} %header{content-type} %header{cache-control}",
    ];
    let get =
        async |path: String, more: &[&str]| curl(&kit, &[&print[..], more, &[&format!("{door}{path}")]].concat()).await;
    let answered = "application/dns-message max-age=300";
    assert_eq!(get(format!("/dns-query?dns={query}"), &[]).await, format!("200 2 {answered}"));
    assert_eq!(get(format!("/dns-query?dns={query}"), &["--http1.1"]).await, format!("200 1.1 {answered}"));
    for (path, more, expected) in [
        ("/dns-query", &[][..], "400 "),
        ("/dns-query?dns=!!!!", &[], "400 "),
        ("/", &[], "404 "),
        ("/dns-query/riverside/laptop-1", &[], "404 "),
        ("/dns-queries", &[], "404 "),
        ("/dns-query", &["--request", "PUT"], "405 "),
        ("/dns-query", &["--data", "x"], "415 "),
        ("/dns-query", &["--header", "Content-Type: application/dns-message", "--data", "x"], "400 "),
        ("/dns-query", &["--header", "Content-Type: application/dns-message", "--data-binary", "@/bin/true"], "413 "),
    ] {
        let answer = get(path.to_owned(), more).await;
        assert!(answer.starts_with(expected), "{path} {more:?}: {answer}");
    }
}
