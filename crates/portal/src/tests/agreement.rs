//! From the gate to the signature to the site.

use axum::http::StatusCode;
use schoolgate_base::Capacity;
use schoolgate_decide::redirect::Because;
use schoolgate_decide::{Reason, Verdict};

use super::kit::{Kit, person};

fn gate() -> Because {
    Because::Decided { verdict: Verdict::Gate, reason: Reason::NotSignedIn }
}

#[tokio::test]
async fn agreeing_opens_the_gate_and_goes_on_to_the_site() {
    let kit = Kit::new().await;
    let mut tess = kit.browser();
    let token = kit.token(gate(), "news.example", "n1");
    let answer = tess.get(&format!("/agree?t={token}")).await;
    assert!(answer.to.starts_with("/sign-in?next="), "{}", answer.to);
    let next = tess.get(&answer.to).await.after(r#"name="next" value=""#);
    tess.get("/be").await;
    let answer = tess.post("/be/tess", &[("next", &next)]).await;
    assert!(answer.to.starts_with("/agree?t="), "{}", answer.to);
    let page = tess.get(&answer.to).await;
    page.has("You wanted to open <strong>news.example</strong>").has("I agree").has("aria-label=\"Rule 4.1\"");
    page.has_not("type=\"checkbox\"");
    let (text, t) = (page.after(r#"name="text" value=""#), page.after(r#"name="t" value=""#));
    let version = page.after(r#"name="version" value=""#);
    let fields = [("policy", "staff-ict"), ("version", version.as_str()), ("text", text.as_str()), ("t", t.as_str())];
    let answer = tess.post("/agree", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    tess.get(&answer.to).await.has("Thank you").has("url=https://news.example/").has("Going on to");
    let snapshot = kit.control.snapshot();
    assert!(snapshot.member(&person("tess"), Capacity::Staff).unwrap().must_sign.is_empty());
    let kept = kit.control.store().signature_list_for_person(&person("tess")).await.unwrap();
    assert_eq!(
        (&*kept[0].rendering_sha256, &*kept[0].browser, &*kept[0].address),
        (text.as_str(), "Test", "127.0.0.1")
    );
    tess.get("/agreements").await.has("Staff acceptable use of ICT");
    // A second press of the button changes nothing.
    assert_eq!(tess.post("/agree", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.control.store().signature_list_for_person(&person("tess")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_not_shown_cannot_be_agreed_to() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let fields = [("policy", "staff-ict"), ("version", "2.9"), ("text", "0000")];
    assert_eq!(tess.post("/agree", &fields).await.status, StatusCode::CONFLICT);
    assert!(kit.control.store().signature_list_for_person(&person("tess")).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_is_not_asked_agrees_to_nothing() {
    let kit = Kit::new().await;
    let mut gina = kit.be("gina").await;
    assert_eq!(gina.get("/agree").await.to, "/agreements");
}

#[tokio::test]
async fn a_question_is_welcome() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    tess.get("/agree/question?policy=staff-ict").await.has("Helen Head").has("not held against you");
}
