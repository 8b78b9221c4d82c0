//! Knowing people by what the network says of them, in the processes of a school: RADIUS, leases, tickets.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_eventlog::{EventLog, Evidence, Filter, Range, Settings};
use tempfile::TempDir;

#[path = "../../../identity/tests/kerberos/realm.rs"]
#[allow(dead_code, reason = "what shows a ticket is curl itself here")]
mod realm;

use self::realm::{REALM, Realm};
use crate::service::{PROGRAM, free, said};

const SCHOOL: &str = "[school]\nid = \"riverside\"\nname = \"Riverside Primary\"\n[calendar]\nzone = \"Europe/London\"\n\
    [places.building]\nnetworks = [\"127.0.0.0/8\"]\ntrusts_ca = true\n[roles.it-technician]\ntitle = \"technician\"\n";
/// Staff are refused one site, so that a refusal shows whose rules hold.
const POLICY: &str = "+++\npolicy = \"staff-ict\"\ntitle = \"Staff\"\nversion = \"1.0\"\naudience = [\"staff\"]\n+++\n\n\
    1.1 {#news} We do not read the news at work.\n\n```control\n[[web]]\nblock = [\"news.example\"]\nfor = \"staff\"\n```\n";
const PEOPLE: &str = "mis_id,name,capacity,login\n1,Tess Teacher,staff,tess\n";
const NEWS: &str = "http://news.example/";
const SECRET: &str = "a secret of this peer";

const REFUSED: &str = "location: https://schoolgate.internal/blocked?t=";
const GATED: &str = "location: https://schoolgate.internal/agree?t=";

/// A school of one teacher, who is its technician.
struct School {
    folder: TempDir,
    supervisor: Child,
    proxy: SocketAddr,
    metrics: SocketAddr,
    portal: SocketAddr,
}

impl School {
    /// `more` are settings, of `[proxy]` first; it is given the folder in which the school lies, for what they name.
    fn start(policy: &str, more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        fs::create_dir(path("pack")).unwrap();
        write("pack/school.toml", SCHOOL);
        write("pack/staff-ict.md", policy);
        write("people.csv", PEOPLE);
        let (data, pack, people) = (path("data"), path("pack"), path("people.csv"));
        let words = ["init", "--school", "riverside", "--name", "Riverside Primary", "--policy"];
        done(Command::new(PROGRAM).args(words).arg(pack).arg("--data").arg(&data), "");
        done(Command::new(PROGRAM).args(["people", "import", "--apply", "--data"]).arg(&data).arg(people), "");
        done(Command::new(PROGRAM).args(["people", "password", "--data"]).arg(&data).arg("tess"), PASSWORD);
        done(Command::new(PROGRAM).args(["people", "office", "--data"]).arg(&data).args(["tess", "it-technician"]), "");
        let (proxy, portal, metrics) = (free(), free(), free());
        let settings = format!(
            "[portal]\nlisten = \"{portal}\"\n[metrics]\nlisten = \"{metrics}\"\n[proxy]\nlisten = \"{proxy}\"\n{}",
            more(folder.path())
        );
        write("schoolgate.toml", &settings);
        let supervisor = Command::new(PROGRAM)
            .args(["serve", "--data"])
            .arg(&data)
            .arg("--settings")
            .arg(path("schoolgate.toml"))
            .env("SCHOOLGATE_LOG", "debug")
            .stdin(Stdio::null())
            .stderr(File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        Self { folder, supervisor, proxy, metrics, portal }
    }

    /// Asks through the proxy from the address `from`, again while nobody listens there.
    fn curl_from(&self, from: &str, url: &str) -> String {
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--retry", "60", "--retry-delay", "1", "--retry-connrefused", "--retry-max-time", "50"])
            .args(["--header", "Accept: text/html", "--interface", from, "--proxy", &format!("http://{}", self.proxy)])
            .arg(url)
            .output();
        said(&output.unwrap())
    }

    /// Asks until the answer has `expected`: what the network said of an address takes a moment.
    #[track_caller]
    fn comes_to(&self, expected: &str, ask: impl Fn() -> String) {
        let mut last = String::new();
        // Each turn is a process of its own, which takes longer than what it waits for.
        for _ in 0..TRIES {
            last = ask();
            if last.contains(expected) {
                return;
            }
        }
        panic!("not `{expected}`: {last}\n{}", self.log());
    }

    fn metrics(&self) -> String {
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"])
            .arg(format!("http://{}/metrics", self.metrics))
            .output();
        said(&output.unwrap())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn stop(&mut self) {
        if self.supervisor.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.supervisor.id().to_string()]).status();
        let _ = self.supervisor.wait();
    }

