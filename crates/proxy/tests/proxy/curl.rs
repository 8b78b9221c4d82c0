//! The proxy as a client that is not ours sees it. `cargo xtask test` installs curl where it is missing.

use tokio::process::Command;

use crate::kit::*;

/// What curl prints: the responses' heads and bodies, then its own word on the proxy's and the site's status.
pub(crate) async fn curl(kit: &Kit, source: &str, ca: &str, words: &[&str]) -> String {
    let proxy = format!("http://{}", kit.address);
    let ca = kit.keys.path().join(ca);
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "20", "--noproxy", ""])
        .args(["--proxy", &proxy, "--interface", source, "--cacert"])
        .arg(ca)
        .args(["--write-out", "\n[connect %{http_connect} site %{http_code} verify %{ssl_verify_result}]"])
        .args(words)
        .env_clear()
        .output()
        .await
        .expect("curl is needed for this test");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn curl_gets_sites_and_redirects() {
    let kit = Kit::start().await;
    let page = curl(&kit, TESS, "outside.pem", &["http://news.example/"]).await;
    assert!(page.contains("content\n[connect 000 site 200"), "{page}");
    let blocked = curl(&kit, TESS, "ca.pem", &["http://bet.example/"]).await;
    assert!(blocked.contains("portal.school.test/blocked?t=") && blocked.contains("site 303"), "{blocked}");
    let tunnelled = curl(&kit, TESS, "outside.pem", &["https://news.example/"]).await;
    assert!(tunnelled.contains("content\n[connect 200 site 200 verify 0]"), "{tunnelled}");
}

#[tokio::test]
async fn curl_sees_a_local_answer_without_a_warning() {
    let kit = Kit::start().await;
    let blocked = curl(&kit, TESS, "ca.pem", &["https://bet.example/odds"]).await;
    assert!(blocked.contains("[connect 200 site 303 verify 0]"), "{blocked}");
    let gate = curl(&kit, NOBODY, "ca.pem", &["https://news.example/"]).await;
    assert!(gate.contains("portal.school.test/agree?t=") && gate.contains("verify 0]"), "{gate}");
    let phone = curl(&kit, GUEST, "outside.pem", &["https://bet.example/"]).await;
    assert!(phone.contains("HTTP/1.1 403") && phone.contains("[connect 403 site 000"), "{phone}");
    assert_eq!(kit.origin_connections(), 0);
}

#[tokio::test]
async fn curl_uploads_and_asks_for_parts() {
    let kit = Kit::start().await;
    let upload =
        ["--data-binary", "@Cargo.toml", "--header", "Transfer-Encoding: chunked", "http://news.example/silent"];
    let uploading = curl(&kit, TESS, "ca.pem", &upload);
    // The origin of these tests reads no chunks, so it is enough that the request arrives as it should.
    tokio::select! {
        _ = uploading => panic!("the origin never answers"),
        () = soon(kit.origin.arrived.notified()) => {}
    }
    let seen = kit.origin.requests.lock().unwrap().remove(0);
    assert!(seen.starts_with("POST /silent HTTP/1.1\r\n") && seen.contains("transfer-encoding: chunked"), "{seen}");
    assert!(seen.contains("user-agent: curl/") && !seen.contains("proxy-connection"), "{seen}");
}
