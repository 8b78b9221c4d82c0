//! The school's CA as devices and technicians meet it: lists that strict clients ask for, and the next CA.

use std::fs;
use std::process::{Command, Stdio};

use crate::service::{Service, said};

const PROGRAM: &str = env!("CARGO_BIN_EXE_schoolgate");

/// What openssl says when it is given `input`.
fn openssl(words: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is needed for this test");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_strict_client_finds_the_list_that_its_certificate_points_to() {
    let service = Service::start();
    service.curl("https://schoolgate.internal/");
    let proxy = service.proxy.to_string();
    let shown = openssl(&["s_client", "-proxy", &proxy, "-connect", "schoolgate.internal:443"], "");
    let leaf = openssl(&["x509", "-noout", "-text"], &shown);
    let list = leaf.split("URI:").nth(1).unwrap_or_else(|| panic!("no list: {leaf}")).lines().next().unwrap().trim();
    assert!(list.starts_with(&format!("http://{proxy}/ca/")), "{list}");
    let (der, pem) = (service.data().join("list.crl"), service.data().join("list.pem"));
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--noproxy", "*", "--output"]).arg(&der).arg(list);
    let fetched = curl.status().unwrap();
    assert!(fetched.success());
    let [der, pem] = [&der, &pem].map(|path| path.to_str().unwrap());
    openssl(&["crl", "-inform", "DER", "-in", der, "-out", pem], "");
    let proxy = format!("http://{proxy}");
    let strict = service.curl_with(&["--crlfile", pem, "--proxy", &proxy, "https://schoolgate.internal/"]);
    assert!(strict.contains("HTTP/1.1 200") || strict.contains("HTTP/1.1 303"), "{strict}");
}

#[test]
fn a_technician_makes_the_next_ca_and_has_it_sign() {
    let service = Service::start();
    service.curl("https://schoolgate.internal/");
    let data = service.data();
    let ca = |words: &[&str]| {
        let output = Command::new(PROGRAM).arg("ca").args(words).arg("--data").arg(&data).output().unwrap();
        (output.status.success(), said(&output))
    };
    let before = fs::read_to_string(data.join("keys/ca.pem")).unwrap();
    let (is_shown, text) = ca(&["show"]);
    assert!(is_shown && text.starts_with("In use, until ") && !text.contains("Next"), "{text}");
    assert!(!ca(&["switch"]).0, "there is none to switch to");
    let (is_made, text) = ca(&["next"]);
    assert!(is_made && text.contains("Next, signs from "), "{text}");
    let (is_made, text) = ca(&["next"]);
    assert!(!is_made && text.contains("a next CA is there already"), "{text}");
    assert!(ca(&["switch"]).0);
    // The signer looks once a minute; one that starts looks at once.
    service.kill("signer");
    service.logged("the next CA is in use");
    let (_, text) = ca(&["show"]);
    assert!(!text.contains("Next"), "{text}");
    assert_ne!(fs::read_to_string(data.join("keys/ca.pem")).unwrap(), before);
}

#[test]
fn the_schools_own_ca_among_the_roots_is_refused_at_the_start() {
    let service = Service::start();
    service.curl("https://schoolgate.internal/");
    let (data, file) = (service.data(), service.data().join("own.toml"));
    fs::write(&file, format!("[tls]\nroots = [\"{}\"]\n", data.join("keys/ca.pem").display())).unwrap();
    let mut serve = Command::new(PROGRAM);
    let refused = serve.args(["serve", "--data"]).arg(&data).arg("--settings").arg(&file).output().unwrap();
    assert!(!refused.status.success() && said(&refused).contains("is the school's own CA"), "{}", said(&refused));
}
