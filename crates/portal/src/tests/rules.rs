//! The rules, their evidence, and who sees how much of it.

use axum::http::StatusCode;

use super::kit::{Kit, person};

#[tokio::test]
async fn everybody_reads_the_rules_and_offices_see_how_they_are_kept() {
    let kit = Kit::new().await;
    let mut nobody = kit.browser();
    nobody.get("/policies").await.has("Staff acceptable use of ICT");
    nobody.get("/policies/staff-ict").await.has("4.1").has_not("Kept by a system");
    let mut helen = kit.be("helen").await;
    let page = helen.get("/policies/staff-ict").await;
    page.has("<svg").has("Kept by a system").has("Promised by").has("Nobody knows").has("Kept by the web filter");
    assert!(!page.html.contains("sg-strength--system\">Promised"), "a promise is never green");
    // What is refused without a record was not "not needed".
    helen.get("/policies/staff-ict/safeguarding").await.has("no record of such a visit leads to").has_not("Not needed");
    helen.get("/policies/staff-ict/searching/evidence").await.has("no count is kept of it");
    // A system that carries out the one control of a rule is one way of keeping it, not two.
    let kept = helen.get("/policies/staff-ict/everybody").await;
    assert_eq!(kept.html.matches("Kept by the sign-in system").count(), 1, "{}", kept.html);
    helen.get("/policies/nothing").await.has("There is no such page");
}

#[tokio::test]
async fn names_need_an_office_and_a_reason() {
    let kit = Kit::new().await;
    let path = "/policies/staff-ict/gambling/evidence?of=sign";
    let mut helen = kit.be("helen").await;
    helen.get(path).await.has("Look up names").has_not("Sam Supply");
    assert_eq!(helen.post(path, &[("why", "curious")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    helen.post(path, &[("why", "remind")]).await.has("Sam Supply").has("not yet");
    let mut ivy = kit.be("ivy").await;
    ivy.get(path).await.has_not("Look up names").has_not("Sam Supply");
    assert_eq!(ivy.post(path, &[("why", "remind")]).await.status, StatusCode::FORBIDDEN);
    let mut gina = kit.be("gina").await;
    gina.get(path).await.has("Promised by").has_not("Sam Supply").has_not("Look up names");
    let mut sam = kit.be("sam").await;
    assert_eq!(sam.get(path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        kit.control.store().person_fetch(&person("sam")).await.unwrap().map(|p| p.name.to_string()).as_deref(),
        Some("Sam Supply")
    );
}
