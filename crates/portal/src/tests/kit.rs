//! A school in a temporary directory, and browsers for its people.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use schoolgate_base::{Capacity, Group, Host, PersonId, Role, SchoolId};
use schoolgate_control::{Control, ControlParts, install};
use schoolgate_decide::redirect::{Because, PURPOSE, Redirect};
use schoolgate_decide::{CategoryTable, Reason, Verdict};
use schoolgate_eventlog::{EventLog, Evidence};
use schoolgate_keys::KeyRing;
use schoolgate_policy::Pack;
use schoolgate_records::{Actor, Person, Store, Write};
use schoolgate_runtime::{Clock, Tasks};
use tower::ServiceExt;

use crate::{CaCertificate, CaFile, CaFiles, Client, Demo, DemoPerson, GatewaysPort, Portal, PortalParts, Settings};

/// A Tuesday morning in a lesson.
pub(crate) const NOW: &str = "2026-11-24T10:10:00Z";

const PEOPLE: [(&str, &str, Capacity, &[&str]); 9] = [
    ("tess", "Tess Teacher", Capacity::Staff, &["6B"]),
    ("sam", "Sam Supply", Capacity::Staff, &["4A"]),
    ("ivy", "Ivy Tech", Capacity::Staff, &[]),
    ("helen", "Helen Head", Capacity::Staff, &[]),
    ("dora", "Dora Lead", Capacity::Staff, &[]),
    ("olive", "Olive Online", Capacity::Staff, &[]),
    ("carl", "Carl Chair", Capacity::Governor, &[]),
    ("gina", "Gina Governor", Capacity::Governor, &[]),
    ("pia", "Pia Pupil", Capacity::Pupil, &["6B"]),
];

const OFFICES: [(&str, &str); 12] = [
    ("headteacher", "helen"),
    ("deputy-dsl", "helen"),
    ("dsl", "dora"),
    ("it-technician", "ivy"),
    ("online-safety-lead", "olive"),
    ("ict-leader", "olive"),
    ("chair-of-governors", "carl"),
    ("trust-safeguarding-lead", "gina"),
    ("business-manager", "dora"),
    ("school-office", "olive"),
    ("data-protection-lead", "dora"),
    ("teacher-on-duty", "olive"),
];

pub(crate) struct Kit {
    pub(crate) control: Control,
    pub(crate) clock: Clock,
    pub(crate) events: EventLog,
    pub(crate) ca: CaFiles,
    router: Router,
    _tasks: Tasks,
    dir: tempfile::TempDir,
}

pub(crate) fn pack() -> Pack {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff");
    let files = ["school.toml", "staff-ict.md", "tests.md"];
    files.into_iter().map(|name| (name, std::fs::read_to_string(dir.join(name)).unwrap())).collect()
}

/// The CAs of these fingerprints, the one in use first; each is a text of its own.
pub(crate) fn ca_file(fingerprints: &[&str]) -> CaFile {
    let now: Timestamp = NOW.parse().unwrap();
    let certificate = |fingerprint: &&str| CaCertificate {
        pem: format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", fingerprint.replace(':', "")),
        fingerprint: (*fingerprint).to_owned(),
        valid: Some((now, now + jiff::SignedDuration::from_hours(24 * 365))),
    };
    CaFile { certificates: fingerprints.iter().map(certificate).collect(), retired: Vec::new() }
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::with_demo(true).await
    }

    pub(crate) async fn with_demo(has_demo: bool) -> Self {
        Self::start(has_demo, None).await
    }

    pub(crate) async fn with_gateways(gateways: GatewaysPort) -> Self {
        Self::start(true, Some(gateways)).await
    }

    async fn start(has_demo: bool, gateways: Option<GatewaysPort>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
        let store = Store::open(dir.path(), Arc::clone(&keys)).await.unwrap();
        let school = SchoolId::new("riverside").unwrap();
        let store = store.school_create(&school, "Riverside Primary", Actor::program("test"), now).await.unwrap();
        people(&store, now).await;
        install(&store, pack(), Actor::program("test"), now).await.unwrap();
        let (clock, tasks) = (Clock::frozen(now), Tasks::new());
        let parts = ControlParts {
            store,
            keys,
            clock: clock.clone(),
            tasks: tasks.clone(),
            snapshot_dir: dir.path().join("snapshot"),
            doors: None,
            lists: Some(b"none".to_vec()),
            open_lists: |_| {
                let mut lists = CategoryTable::default();
                lists.insert("malware.example".parse().unwrap(), "malware", "a list");
                Ok(Arc::new(lists))
            },
        };
        let (control, follower) = Control::open(parts).await.unwrap();
        tasks.spawn("follow", follower.run());
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let settings = schoolgate_eventlog::Settings::new(zone);
        let (events, task, _) = EventLog::open(&dir.path().join("events"), settings).unwrap();
        let shutdown = tasks.shutdown();
        tasks.spawn("events", async move {
            let _ = task.run(async move { shutdown.begun().await }).await;
        });
        let evidence = Evidence::new(events.clone()).unwrap();
        let demo = has_demo.then(|| Demo {
            people: PEOPLE
                .map(|(id, name, capacity, _)| DemoPerson { person: person(id), capacity, about: name.to_owned() })
                .into(),
        });
        let ca = CaFiles::new(ca_file(&["3F:9A"]));
        let settings = Settings {
            portal_name: "portal.demo.test".into(),
            pac_address: Some("http://127.0.0.1:3128/proxy.pac".into()),
            away: None,
            doh: None,
            ca: ca.clone(),
            leave_to: None,
        };
        let router = Portal::router(PortalParts {
            control: control.clone(),
            events: events.clone(),
            evidence,
            settings,
            pac: None,
            gateways,
            look: None,
            demo,
        });
        Self { control, clock, events, ca, router, _tasks: tasks, dir }
    }

    /// Another program that holds the records, and lets go of them when dropped.
    pub(crate) async fn held_records(&self) -> Write {
        let keys = Arc::new(KeyRing::open(self.dir.path()).unwrap());
        let other = Store::open(self.dir.path(), keys).await.unwrap();
        other.school(self.control.school()).begin(Actor::program("another"), self.control.now()).await.unwrap()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookie: None,
            token: String::new(),
            client: Client { address: IpAddr::from([127, 0, 0, 1]), via_proxy: true, is_tls: true },
        }
    }

    /// A browser in which somebody has just signed in by one click.
    pub(crate) async fn be(&self, id: &str) -> Browser {
        let mut browser = self.browser();
        browser.get("/be").await;
        let answer = browser.post(&format!("/be/{id}"), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        browser.get("/").await;
        browser
    }

    /// As a door makes it.
    pub(crate) fn token(&self, because: Because, host: &str, nonce: &str) -> String {
        let redirect = Redirect {
            because,
            scheme: "https".into(),
            host: Host::parse(host).unwrap(),
            port: None,
            path: "/".into(),
            snapshot: 1,
            made_at: self.control.now(),
            nonce: nonce.into(),
        };
        self.control.keys().redirects().seal(PURPOSE, &serde_json::to_vec(&redirect).unwrap()).unwrap()
    }

    /// A block by the first web control of the policy in force that blocks something.
    pub(crate) fn block(&self) -> Because {
        let in_force = self.control.in_force();
        let rules = &in_force.built.compiled.program.rules;
        let rule = rules.iter().find(|rule| rule.verdict == Some(Verdict::Block)).unwrap();
        Because::Decided {
            verdict: Verdict::Block,
            reason: Reason::Rule {
                control: rule.control.clone(),
                category: Some("gambling".into()),
                list: Some("ut1".into()),
            },
        }
    }
}

