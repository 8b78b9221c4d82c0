//! A report reaches whom it must, and for everybody else nothing has happened.

use axum::http::StatusCode;
use jiff::SignedDuration;
use schoolgate_base::Group;
use schoolgate_cases::{Definition, RawValues};
use schoolgate_control::Submission;

use super::kit::{Browser, Kit, person};

/// The report about a colleague, whatever the policy calls it.
async fn form(tess: &mut Browser) -> String {
    form_of(tess, "concern").await
}

/// The form of a report whose address holds a word.
async fn form_of(tess: &mut Browser, word: &str) -> String {
    let list = tess.get("/reports").await;
    let forms: Vec<String> = list
        .html
        .split(r#"href="/reports/new/"#)
        .skip(1)
        .map(|rest| format!("/reports/new/{}", rest.split('"').next().unwrap()))
        .collect();
    let found = forms.iter().find(|path| path.contains(word));
    found.unwrap_or_else(|| panic!("no report `{word}` among {forms:?}")).clone()
}

/// Every page that somebody could compare.
const PAGES: [&str; 13] = [
    "/",
    "/requests",
    "/requests/queue",
    "/reports",
    "/policies",
    "/policies/staff-ict",
    "/grants",
    "/manage",
    "/manage/entries",
    "/manage/people",
    "/sessions",
    "/agreements",
    "/help",
];

async fn pages(browser: &mut Browser) -> Vec<String> {
    let mut pages = Vec::new();
    for path in PAGES {
        let answer = browser.get(path).await;
        pages.push(format!("{path} {} {}", answer.status, answer.html));
    }
    pages
}

#[tokio::test]
async fn a_report_about_the_head_reaches_the_chair_and_changes_no_byte_for_anybody_else() {
    let kit = Kit::new().await;
    let (mut tess, mut helen, mut ivy) = (kit.be("tess").await, kit.be("helen").await, kit.be("ivy").await);
    let (before_helen, before_ivy) = (pages(&mut helen).await, pages(&mut ivy).await);
    let path = form(&mut tess).await;
    let fields = [("person", "helen"), ("what", "She shared her password"), ("child_safety", "yes")];
    let preview = tess.post(&path, &fields).await;
    preview.has("Who will read this").has("Carl Chair").has("Dora Lead").has("Helen Head will not have it");
    let sent = tess.post(&path, &[fields.as_slice(), &[("step", "send")]].concat()).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "loading the receipt again must not send the report again");
    let receipt = tess.get(&sent.to).await;
    receipt.has("Your report is with them").has("Carl Chair");
    assert_eq!(tess.get(&sent.to).await.html, receipt.html);
    assert_eq!(helen.get(&sent.to).await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages(&mut helen).await, before_helen);
    assert_eq!(pages(&mut ivy).await, before_ivy);
    tess.get("/").await.has_not("to take on");
    let reports = kit.control.reports_for(&person("carl"), 10).await.unwrap();
    let case = format!("/cases/{}", reports[0].0.case.id);
    let nothing = helen.get("/cases/nothing-of-the-kind").await.html;
    for somebody in [&mut helen, &mut ivy] {
        assert_eq!(somebody.get(&case).await.status, StatusCode::NOT_FOUND);
        assert_eq!(somebody.post(&format!("{case}/note"), &[("text", "x")]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(somebody.post(&format!("{case}/acknowledge"), &[]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(helen.get(&case).await.html, nothing, "absent and hidden are the same page");
    let mut carl = kit.be("carl").await;
    assert_eq!(carl.get(&sent.to).await.status, StatusCode::NOT_FOUND, "a receipt is its sender's");
    carl.get("/").await.has("one report to take on");
    carl.get("/reports").await.has("Reports for you");
    carl.get(&case).await.has("She shared her password").has("Only these people can open this");
    carl.post(&format!("{case}/acknowledge"), &[]).await;
    carl.get("/").await.has_not("to take on");
    carl.post(&format!("{case}/note"), &[("text", "Spoke to her"), ("for_parties", "")]).await;
    carl.post(&format!("{case}/note"), &[("text", "Thank you, we act"), ("for_parties", "yes")]).await;
    tess.get(&case).await.has("Thank you, we act").has("It was taken on").has_not("Spoke to her").has_not("Carl");
    let step = "the name of whoever told us was kept from all who need not know it";
    carl.post(&format!("{case}/done"), &[("step", step)]).await;
    let own_words = carl.post(&format!("{case}/close"), &[("outcome", "Dealt with")]).await;
    assert_eq!(own_words.status, StatusCode::CONFLICT, "the policy lists what can come of it");
    carl.post(&format!("{case}/close"), &[("outcome", "advice")]).await;
    carl.get(&case).await.has("Closed");
    assert_eq!(pages(&mut helen).await, before_helen);
}

#[tokio::test]
async fn a_report_about_a_colleague_reaches_the_head() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let path = form(&mut tess).await;
    let wrong = tess.post(&path, &[("person", "sam"), ("what", "")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("person", "sam"), ("what", "Betting in a lesson"), ("step", "send")];
    let sent = tess.post(&path, &fields).await.to;
    tess.get(&sent).await.has("Helen Head");
    let mut helen = kit.be("helen").await;
    helen.get("/reports").await.has("Reports for you");
    let mut sam = kit.be("sam").await;
    sam.get("/reports").await.has_not("Reports for you");
}

/// Requests that somebody else made later, to every office that decides them.
async fn requests_later(kit: &Kit, count: usize) {
    let tess = person("tess");
    let groups = [Group::new("staff")].into();
    let control = kit.control.in_force().definitions.in_force().find_map(|definition| match definition {
        Definition::Request(request) if &*request.kind == "open-site" => Some(request.control.clone()),
        _ => None,
    });
    let answers: RawValues = [("site", "games.example"), ("class", "6B"), ("until", "Friday"), ("why", "Probability")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    kit.clock.advance(SignedDuration::from_mins(1)).unwrap();
    for _ in 0..count {
        let (id, control) = (kit.control.fresh_case().unwrap(), control.as_ref().unwrap());
        let sent = Submission { id: &id, control, by: &tess, groups: &groups, answers: &answers };
        kit.control.request_open(sent, None).await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_stays_in_sight_however_much_comes_after_it() {
    let kit = Kit::new().await;
    let (mut tess, mut ivy, mut helen) = (kit.be("tess").await, kit.be("ivy").await, kit.be("helen").await);
    let path = form(&mut tess).await;
    let fields = [("person", "sam"), ("what", "Betting in a lesson"), ("step", "send")];
    assert_eq!(tess.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
    let first = [("site", "first.example"), ("class", "6B"), ("until", "27/11/2026"), ("why", "Probability")];
    assert_eq!(tess.post("/requests/new/open-site", &first).await.status, StatusCode::SEE_OTHER);
    requests_later(&kit, 201).await;
    ivy.get("/requests/queue").await.has("first.example");
    ivy.get("/").await.has("202 requests to decide");
    ivy.get("/policies/staff-ict").await.has("0 of 202 requests decided in the last 30 days");
    helen.get("/reports").await.has("Reports for you");
    helen.get("/").await.has("one report to take on");
}

#[tokio::test]
async fn a_report_sent_twice_from_one_page_is_one() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let path = form(&mut tess).await;
    let fields = [("person", "sam"), ("what", "He shouted")];
    let preview = tess.post(&path, &fields).await;
    let once = preview.html.split(r#"name="once" value=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let send = [fields.as_slice(), &[("step", "send"), ("once", once)]].concat();
    let (first, second) = (tess.post(&path, &send).await, tess.post(&path, &send).await);
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(first.to, second.to);
    assert_eq!(kit.control.reports_for(&person("helen"), 10).await.unwrap().len(), 1);
    // Somebody else's page is worth nothing to anybody else.
    let mut ivy = kit.be("ivy").await;
    let other = ivy.post(&path, &send).await;
    assert!(other.status == StatusCode::SEE_OTHER && other.to != first.to);
}

#[tokio::test]
async fn a_report_about_oneself_is_sent_and_not_opened_again() {
    let kit = Kit::new().await;
    let (mut sam, mut helen) = (kit.be("sam").await, kit.be("helen").await);
    let path = form(&mut sam).await;
    let sent = sam.post(&path, &[("person", "sam"), ("what", "I left my laptop open"), ("step", "send")]).await;
    assert_eq!(sent.to, "/reports?done=about-you", "{}", sent.html);
    sam.get(&sent.to).await.has("Your report is with them").has_not("left my laptop");
    helen.get("/reports").await.has("Reports for you");
}

#[tokio::test]
async fn a_report_is_closed_only_after_the_steps_that_the_policy_wants() {
    let kit = Kit::new().await;
    let mut tess = kit.be("tess").await;
    let path = form_of(&mut tess, "unsuitable").await;
    let fields = [("site", "bad.example"), ("what", "It should be closed"), ("step", "send")];
    assert_eq!(tess.post(&path, &fields).await.status, StatusCode::SEE_OTHER);
    let reports = kit.control.reports_for(&person("ivy"), 10).await.unwrap();
    let case = format!("/cases/{}", reports[0].0.case.id);
    let mut ivy = kit.be("ivy").await;
    ivy.get(&case).await.has("Before it is closed").has("county told").has_not("Close this report");
    ivy.post(&format!("{case}/acknowledge"), &[]).await;
    let early = ivy.post(&format!("{case}/close"), &[("outcome", "Done")]).await;
    assert!(!early.status.is_success() && early.status != StatusCode::SEE_OTHER, "{}", early.status);
    for step in ["closed here", "county told", "county has answered"] {
        assert_eq!(ivy.post(&format!("{case}/done"), &[("step", step)]).await.status, StatusCode::SEE_OTHER, "{step}");
    }
    ivy.get(&case).await.has_not("Before it is closed").has("Close this report").has("county told");
    ivy.post(&format!("{case}/close"), &[("outcome", "The county closed it")]).await;
    ivy.get(&case).await.has("Closed");
}