    /// Strength and device of every decision, with whether it names a person.
    async fn attributed(&self) -> Vec<(bool, String, Option<String>)> {
        let data = self.folder.path().join("data/events");
        let (log, ..) = EventLog::open(&data, Settings::new(TimeZone::UTC)).unwrap();
        let range = Range { school: "riverside".parse().unwrap(), from: Timestamp::MIN, to: Timestamp::MAX };
        let found = Evidence::new(log).unwrap().rows(&range, &Filter::default(), None, 100).await.unwrap();
        let of = |row: schoolgate_eventlog::Row| (row.person.is_some(), row.strength.unwrap_or_default(), row.device);
        found.rows.into_iter().map(of).collect()
    }
}

impl Drop for School {
    fn drop(&mut self) {
        self.stop();
    }
}

const PASSWORD: &str = "a long password of tess";
const TRIES: usize = 400;

#[track_caller]
fn done(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = writeln!(child.stdin.take().unwrap(), "{input}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

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

/// What stands in quotes after `before`, such as the value of a hidden field.
#[track_caller]
fn after(page: &str, before: &str) -> String {
    let rest = page.split(before).nth(1).unwrap_or_else(|| panic!("no `{before}` in:\n{page}"));
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

impl School {
    /// A page of the portal, reached through the proxy; with `fields` a form is sent.
    fn page(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let jar = self.folder.path().join("cookies");
        let form = fields.iter().flat_map(|(name, value)| ["--data-urlencode".to_owned(), format!("{name}={value}")]);
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--proxy", &format!("http://{}", self.proxy), "--cacert"])
            .arg(self.folder.path().join("data/keys/ca.pem"))
            .arg("--cookie")
            .arg(&jar)
            .arg("--cookie-jar")
            .arg(&jar)
            .args(form)
            .arg(format!("https://schoolgate.internal{path}"))
            .output();
        said(&output.unwrap())
    }

    /// The captive-portal API, asked by a device that goes through no proxy.
    fn captive(&self) -> String {
        let port = self.portal.port();
        let output = Command::new("curl")
            .args([
                "--disable",
                "--silent",
                "--show-error",
                "--include",
                "--noproxy",
                "*",
                "--max-time",
                "60",
                "--cacert",
            ])
            .arg(self.folder.path().join("data/keys/ca.pem"))
            .args(["--resolve", &format!("schoolgate.internal:{port}:127.0.0.1")])
            .arg(format!("https://schoolgate.internal:{port}/captive"))
            .output();
        said(&output.unwrap())
    }
}

#[test]
fn a_technician_sees_what_the_gateway_tells_control() {
    let school = School::start(POLICY, |_| String::new());
    let first = school.curl_from("127.0.0.1", NEWS);
    assert!(first.contains(GATED), "{first}\n{}", school.log());
    let token = after(&school.page("/sign-in", &[]), "name=\"token\" value=\"");
    let signed_in = school.page("/sign-in", &[("token", &token), ("name", "tess"), ("password", PASSWORD)]);
    assert!(signed_in.contains("303"), "{signed_in}");
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

    let token = after(&school.page("/sign-in", &[]), "name=\"token\" value=\"");
    let signed_in = school.page("/sign-in", &[("token", &token), ("name", "tess"), ("password", PASSWORD)]);
    assert!(signed_in.contains("303"), "{signed_in}");
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
