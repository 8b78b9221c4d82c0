//! What real programs make of the files.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::*;

const PEM: &str = "words before\n-----BEGIN CERTIFICATE-----\nAAEC\nAwQ=\n-----END CERTIFICATE-----\n\
                   -----BEGIN CERTIFICATE-----\nBQYH\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nof no end";

fn setup(doh: Option<&str>) -> Setup {
    Setup {
        school: "St John's <& \"Riverside\">".into(),
        certificates: Certificate::read_all(PEM),
        retired: Vec::new(),
        pac: "http://10.0.0.5:3128/proxy.pac".into(),
        away: None,
        doh: doh.map(str::to_owned),
    }
}

/// What `program` prints when it is fed `input`.
#[track_caller]
fn through(program: &str, arguments: &[&str], input: &str) -> String {
    let pipes = || Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = pipes().unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} does not take:\n{input}");
    String::from_utf8(output.stdout).unwrap()
}

/// Another reader of property lists; of data it tells the length.
const TO_JSON: &str = "import json, plistlib, sys; \
                       print(json.dumps(plistlib.load(sys.stdin.buffer, fmt=plistlib.FMT_XML), default=len))";

fn read_again(setup: &Setup) -> Value {
    serde_json::from_str(&through("python3", &["-c", TO_JSON], &apple(setup).unwrap())).unwrap()
}

#[test]
fn certificates_are_read_one_by_one() {
    let read = Certificate::read_all(PEM);
    assert_eq!(read.iter().map(Certificate::base64).collect::<Vec<_>>(), ["AAECAwQ=", "BQYH"]);
    assert_eq!(read[0].pem(), "-----BEGIN CERTIFICATE-----\nAAEC\nAwQ=\n-----END CERTIFICATE-----");
}

