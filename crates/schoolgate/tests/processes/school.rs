//! A school of one teacher with its service running, and her browser.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_eventlog::{EventLog, Evidence, Filter, Range, Settings};
use tempfile::TempDir;

use crate::service::{PROGRAM, free, said};

const SCHOOL: &str = "[school]\nid = \"riverside\"\nname = \"Riverside Primary\"\n[calendar]\nzone = \"Europe/London\"\n\
    [places.building]\nnetworks = [\"127.0.0.0/8\"]\ntrusts_ca = true\n[roles.it-technician]\ntitle = \"technician\"\n";
/// Staff are refused one site, so that a refusal shows whose rules hold.
pub(crate) const POLICY: &str = "+++\npolicy = \"staff-ict\"\ntitle = \"Staff\"\nversion = \"1.0\"\naudience = [\"staff\"]\n+++\n\n\
    1.1 {#news} We do not read the news at work.\n\n```control\n[[web]]\nblock = [\"news.example\"]\nfor = \"staff\"\n```\n";
const PEOPLE: &str = "mis_id,name,capacity,login\n1,Tess Teacher,staff,tess\n";
pub(crate) const REFUSED: &str = "location: https://schoolgate.internal/blocked?t=";
pub(crate) const GATED: &str = "location: https://schoolgate.internal/agree?t=";

/// A school of one teacher, who is its technician.
pub(crate) struct School {
    pub(crate) folder: TempDir,
    supervisor: Child,
    pub(crate) proxy: SocketAddr,
    metrics: SocketAddr,
    portal: SocketAddr,
    /// Where the signer writes the certificate of the school's CA.
    pub(crate) ca: PathBuf,
}

impl School {
    /// `more` are settings, of `[proxy]` first; it is given the folder in which the school lies, for what they name.
    pub(crate) fn start(policy: &str, more: impl FnOnce(&Path) -> String) -> Self {
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
        let ca = data.join("keys/ca.pem");
        Self { folder, supervisor, proxy, metrics, portal, ca }
    }

    /// Asks through the proxy from the address `from`, again while nobody listens there.
    pub(crate) fn curl_from(&self, from: &str, url: &str) -> String {
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
    pub(crate) fn comes_to(&self, expected: &str, ask: impl Fn() -> String) {
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

    pub(crate) fn metrics(&self) -> String {
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"])
            .arg(format!("http://{}/metrics", self.metrics))
            .output();
        said(&output.unwrap())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn stop(&mut self) {
        if self.supervisor.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.supervisor.id().to_string()]).status();
        let _ = self.supervisor.wait();
    }

    /// Strength and device of every decision, with whether it names a person.
    pub(crate) async fn attributed(&self) -> Vec<(bool, String, Option<String>)> {
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
pub(crate) fn done(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = writeln!(child.stdin.take().unwrap(), "{input}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// What stands in quotes after `before`, such as the value of a hidden field.
#[track_caller]
pub(crate) fn after(page: &str, before: &str) -> String {
    let rest = page.split(before).nth(1).unwrap_or_else(|| panic!("no `{before}` in:\n{page}"));
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

impl School {
    /// Signs tess in.
    pub(crate) fn sign_in(&self) {
        let token = after(&self.page("/sign-in", &[]), "name=\"token\" value=\"");
        let signed_in = self.page("/sign-in", &[("token", &token), ("name", "tess"), ("password", PASSWORD)]);
        assert!(signed_in.contains("303"), "{signed_in}");
    }

    /// A page of the portal, reached through the proxy; with `fields` a form is sent.
    pub(crate) fn page(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let jar = self.folder.path().join("cookies");
        let form = fields.iter().flat_map(|(name, value)| ["--data-urlencode".to_owned(), format!("{name}={value}")]);
        let output = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "", "--max-time", "60"])
            .args(["--proxy", &format!("http://{}", self.proxy), "--cacert"])
            .arg(&self.ca)
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
    pub(crate) fn captive(&self) -> String {
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
            .arg(&self.ca)
            .args(["--resolve", &format!("schoolgate.internal:{port}:127.0.0.1")])
            .arg(format!("https://schoolgate.internal:{port}/captive"))
            .output();
        said(&output.unwrap())
    }
}
