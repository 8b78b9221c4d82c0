//! The gateways on the technician's page, and what the filter does not see.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use schoolgate_base::Host;

use super::kit::{Kit, ca_file};
use crate::{GatewayView, Gateways, GatewaysView, LeftAlone, ProcessView, Requests, Withdrawn};

/// A gateway that leaves one site alone until it is told otherwise.
#[derive(Default)]
struct OneGateway {
    is_forgotten: Mutex<bool>,
}

impl Gateways for OneGateway {
    fn view(&self, now: Timestamp) -> GatewaysView {
        let site = LeftAlone {
            host: Host::parse("exams.example").unwrap(),
            wants_certificate: true,
            since: now - SignedDuration::from_hours(48),
            until: now + SignedDuration::from_hours(672),
        };
        let process = ProcessView {
            role: "signer".into(),
            is_running: true,
            since: now,
            restarts: 2,
            last_end: Some("signal: 9 (SIGKILL)".into()),
        };
        let gateway = GatewayView {
            leaves: 1,
            requests: Requests { connection: 3, none: 1, ..Requests::default() },
            roots: 141,
            public_roots: 140,
            withdrawn: Some(Withdrawn { lists: 0, read_at: None, problem: Some("`a.crl` cannot be read".into()) }),
            left_out: vec![("CN=Sold With Its Key".into(), "known-bad".into())],
        };
        let is_forgotten = *self.is_forgotten.lock().unwrap();
        let left_alone = if is_forgotten { Vec::new() } else { vec![site] };
        GatewaysView { processes: vec![process], gateways: vec![gateway], left_alone }
    }

    fn forget(&self, host: &Host) -> bool {
        let is_it = *host == Host::parse("exams.example").unwrap();
        is_it && !std::mem::replace(&mut *self.is_forgotten.lock().unwrap(), true)
    }
}

#[tokio::test]
async fn a_technician_sees_what_the_gateways_know_and_has_a_site_looked_into_again() {
    let kit = Kit::with_gateways(Arc::new(OneGateway::default())).await;
    let mut ivy = kit.be("ivy").await;
    let page = ivy.get("/manage/gateway").await;
    page.has("2 restarts").has("SIGKILL").has("75 %").has("25 %").has("140 authorities").has("exams.example");
    page.has("its key is in strangers").has("could be read yet").has("a.crl");
    assert_eq!(ivy.post("/manage/gateway/forget", &[("host", "other.example")]).await.status, StatusCode::NOT_FOUND);
    let done = ivy.post("/manage/gateway/forget", &[("host", "exams.example")]).await;
    assert_eq!(done.to, "/manage/gateway?done=entered");
    ivy.get("/manage/gateway").await.has("None was learned yet").has_not("exams.example");
    let mut tess = kit.be("tess").await;
    assert_eq!(tess.get("/manage/gateway").await.status, StatusCode::FORBIDDEN);
    assert_eq!(tess.post("/manage/gateway/forget", &[("host", "exams.example")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_portal_without_a_gateway_says_so() {
    let kit = Kit::new().await;
    kit.be("ivy").await.get("/manage/gateway").await.has("No gateway runs beside this portal");
}

#[tokio::test]
async fn everybody_may_read_what_is_not_seen() {
    let kit = Kit::new().await;
    kit.browser().get("/limits").await.has("What is filtered, what only by name").has("By kind of device");
}

#[tokio::test]
async fn each_certificate_is_shown_with_its_own_fingerprint_and_file() {
    let kit = Kit::new().await;
    let mut browser = kit.browser();
    browser.get("/certificate").await.has("In use").has("3F:9A").has("/certificate/schoolgate-ca.crt").has_not("Next");
    kit.ca.set(ca_file(&["3F:9A", "77:01"]));
    let page = browser.get("/certificate").await;
    page.has("There are two for now").has("In use").has("Next").has("3F:9A").has("77:01").has("24/11/2026");
    browser.get("/certificate/schoolgate-ca-1.crt").await.has("3F9A").has_not("7701");
    browser.get("/certificate/schoolgate-ca-2.crt").await.has("7701").has_not("3F9A");
    browser.get("/certificate/schoolgate-ca.crt").await.has("3F9A").has("7701");
    for missing in ["-0", "-3", "-", "-x", "2"] {
        let answer = browser.get(&format!("/certificate/schoolgate-ca{missing}.crt")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
}