#[test]
fn an_apple_profile_holds_what_was_said() {
    let profile = read_again(&setup(Some("https://portal.test/dns-query")));
    assert_eq!(profile["PayloadOrganization"], "St John's <& \"Riverside\">");
    let payloads = profile["PayloadContent"].as_array().unwrap();
    let kinds: Vec<&str> = payloads.iter().map(|one| one["PayloadType"].as_str().unwrap()).collect();
    let root = "com.apple.security.root";
    assert_eq!(kinds, [root, root, "com.apple.proxy.http.global", "com.apple.dnsSettings.managed"]);
    assert_eq!((&payloads[0]["PayloadContent"], &payloads[1]["PayloadContent"]), (&5.into(), &3.into()));
    assert_eq!(payloads[2]["ProxyPACURL"], "http://10.0.0.5:3128/proxy.pac");
    assert_eq!(payloads[3]["DNSSettings"]["ServerURL"], "https://portal.test/dns-query");
    let mut ids: Vec<&str> = payloads.iter().map(|one| one["PayloadUUID"].as_str().unwrap()).collect();
    ids.push(profile["PayloadUUID"].as_str().unwrap());
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn a_profile_loaded_again_replaces_the_one_before() {
    assert_eq!(apple(&setup(None)).unwrap(), apple(&setup(None)).unwrap());
    let other = Setup { certificates: Certificate::read_all(PEM).split_off(1), ..setup(None) };
    assert_eq!(read_again(&other)["PayloadIdentifier"], read_again(&setup(None))["PayloadIdentifier"]);
    assert_ne!(read_again(&other)["PayloadUUID"], read_again(&setup(None))["PayloadUUID"]);
    assert_eq!(read_again(&other)["PayloadContent"].as_array().unwrap().len(), 2);
}

#[test]
fn browsers_ask_names_where_the_school_answers() {
    let (with, without) = (setup(Some("https://portal.test/dns-query")), setup(None));
    assert_eq!(chromium(&without)["DnsOverHttpsMode"], "off");
    assert_eq!(chromium(&with)["DnsOverHttpsTemplates"], "https://portal.test/dns-query");
    assert_eq!(chromium(&with)["CACertificates"].as_array().unwrap().len(), 2);
    assert_eq!(firefox(&without, &[])["policies"]["DNSOverHTTPS"]["Enabled"], false);
    assert_eq!(firefox(&with, &[])["policies"]["DNSOverHTTPS"]["ProviderURL"], "https://portal.test/dns-query");
}

/// What a policy's address holds.
#[track_caller]
fn unwrapped(address: &Value) -> String {
    let encoded = address.as_str().unwrap().strip_prefix("data:application/x-ns-proxy-autoconfig;base64,").unwrap();
    String::from_utf8(BASE64.decode(encoded.as_bytes()).unwrap()).unwrap()
}

#[test]
fn browsers_that_go_home_have_their_way_with_them_and_the_rest_has_the_one_in_school() {
    let pac = "function FindProxyForURL(url, host) {\n  return \"HTTPS gw1.test:3129; HTTPS gw2.test:3129\";\n}\n";
    let setup = Setup { away: Some(pac.to_owned()), ..setup(Some("https://portal.test:8443/dns-query")) };
    assert_eq!(unwrapped(&chromium(&setup)["ProxySettings"]["ProxyPacUrl"]), pac);
    assert_eq!(unwrapped(&firefox(&setup, &[])["policies"]["Proxy"]["AutoConfigURL"]), pac);
    assert_eq!(chromium(&setup)["DnsOverHttpsMode"], "off", "the school's names may not answer at home");
    assert_eq!(firefox(&setup, &[])["policies"]["DNSOverHTTPS"]["Enabled"], false);
    let script = windows(&setup).unwrap();
    assert!(
        script.contains("$pac = 'http://10.0.0.5:3128/proxy.pac'"),
        "Windows itself knows no proxy over TLS: {script}"
    );
    assert_eq!(script.matches("data:application/x-ns-proxy-autoconfig").count(), 2, "{script}");
    assert_eq!(read_again(&setup)["PayloadContent"][2]["ProxyPACURL"], "http://10.0.0.5:3128/proxy.pac");
}

#[test]
fn what_was_in_use_before_is_taken_off_again_and_nothing_else() {
    let retired = Certificate::read_all("-----BEGIN CERTIFICATE-----\nBwgJ\n-----END CERTIFICATE-----");
    let setup = Setup { retired, ..setup(None) };
    let script = windows(&setup).unwrap();
    let lists: Vec<&str> = script.lines().filter(|line| line.contains(" = @(")).collect();
    assert_eq!(lists, ["$certificates = @('AAECAwQ=', 'BQYH')", "$retired = @('BwgJ')"], "{script}");
    assert!(script.contains("foreach ($one in $retired) {\n    $store.Remove("), "{script}");
    assert!(windows(&super::tests::setup(None)).unwrap().contains("$retired = @()\n"));
    let script = linux(&setup).unwrap();
    let (cleared, written) = script.split_once("schoolgate-*.crt\n").unwrap();
    assert!(
        cleared.ends_with("rm -f /usr/local/share/ca-certificates/") && written.contains("schoolgate-1.crt"),
        "{script}"
    );
}

#[test]
fn a_shell_reads_the_script_for_linux() {
    let script = linux(&setup(None)).unwrap();
    through("sh", &["-n"], &script);
    assert!(script.contains("\"/usr/local/share/ca-certificates/schoolgate-2.crt\""), "{script}");
    assert!(script.contains(&Certificate::read_all(PEM)[0].pem()), "{script}");
}

#[test]
fn nothing_leaves_its_quotes_in_the_script_for_windows() {
    let odd = Setup { pac: "http://it's:3128/proxy.pac".into(), ..setup(None) };
    let script = windows(&odd).unwrap();
    assert!(script.contains("$pac = 'http://it''s:3128/proxy.pac'"), "{script}");
    assert!(script.contains("@('AAECAwQ=', 'BQYH')"), "{script}");
    assert!(!script.contains("DnsOverHttpsTemplates"), "{script}");
    let with = windows(&setup(Some("https://portal.test/dns-query"))).unwrap();
    assert!(with.contains("'DnsOverHttpsTemplates' 'https://portal.test/dns-query'"), "{with}");
}
