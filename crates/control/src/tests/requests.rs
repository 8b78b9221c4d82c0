//! The life of a request, and of what it opens.

use schoolgate_base::GrantId;

use super::*;

#[tokio::test]
async fn a_request_sent_twice_is_one_request() {
    let kit = Kit::new().await;
    let id = kit.control.fresh_case().unwrap();
    for _ in 0..2 {
        assert_eq!(kit.ask_as(&id, "tess").await.unwrap(), id);
    }
    assert_eq!(kit.store().case_list_open(None, None, 10).await.unwrap().items.len(), 1);
    assert!(kit.ask_as(&id, "sam").await.is_err(), "another asker's id");
}

#[tokio::test]
async fn who_may_not_see_a_request_may_not_decide_it() {
    let kit = Kit::new().await;
    let case = kit.ask("tess").await;
    assert!(matches!(kit.approve(&case, "carl").await, Err(RequestError::NoSuchCase)));
    let old = "decide = { any = [\"it-technician\", \"online-safety-lead\"]";
    kit.adopt(pack_with(old, "decide = { any = [\"it-technician\"]")).await;
    assert!(matches!(kit.approve(&case, "olive").await, Err(RequestError::NoSuchCase)), "the policy took it from her");
    assert_eq!(kit.approve(&case, "ivy").await.unwrap(), CaseState::Approved);
}

#[tokio::test]
async fn a_case_ends_with_its_last_grant_whatever_the_policy_would_grant_today() {
    let kit = Kit::new().await;
    let case = kit.ask("tess").await;
    kit.approve(&case, "ivy").await.unwrap();
    let kept = kit.store().grant_list_for_case(&case).await.unwrap().remove(0).grant;
    // A second one with an end of its own, as an earlier program computed it.
    let longer = schoolgate_records::NewGrant {
        id: GrantId::new("longer").unwrap(),
        until: kept.until + jiff::SignedDuration::from_hours(1),
        ..kept
    };
    let mut write = kit.store().begin(Actor::program("test"), kit.control.now()).await.unwrap();
    write.grant_add(&longer).await.unwrap();
    write.commit().await.unwrap();
    let state = async || kit.store().case_fetch_open(&case).await.unwrap().unwrap().case.state;
    kit.clock.set("2026-11-24T11:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(kit.control.requests_end_over().await.unwrap(), 1);
    assert_eq!(state().await, CaseState::Approved, "one is still open");
    kit.clock.set("2026-11-24T12:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(kit.control.requests_end_over().await.unwrap(), 1);
    assert_eq!(state().await, CaseState::Ended);
}