async fn people(store: &schoolgate_records::SchoolStore, now: Timestamp) {
    let mut write = store.begin(Actor::program("test"), now).await.unwrap();
    for (id, name, capacity, classes) in PEOPLE {
        let person = Person {
            id: person(id),
            name: name.into(),
            login: Some(name.to_lowercase().replace(' ', ".").into()),
            email: None,
            capacities: [capacity].into(),
            groups: (id == "helen").then(|| Group::new("leadership")).into_iter().collect(),
            classes: classes.iter().map(|&class| class.into()).collect(),
            mis_id: None,
            upn: None,
            active_from: now,
            active_until: None,
        };
        write.person_put(&person).await.unwrap();
    }
    for (role, id) in OFFICES {
        let is_deputy = false;
        write.role_assign(&Role::new(role), &person(id), is_deputy, now, None).await.unwrap();
    }
    write.commit().await.unwrap();
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

/// A browser without scripts: keeps the cookie, and the token of the last page it saw.
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) token: String,
    pub(crate) client: Client,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) html: String,
    pub(crate) to: String,
    pub(crate) headers: axum::http::HeaderMap,
}

impl Answer {
    /// What the form of an agreement sends, as it was shown.
    pub(crate) fn signing(&self) -> Vec<(&'static str, String)> {
        let shown = |name: &'static str| (name, self.after(&format!("name=\"{name}\" value=\"")));
        ["policy", "version", "edition", "text", "t"].map(shown).into()
    }

    #[track_caller]
    pub(crate) fn has(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "no `{text}` in:\n{}", main_of(&self.html));
        self
    }

    #[track_caller]
    pub(crate) fn has_not(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "`{text}` in:\n{}", main_of(&self.html));
        self
    }

    /// What stands in quotes after `before`, such as the value of a hidden field.
    #[track_caller]
    pub(crate) fn after(&self, before: &str) -> String {
        let rest = self.html.split(before).nth(1).unwrap_or_else(|| panic!("no `{before}` in:\n{}", self.html));
        rest.split('"').next().unwrap().replace("&#38;", "&")
    }
}

fn main_of(html: &str) -> &str {
    html.split("<main").nth(1).unwrap_or(html).split("</main>").next().unwrap_or(html)
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Sends a form with the token.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token.clone();
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        self.post_raw(path, &all, &[]).await
    }

    pub(crate) async fn post_raw(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &'static str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request, body).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: String) -> Answer {
        let mut request = request.header(header::HOST, "portal.demo.test").header(header::USER_AGENT, "Test");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(self.client);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name: header::HeaderName| {
            parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        if let Some(cookie) = text(header::SET_COOKIE).split(';').next().filter(|cookie| !cookie.is_empty()) {
            self.cookie = Some(cookie.to_owned());
        }
        let html = String::from_utf8_lossy(&to_bytes(body, 10_000_000).await.unwrap()).into_owned();
        if let Some(rest) = html.split(r#"name="token" value=""#).nth(1) {
            self.token = rest.split('"').next().unwrap().to_owned();
        }
        Answer { status: parts.status, html, to: text(header::LOCATION), headers: parts.headers }
    }
}
