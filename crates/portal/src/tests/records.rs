//! Records that cannot be written at the moment.

use axum::http::StatusCode;
use schoolgate_base::Capacity;

use super::kit::{Kit, person};
use super::request::ask;

#[tokio::test]
async fn while_records_are_locked_nothing_is_signed_or_approved_and_the_rules_go_on() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let page = tess.get("/agree?policy=staff-ict").await;
    let signing = page.signing();
    let signing: Vec<(&str, &str)> = signing.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let case = ask(&mut tess).await;
    let approve = format!("{case}/approve");
    let mut ivy = kit.be("ivy").await;
    ivy.get(&case).await;
    let before = kit.control.snapshot().root.number;

    let held = kit.held_records().await;
    let unsaved = tess.post("/agree", &signing).await;
    assert_eq!(unsaved.status, StatusCode::SERVICE_UNAVAILABLE);
    unsaved.has("This could not be saved just now").has("nothing is lost").has("Browsing goes on");
    let unsaved = ivy.post(&approve, &[]).await;
    assert_eq!(unsaved.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(kit.control.snapshot().root.number, before, "doors keep the rules they had");
    tess.get("/policies/staff-ict").await.has("4.1");

    drop(held);
    assert_eq!(tess.post("/agree", &signing).await.status, StatusCode::SEE_OTHER);
    let snapshot = kit.control.snapshot();
    assert!(snapshot.member(&person("tess"), Capacity::Staff).unwrap().must_sign.is_empty());
    assert_eq!(ivy.post(&approve, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.control.snapshot().live.grants.len(), 1);
}
