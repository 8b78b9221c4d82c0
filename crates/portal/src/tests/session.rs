//! Signing in and out, and the demonstration's one click.

use argon2::{Argon2, PasswordHasher};
use axum::http::StatusCode;
use schoolgate_records::Actor;

use super::kit::{Kit, person};

#[tokio::test]
async fn the_right_password_signs_in_and_a_wrong_one_says_nothing_of_which() {
    let kit = Kit::with_demo(false).await;
    let hash = Argon2::default().hash_password(b"correct horse").unwrap().to_string();
    let mut write = kit.control.store().begin(Actor::program("test"), kit.control.now()).await.unwrap();
    write.password_set(&person("tess"), &hash).await.unwrap();
    write.commit().await.unwrap();
    let mut browser = kit.browser();
    browser.get("/sign-in").await;
    let planted = browser.cookie.clone();
    for (name, password) in [("tess.teacher", "wrong"), ("nobody.here", "correct horse")] {
        let answer = browser.post("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.has("The name or the password is not right");
    }
    let fields = [("name", "Tess.Teacher"), ("password", "correct horse"), ("next", "//evil.example")];
    let answer = browser.post("/sign-in", &fields).await;
    assert_eq!((answer.status, answer.to.as_str()), (StatusCode::SEE_OTHER, "/"));
    assert_ne!(browser.cookie, planted, "a secret from before the sign-in is worth nothing after it");
    browser.get("/").await.has("Hello Tess Teacher");
    browser.post("/sign-out", &[]).await;
    browser.get("/").await.has_not("Tess Teacher");
}

#[tokio::test]
async fn whoever_looks_after_the_rules_signs_in_to_the_page_they_asked_for() {
    let kit = Kit::new().await;
    for page in ["/manage", "/manage/gateway", "/manage/file?name=staff-ict.md", "/manage/staff-ict/gambling"] {
        let mut browser = kit.browser();
        let to_sign_in = browser.get(page).await.to;
        let next = to_sign_in.strip_prefix("/sign-in").unwrap().to_owned();
        let form = browser.get(&format!("/be{next}")).await;
        let next = form.after(r#"name="next" value=""#);
        assert_eq!(browser.post("/be/ivy", &[("next", &next)]).await.to, page);
        assert_eq!(browser.get(page).await.status, StatusCode::OK, "{page}");
    }
    let mut browser = kit.browser();
    browser.get("/sign-in").await;
    assert_eq!(browser.post("/manage/gateway/forget", &[("host", "x")]).await.to, "/sign-in?next=%2Fmanage");
}

#[tokio::test]
async fn guessing_passwords_comes_to_an_end() {
    let kit = Kit::with_demo(false).await;
    let mut browser = kit.browser();
    browser.get("/sign-in").await;
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        last = browser.post("/sign-in", &[("name", "helen.head"), ("password", "x")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn every_spelling_of_a_name_has_the_same_tries() {
    let kit = Kit::with_demo(false).await;
    let mut browser = kit.browser();
    browser.get("/sign-in").await;
    let mut last = StatusCode::OK;
    for name in ["helen.head", "hélen.head", "HELÈN.head", "helen.he'ad"].iter().cycle().take(11) {
        last = browser.post("/sign-in", &[("name", name), ("password", "x")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn without_the_capability_nobody_can_be_anybody() {
    let kit = Kit::with_demo(false).await;
    let mut browser = kit.browser();
    browser.get("/sign-in").await;
    assert_eq!(browser.get("/be").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.post("/be/helen", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.post("/be/clock", &[("clock", "2026-11-24 12:00")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_sign_in_through_the_proxy_speaks_for_the_address_and_one_beside_it_does_not() {
    let kit = Kit::new().await;
    let mut ivy = kit.browser();
    ivy.client.via_proxy = false;
    ivy.get("/be").await;
    ivy.post("/be/ivy", &[]).await;
    assert!(kit.control.snapshot().live.sessions.is_empty());
    let mut tess = kit.be("tess").await;
    let snapshot = kit.control.snapshot();
    assert_eq!(snapshot.live.sessions.first().map(|session| session.person.clone()), Some(person("tess")));
    tess.get("/sessions").await.has("Where you are signed in").has("Yes, at 127.0.0.1");
    tess.post("/sign-out", &[]).await;
    assert!(kit.control.snapshot().live.sessions.is_empty());
}

#[tokio::test]
async fn the_clock_can_be_set() {
    let kit = Kit::new().await;
    let mut browser = kit.browser();
    browser.get("/be").await.has("Tuesday 24 November 2026, 10:10");
    browser.post("/be/clock", &[("clock", "2026-11-24T12:34")]).await;
    assert_eq!(kit.clock.now(), "2026-11-24T12:34:00Z".parse().unwrap());
    let answer = browser.post("/be/clock", &[("clock", "soon")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
