//! Knowing people by what the network says of them, in the processes of a school: RADIUS, leases, tickets.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "../../../identity/tests/kerberos/realm.rs"]
#[allow(dead_code, reason = "what shows a ticket is curl itself here")]
mod realm;

use self::realm::{REALM, Realm};
use crate::school::{GATED, POLICY, REFUSED, School, after, done};
use crate::service::{PROGRAM, free, said};

const NEWS: &str = "http://news.example/";
const SECRET: &str = "a secret of this peer";

/// A file that only its owner may read.
fn secret(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// Whether FreeRADIUS' client was answered.
fn radclient(to: SocketAddr, attributes: &str) -> bool {
    let mut client = Command::new("radclient")
        .args(["-x", "-r", "2", "-t", "1", &to.to_string(), "acct", SECRET])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(attributes.as_bytes()).unwrap();
    client.wait_with_output().unwrap().status.success()
}

fn accounting(status: &str, address: &str, mac: &str) -> String {
    let now = schoolgate_runtime::Clock::system().now().as_second();
    format!(
        "Acct-Status-Type = {status}\nAcct-Session-Id = \"{address}\"\nUser-Name = \"tess@school.example\"\n\
         Calling-Station-Id = \"{mac}\"\nFramed-IP-Address = {address}\nEvent-Timestamp = {now}\n\
         Message-Authenticator = 0x00\n"
    )
}

#[tokio::test]
async fn radius_names_a_person_and_a_table_her_device() {
    let radius = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut school = School::start(POLICY, |folder| {
        let secret = secret(folder, "secret", SECRET.as_bytes());
        let table = folder.join("devices.csv");
        let devices = "address,mac,device,class\n,00:11:22:aa:bb:01,laptop-7,school\n\
            127.0.0.7,00:11:22:aa:bb:02,library-pc,shared\n";
        fs::write(&table, devices).unwrap();
        format!(
            "[who]\nrealms = [\"school.example\"]\nleases = [{{ file = \"{}\", format = \"table\" }}]\n\
             [who.radius]\nlisten = \"{radius}\"\n[[who.radius.peers]]\naddress = \"127.0.0.1\"\nsecret_file = \"{}\"\n",
            table.display(),
            secret.display()
        )
    });
    let first = school.curl_from("127.0.0.5", NEWS);
    assert!(first.contains(GATED), "{first}\n{}", school.log());
    school.comes_to("outcome=\"read\"} 1", || school.metrics());

    assert!(radclient(radius, &accounting("Start", "127.0.0.5", "00-11-22-AA-BB-01")), "{}", school.log());
    let known = school.curl_from("127.0.0.5", NEWS);
    assert!(known.contains(REFUSED), "{known}");
    let other = school.curl_from("127.0.0.6", NEWS);
    assert!(other.contains(GATED), "{other}");
    // Whoever signs in to a shared device leaves it to somebody else.
    assert!(radclient(radius, &accounting("Start", "127.0.0.7", "00-11-22-AA-BB-02")));
    let shared = school.curl_from("127.0.0.7", NEWS);
    assert!(shared.contains(GATED), "{shared}");

    let stranger =
        format!("{}Packet-Src-IP-Address = 127.0.0.9\n", accounting("Start", "127.0.0.6", "00-11-22-AA-BB-03"));
    assert!(!radclient(radius, &stranger));
    let metrics = school.metrics();
    for line in [
        "schoolgate_identity_radius_packets_total{outcome=\"taken\"} 2",
        "schoolgate_identity_requests_total{strength=\"lease\"} 1",
        "schoolgate_identity_requests_total{strength=\"none\"} 3",
        "schoolgate_identity_radius_packets_total{outcome=\"stranger\"}",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(radclient(radius, &accounting("Stop", "127.0.0.5", "00-11-22-AA-BB-01")));
    let gone = school.curl_from("127.0.0.5", NEWS);
    assert!(gone.contains(GATED), "{gone}");
    school.stop();
    assert!(!school.log().contains("tess"), "a log-in is in the log:\n{}", school.log());
    let mut attributed = school.attributed().await;
    attributed.retain(|(has_person, _, device)| *has_person || device.is_some());
    attributed.sort();
    let expected = [
        (false, "none".to_owned(), Some("library-pc".to_owned())),
        (true, "lease".to_owned(), Some("laptop-7".to_owned())),
    ];
    assert_eq!(attributed, expected);
}

#[test]
fn a_ticket_names_a_person() {
    let realm = Realm::new("aes256-cts-hmac-sha1-96");
    let school = School::start(POLICY, |folder| {
        let keytab = secret(folder, "keytab", &realm.keytab());
        format!(
            "[who]\nrealms = [\"{REALM}\"]\nkerberos = {{ keytab = \"{}\", networks = [\"127.0.0.0/8\"] }}\n",
            keytab.display()
        )
    });
    let unasked = school.curl_from("127.0.0.1", NEWS);
    assert!(
        unasked.contains("407") && unasked.contains("proxy-authenticate: Negotiate"),
        "{unasked}\n{}",
        school.log()
    );
    let proxy = format!("http://localhost:{}", school.proxy.port());
    let shown = realm
        .command("curl")
        .args(["-sS", "-i", "--max-time", "20", "-H", "Accept: text/html", "--proxy-negotiate", "--proxy-user", ":"])
        .args(["-x", &proxy, NEWS])
        .output();
    let shown = said(&shown.unwrap());
    assert!(shown.contains(REFUSED), "{shown}\n{}", school.log());
    let metrics = school.metrics();
    assert!(metrics.contains("schoolgate_identity_requests_total{strength=\"connection\"} 1"), "{metrics}");
}

#[test]
fn a_technician_sees_what_the_gateway_tells_control() {
    let school = School::start(POLICY, |_| String::new());
    let first = school.curl_from("127.0.0.1", NEWS);
    assert!(first.contains(GATED), "{first}\n{}", school.log());
    school.sign_in();
    // Control has not been started again, nor has the link been broken.
    school.comes_to("of Mozilla", || school.page("/manage/gateway", &[]));
}

#[test]
fn a_phone_hears_that_the_web_is_open_once_its_person_has_agreed() {
    let signed = POLICY.replace("audience =", "sign = { gate = true }\naudience =");
    let school = School::start(&signed, |_| String::new());
    let first = school.curl_from("127.0.0.1", NEWS);
    assert!(first.contains(GATED), "{first}\n{}", school.log());
    school.comes_to("\"captive\":true", || school.captive());
    let closed = school.captive();
    assert!(closed.contains("content-type: application/captive+json"), "{closed}");
    assert!(closed.contains("\"user-portal-url\":\"https://schoolgate.internal/\""), "{closed}");

    school.sign_in();
    let unsigned = school.captive();
    assert!(unsigned.contains("\"captive\":true"), "{unsigned}");
    let page = school.page("/agree", &[]);
    let names = ["token", "policy", "version", "edition", "text", "t"];
    let values = names.map(|name| after(&page, &format!("name=\"{name}\" value=\"")));
    let fields: Vec<(&str, &str)> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
    let agreed = school.page("/agree", &fields);
    assert!(agreed.contains("303"), "{agreed}");
    let open = school.captive();
    assert!(open.contains("\"captive\":false"), "{open}\n{}", school.log());
}

/// A device authority, and a certificate of it for `device`, in `folder`.
fn certify(folder: &Path, device: &str) {
    let extensions = folder.join("extensions");
    fs::write(&extensions, "basicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth\n").unwrap();
    let openssl = |words: &str| {
        done(Command::new("openssl").args(words.split(' ')).current_dir(folder), "");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out devices.pem -days 30 -subj /CN=devices"));
    openssl(&format!("req {key} -keyout device.key -out device.csr -subj /CN={device}"));
    openssl(
        "x509 -req -in device.csr -CA devices.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out device.pem",
    );
}

#[test]
fn a_device_proves_whose_it_is_by_its_token_or_its_certificate() {
    let tls = free();
    let mut token = String::new();
    let school = School::start(POLICY, |folder| {
        certify(folder, "trolley-7");
        let added = Command::new(PROGRAM)
            .args(["device", "add", "trolley-7", "--class", "school-device", "--managed", "--of", "tess", "--data"])
            .arg(folder.join("data"))
            .output();
        token = said(&added.unwrap()).trim().rsplit(' ').next().unwrap().to_owned();
        format!("tls = [\"{tls}\"]\n[who]\ndevice_authorities = [\"{}\"]\n", folder.join("devices.pem").display())
    });
    let file = |name: &str| school.folder.path().join(name).display().to_string();
    let ask = |more: &[&str]| {
        let proxy = format!("https://schoolgate.internal:{}", tls.port());
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--retry", "60", "--retry-delay", "1", "--retry-connrefused", "--header", "Accept: text/html"])
            .args(["--proxy-cacert", &file("data/keys/ca.pem"), "--proxy", &proxy])
            .args(["--resolve", &format!("schoolgate.internal:{}:127.0.0.1", tls.port())])
            .args(more)
            .arg(NEWS)
            .output();
        said(&output.unwrap())
    };
    // The listener may be there before the CA's certificate is.
    school.comes_to(GATED, || ask(&[]));
    let by_token = ask(&["--proxy-user", &format!("trolley-7:{token}")]);
    assert!(by_token.contains(REFUSED), "{by_token}\n{}", school.log());
    let by_certificate = ask(&["--proxy-cert", &file("device.pem"), "--proxy-key", &file("device.key")]);
    assert!(by_certificate.contains(REFUSED), "{by_certificate}\n{}", school.log());
}
