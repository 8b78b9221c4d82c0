//! From the gate to the signature to the site.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::SignedDuration;
use schoolgate_base::Capacity;
use schoolgate_decide::redirect::Because;
use schoolgate_decide::{Reason, Verdict};
use schoolgate_policy::Pack;

use super::kit::{Browser, Kit, pack, person};

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
    let text = page.after(r#"name="text" value=""#);
    let signing = page.signing();
    let fields: Vec<(&str, &str)> = signing.iter().map(|(name, value)| (*name, value.as_str())).collect();
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
    let signing = tess.get("/agree").await.signing();
    // Other words, another version, or other rules behind the same words.
    for other in ["text", "version", "edition"] {
        let sent = |name: &'static str, value| (name, if name == other { "0000" } else { value });
        let fields: Vec<(&str, &str)> = signing.iter().map(|(name, value)| sent(name, value.as_str())).collect();
        assert_eq!(tess.post("/agree", &fields).await.status, StatusCode::CONFLICT, "{other}");
    }
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

/// The pack with a new version in which these places are otherwise.
fn next_version(changes: &[(&str, &str)]) -> Pack {
    let mut files: BTreeMap<String, String> =
        pack().files().map(|(_, path, text)| (path.to_owned(), text.to_owned())).collect();
    let text = files.get_mut("staff-ict.md").unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the policy has no `{from}`");
        *text = text.replace(from, to);
    }
    files.into_iter().collect()
}

async fn agree(browser: &mut Browser) {
    let signing = browser.get("/agree").await.signing();
    let fields: Vec<(&str, &str)> = signing.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/agree", &fields).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_version_begins_with_what_changes_for_the_person() {
    let kit = Kit::new().await;
    let (mut tess, mut helen) = (kit.be("tess").await, kit.be("helen").await);
    tess.get("/agree").await.has_not("What has changed").has("One rule of this policy is for others");
    agree(&mut tess).await;
    agree(&mut helen).await;
    kit.clock.advance(SignedDuration::from_mins(5)).unwrap();
    let next = next_version(&[
        ("warn = [\"political\"]", "block = [\"political\"]"),
        ("Nobody gambles over the school's connection.", "Nobody gambles over the school's connection, ever."),
        // A rule for those who lead others, which tess does not.
        ("Where you are, be discreet.", "Where you are, be very discreet."),
    ]);
    let edition = kit.control.in_force().edition;
    kit.control.policy_adopt(&person("helen"), next, edition).await.unwrap();
    let page = tess.get("/agree").await;
    page.has("What has changed for you since version 3.0")
        .has("party and campaign sites")
        .has("before: allowed after a reminder")
        .has("now: <strong>blocked")
        .has("ever.");
    let (own, others) = page.html.split_once("for others</span>").unwrap();
    assert!(!own.contains("discreet") && others.contains("very discreet"));
    // Who leads others is shown the rule for them, and from the same comparison.
    let page = helen.get("/agree").await;
    let (own, _) = page.html.split_once("All of it").unwrap();
    assert!(own.contains("very discreet") && own.contains("party and campaign sites"), "{own}");
    agree(&mut tess).await;
    let kept = kit.control.store().signature_list_for_person(&person("tess")).await.unwrap();
    let difference = kept.iter().find_map(|signature| signature.difference.as_deref()).unwrap();
    assert!(difference.contains("campaign sites") && difference.contains("ever."), "{difference}");
    assert!(!difference.contains("discreet"), "{difference}");
    assert!(kept.iter().all(|signature| !signature.clauses.iter().any(|clause| &**clause == "managers-online")));
}
