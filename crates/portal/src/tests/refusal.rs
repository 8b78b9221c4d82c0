//! The pages in place of a site.

use axum::http::StatusCode;
use schoolgate_base::{Capacity, Host};
use schoolgate_decide::redirect::Because;
use schoolgate_decide::snapshot::Target;
use schoolgate_decide::{Reason, Verdict};
use schoolgate_event::{Decision, Door, Event, Mode, Pseudonym, Recorded, Recorder, Traffic, Who};

use super::kit::{Kit, person};

#[tokio::test]
async fn a_block_page_says_why_and_asks_for_the_site() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let token = kit.token(kit.block(), "bet.example", "n1");
    let page = tess.get(&format!("/blocked?t={token}")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.has("bet.example is not open to you here").has("Rule ").has("Staff acceptable use of ICT").has("gambling");
    page.has("ut1").has("Ivy Tech").has("I did not mean to open this").has("Ask for this site");
    page.has(r#"value="bet.example""#).has(r#"<option value="6B" selected>"#);
    let t = page.after(r#"name="t" value=""#);
    let missing = [("t", t.as_str()), ("site", "bet.example"), ("class", "6B"), ("until", "Friday"), ("why", "")];
    let again = tess.post("/requests/new/open-site", &missing).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.has("role=\"alert\"").has(r#"value="Friday""#);
    let whole = [("t", t.as_str()), ("site", "bet.example"), ("class", "6B"), ("until", "Friday"), ("why", "Odds")];
    let asked = tess.post("/requests/new/open-site", &whole).await;
    assert!(asked.to.starts_with("/requests/"), "{} {}", asked.status, asked.html);
    tess.get(&asked.to).await.has("bet.example for 6B until").has("Waiting");
}

#[tokio::test]
async fn a_redirect_works_once_for_one_browser_and_five_minutes() {
    let kit = Kit::new().await;
    let (mut tess, mut sam) = (kit.be("tess").await, kit.be("sam").await);
    let token = kit.token(kit.block(), "bet.example", "n1");
    tess.get(&format!("/blocked?t={token}")).await.has("bet.example");
    tess.get(&format!("/blocked?t={token}")).await.has("bet.example");
    sam.get(&format!("/blocked?t={token}")).await.has("This page has gone out of date").has_not("bet.example");
    let late = kit.token(kit.block(), "bet.example", "n2");
    kit.clock.advance(jiff::SignedDuration::from_mins(6)).unwrap();
    tess.get(&format!("/blocked?t={late}")).await.has("This page has gone out of date");
    let nameless = kit.token(kit.block(), "bet.example", "");
    tess.get(&format!("/blocked?t={nameless}")).await.has("This page has gone out of date");
    tess.get("/blocked?t=nonsense").await.has("This page has gone out of date");
    tess.get("/blocked").await.has("This page has gone out of date");
}

#[tokio::test]
async fn an_accident_is_one_click() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let token = kit.token(kit.block(), "bet.example", "n1");
    let t = tess.get(&format!("/blocked?t={token}")).await.after(r#"name="t" value=""#);
    tess.post("/blocked/accident", &[("t", &t)]).await.has("Thank you for saying so").has("never counts against you");
}

#[tokio::test]
async fn a_warning_can_be_gone_past_by_this_person() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let Because::Decided { reason, .. } = kit.block() else { panic!() };
    let token = kit.token(Because::Decided { verdict: Verdict::Warn, reason }, "shop.example", "n1");
    let page = tess.get(&format!("/blocked?t={token}")).await;
    let t = page.has("Do you need shop.example now?").after(r#"name="t" value=""#);
    let answer = tess.post("/blocked/go-on", &[("t", &t)]).await;
    tess.get(&answer.to).await.has("url=https://shop.example/");
    let snapshot = kit.control.snapshot();
    let grant = snapshot.live.grants.first().unwrap();
    assert_eq!(grant.audience.persons, [person("tess")]);
    assert!(matches!(&grant.target, Target::Host(_) | Target::Domain(_)));
    // A block is no warning: its button does not exist, and a made-up one opens nothing.
    let block = kit.token(kit.block(), "bet.example", "n2");
    let t = tess.get(&format!("/blocked?t={block}")).await.after(r#"name="t" value=""#);
    tess.post("/blocked/go-on", &[("t", &t)]).await.has("This page has gone out of date");
    assert_eq!(kit.control.snapshot().live.grants.len(), 1);
}

#[tokio::test]
async fn a_warning_that_was_no_page_is_on_the_first_page() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let Because::Decided { reason: Reason::Rule { control, .. }, .. } = kit.block() else { panic!() };
    let snapshot = kit.control.snapshot();
    let member = snapshot.member(&person("tess"), Capacity::Staff).unwrap();
    let who = Who { person: Pseudonym::new(&member.pseudonym).ok(), ..Who::UNKNOWN };
    let event = Event::Decision(Decision {
        school: kit.control.school().clone(),
        at: kit.control.now(),
        door: Door::Proxy,
        who,
        host: Host::parse("shop.example").unwrap(),
        url: None,
        method: "CONNECT".into(),
        verdict: schoolgate_event::Verdict::Warn,
        reason: schoolgate_event::Reason { control: Some(control), ..Default::default() },
        snapshot: 1,
        traffic: Traffic::default(),
        mode: Mode::Tunnel,
        tls: None,
    });
    assert_eq!(kit.events.record(event), Recorded::Queued);
    kit.events.flush().await.unwrap();
    let home = tess.get("/").await;
    let href = home.has("shop.example").after(r#"<a class="govuk-link" href="/blocked"#);
    let t =
        tess.get(&format!("/blocked{href}")).await.has("Do you need shop.example now?").after(r#"name="t" value=""#);
    assert_eq!(tess.post("/blocked/go-on", &[("t", &t)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.control.snapshot().live.grants.len(), 1);
    tess.get("/").await.has_not("Just refused for you");
    kit.be("sam").await.get("/").await.has_not("shop.example");
}

#[tokio::test]
async fn what_the_law_blocks_cannot_be_asked_for() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let reason = Reason::Locked { category: "illegal".into() };
    let token = kit.token(Because::Decided { verdict: Verdict::Block, reason }, "bad.example", "n1");
    tess.get(&format!("/blocked?t={token}")).await.has("blocked by law").has_not("Ask for this site");
}

#[tokio::test]
async fn an_unreachable_site_says_which_and_why() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let because = Because::Upstream { words: "its certificate ran out".into() };
    let token = kit.token(because, "badcert.example", "n1");
    tess.get(&format!("/unreachable?t={token}"))
        .await
        .has("badcert.example could not be opened")
        .has("its certificate ran out");
}

#[tokio::test]
async fn a_site_that_leaves_no_trace_is_not_named_by_our_own_name_either() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let because = Because::Upstream { words: "it does not answer".into() };
    let token = kit.token(because, "portal.demo.test", "n1");
    let page = tess.get(&format!("/unreachable?t={token}")).await;
    page.has("The site could not be opened").has_not("portal.demo.test").has_not("Try again");
    let locked = Because::Decided { verdict: Verdict::Block, reason: Reason::Locked { category: "illegal".into() } };
    let token = kit.token(locked, "portal.demo.test", "n3");
    tess.get(&format!("/blocked?t={token}")).await.has("This site is not open to you here").has_not("portal.demo.test");
    let gate = Because::Decided { verdict: Verdict::Gate, reason: Reason::NotSignedIn };
    let token = kit.token(gate, "portal.demo.test", "n2");
    tess.get(&format!("/agree?t={token}")).await.has("I agree").has_not("You wanted to open");
}

#[tokio::test]
async fn the_help_page_knows_nobody() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    tess.get("/help")
        .await
        .has("Nobody was told")
        .has("0800 1111")
        .has("Dora Lead")
        .has("Leave this page")
        .has_not("Tess");
    let because = Because::Decided { verdict: Verdict::Help, reason: Reason::HelpTopic { topic: "self-harm".into() } };
    let token = kit.token(because, "search.example", "n1");
    tess.get(&format!("/help?t={token}")).await.has("Nobody was told").has_not("search.example").has_not("Tess");
}
