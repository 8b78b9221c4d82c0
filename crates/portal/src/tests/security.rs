//! What every page and every form has in common.

use axum::http::StatusCode;

use super::kit::Kit;

/// Every form of the portal.
const FORMS: [&str; 27] = [
    "/sign-in",
    "/sign-out",
    "/sessions/x/end",
    "/be/tess",
    "/be/clock",
    "/agree",
    "/blocked/accident",
    "/blocked/go-on",
    "/requests/new/open-site",
    "/requests/x/approve",
    "/requests/x/refuse",
    "/requests/x/withdraw",
    "/grants/x/close",
    "/urgent",
    "/urgent/x/end",
    "/reports/new/concern-about-adult",
    "/cases/x/acknowledge",
    "/cases/x/note",
    "/cases/x/close",
    "/policies/staff-ict/gambling/evidence",
    "/manage/file",
    "/manage/entries",
    "/manage/entries/remove",
    "/manage/people",
    "/manage/staff-ict/gambling",
    "/nowhere",
    "/",
];

#[tokio::test]
async fn no_form_works_without_the_token_or_from_another_site() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    let token = ivy.token.clone();
    for path in FORMS {
        let answer = ivy.post_raw(path, &[("site", "x.example")], &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} without a token");
        answer.has("That did not come from our form");
        let answer = ivy.post_raw(path, &[("token", "0".repeat(32).as_str())], &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with a wrong token");
        for other in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            let answer = ivy.post_raw(path, &[("token", &token)], &[other]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} from {other:?}");
        }
    }
    let mut sam = kit.be("sam").await;
    let answer = sam.post_raw("/sign-out", &[("token", &token)], &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a token of another browser");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let kit = Kit::new().await;
    let mut browser = kit.browser();
    for path in ["/", "/help", "/nowhere", "/health", "/assets/none", "/policies", "/manage"] {
        let answer = browser.get(path).await;
        let policy = answer.headers.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers.get("x-content-type-options").unwrap(), "nosniff", "{path}");
        assert_eq!(answer.headers.get("referrer-policy").unwrap(), "same-origin", "{path}");
        assert_eq!(answer.headers.get("cache-control").unwrap(), "no-store", "{path}");
    }
    let cookie = browser.get("/sign-in").await;
    assert!(cookie.headers.get("set-cookie").is_none(), "a browser that has its cookie gets no other");
    let fresh = kit.browser().get("/").await;
    let cookie = fresh.headers.get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("Secure; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn pages_of_offices_are_for_their_holders_only() {
    let kit = Kit::new().await;
    let pages =
        ["/manage", "/manage/file?name=school.toml", "/manage/entries", "/manage/people", "/manage/staff-ict/gambling"];
    let forms =
        ["/manage/file", "/manage/entries", "/manage/entries/remove", "/manage/people", "/urgent", "/urgent/x/end"];
    for id in ["tess", "pia", "gina", "carl"] {
        let mut browser = kit.be(id).await;
        for page in pages {
            assert_eq!(browser.get(page).await.status, StatusCode::FORBIDDEN, "{id} {page}");
        }
        for form in forms {
            let answer = browser.post(form, &[("site", "news.example"), ("name", "school.toml")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{id} {form}");
        }
        // The chair and the trust's lead decide whether somebody's mail is opened, so they have a queue.
        let decides = ["gina", "carl"].contains(&id);
        let expected = if decides { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(browser.get("/requests/queue").await.status, expected, "{id}");
    }
    let mut nobody = kit.browser();
    for page in ["/requests", "/reports", "/manage", "/grants", "/sessions", "/agreements", "/agree"] {
        let answer = nobody.get(page).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
        assert!(answer.to.starts_with("/sign-in?next="), "{page}: {}", answer.to);
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    let large = "x".repeat(5 * 1024 * 1024);
    let answer = ivy.post("/manage/file", &[("name", "school.toml"), ("text", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
