//! Asking, deciding, closing.

use axum::http::StatusCode;

use super::kit::{Browser, Kit};

pub(super) async fn ask(tess: &mut Browser) -> String {
    tess.get("/requests/new/open-site").await.has("Ask for a site");
    let fields = [("site", "games.example"), ("class", "6B"), ("until", "27/11/2026"), ("why", "Probability")];
    let answer = tess.post("/requests/new/open-site", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    answer.to.split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_approval_opens_the_site_before_the_page_answers() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy) = (kit.be("tess").await, kit.be("ivy").await);
    let case = ask(&mut tess).await;
    ivy.get("/").await.has("one request to decide");
    ivy.get("/requests/queue").await.has("games.example for 6B until Friday 27 November").has("Probability");
    ivy.get(&case).await.has("Approve").has("Refuse").has("What the lists say of it");
    let answer = ivy.post(&format!("{case}/approve"), &[]).await;
    assert_eq!(answer.to, "/requests/queue?done=approved", "{}", answer.html);
    assert_eq!(kit.control.snapshot().live.grants.len(), 1);
    ivy.get(&answer.to).await.has("Approved. It is open now.");
    tess.get("/").await.has("games.example").has("until Friday 27 November");
    tess.get("/requests").await.has("Open until Friday 27 November");
    let page = ivy.get("/grants").await;
    page.has("games.example").has("6B and Tess Teacher").has("Ivy Tech");
    let close = page.after(r#"action="/grants/"#);
    assert_eq!(ivy.post(&format!("/grants/{close}"), &[]).await.to, "/grants?done=closed");
    assert!(kit.control.snapshot().live.grants.is_empty());
}

#[tokio::test]
async fn a_button_pressed_twice_decides_once() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy, mut twice) = (kit.be("tess").await, kit.be("ivy").await, kit.be("ivy").await);
    let case = ask(&mut tess).await;
    let approve = format!("{case}/approve");
    let (one, other) = tokio::join!(ivy.post(&approve, &[]), twice.post(&approve, &[]));
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    assert_eq!(kit.control.snapshot().live.grants.len(), 1);
}

#[tokio::test]
async fn a_refusal_gives_its_reason_and_opens_nothing() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy) = (kit.be("tess").await, kit.be("ivy").await);
    let case = ask(&mut tess).await;
    ivy.get(&case).await;
    let again = ivy.post(&format!("{case}/refuse"), &[("reason", " ")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    ivy.post(&format!("{case}/refuse"), &[("reason", "Use the maths site")]).await;
    tess.get(&case).await.has("Refused").has("Use the maths site");
    let late = ivy.post(&format!("{case}/approve"), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(kit.control.snapshot().live.grants.is_empty());
}

#[tokio::test]
async fn nobody_decides_their_own_request_and_others_do_not_see_it() {
    let kit = Kit::new().await;
    let (mut tess, mut sam) = (kit.be("tess").await, kit.be("sam").await);
    let case = ask(&mut tess).await;
    tess.get(&case).await.has_not("Approve");
    assert_eq!(tess.post(&format!("{case}/approve"), &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(sam.get(&case).await.status, StatusCode::NOT_FOUND);
    assert_eq!(sam.post(&format!("{case}/approve"), &[]).await.status, StatusCode::NOT_FOUND);
    assert!(kit.control.snapshot().live.grants.is_empty());
    assert_eq!(tess.post(&format!("{case}/withdraw"), &[]).await.to, "/requests?done=withdrawn");
    tess.get("/requests").await.has("Taken back");
}

#[tokio::test]
async fn a_pupil_has_no_form_for_opening_sites() {
    let kit = Kit::new().await;
    let mut pia = kit.be("pia").await;
    assert_eq!(pia.get("/requests/new/open-site").await.status, StatusCode::NOT_FOUND);
    let token = kit.token(kit.block(), "bet.example", "n1");
    pia.get(&format!("/blocked?t={token}")).await.has("Ask a teacher").has("I did not mean to open this");
}

#[tokio::test]
async fn an_urgent_block_is_one_form_and_ends_by_hand() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/grants").await.has("Close a site for everybody, now");
    assert_eq!(ivy.post("/urgent", &[("site", "not a site")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for _ in 0..2 {
        assert_eq!(ivy.post("/urgent", &[("site", "social.example")]).await.to, "/grants?done=blocked");
        assert_eq!(kit.control.snapshot().live.urgent.len(), 1, "a second press is not a second block");
    }
    for open in ["www.union.example", "portal.demo.test", "co.uk"] {
        let answer = ivy.post("/urgent", &[("site", open)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{open} is never closed");
    }
    let page = ivy.get("/grants").await;
    let end = page.has("social.example").after(r#"action="/urgent/"#);
    ivy.post(&format!("/urgent/{end}"), &[]).await;
    assert!(kit.control.snapshot().live.urgent.is_empty());
}

#[tokio::test]
async fn what_is_over_reads_as_over() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy) = (kit.be("tess").await, kit.be("ivy").await);
    let case = ask(&mut tess).await;
    ivy.get(&case).await;
    ivy.post(&format!("{case}/approve"), &[]).await;
    assert_eq!(kit.control.requests_end_over().await.unwrap(), 0, "it is not over yet");
    kit.control.clock().advance(jiff::SignedDuration::from_hours(24 * 7)).unwrap();
    assert_eq!(kit.control.requests_end_over().await.unwrap(), 1);
    assert_eq!(kit.control.requests_end_over().await.unwrap(), 0, "once is enough");
    let mut tess = kit.be("tess").await;
    tess.get(&case).await.has("its time is over").has_not("Open until");
}

#[tokio::test]
async fn what_no_approval_opens_is_not_asked_for_and_not_approved() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy) = (kit.be("tess").await, kit.be("ivy").await);
    tess.get("/requests/new/open-site").await;
    let asked = |site| [("site", site), ("class", "6B"), ("until", "27/11/2026"), ("why", "Probability")];
    let answer = tess.post("/requests/new/open-site", &asked("malware.example")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.has("dangerous and are never opened");
    let case = ask(&mut tess).await;
    ivy.get("/grants").await;
    assert_eq!(ivy.post("/urgent", &[("site", "games.example")]).await.to, "/grants?done=blocked");
    let answer = ivy.post(&format!("{case}/approve"), &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.has("An urgent block closes this site");
    assert!(kit.control.snapshot().live.grants.is_empty());
}
