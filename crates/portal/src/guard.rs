//! The one layer round all pages: finds out who is asking, lets no change through without origin and token, and turns
//! failures into pages.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::client::Client;
use crate::cookie::Secret;
use crate::ctx::{Arriving, Ctx};
use crate::failure::{Failure, internal};
use crate::fields::Fields;
use crate::security;
use crate::views::frame::Frame;

/// The largest form, in bytes; documents and lists of people are sent as text.
const FORM_MAX_BYTES: usize = 4 * 1024 * 1024;
/// A form that has not arrived by then never will.
const FORM_PATIENCE: Duration = Duration::from_secs(20);
/// Longest name of a browser kept, in characters.
const BROWSER_MAX: usize = 300;

pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>().copied().unwrap_or(Client::UNKNOWN);
    let is_plain_demo = app.demo.is_some() && !client.is_tls;
    let sent = Secret::read(request.headers(), is_plain_demo);
    let is_new = sent.is_none();
    let secret = match sent.map_or_else(Secret::random, Ok) {
        Ok(secret) => secret,
        Err(error) => return internal(error).answer(Frame::default()),
    };
    let cookie = if is_new { secret.set_cookie(is_plain_demo) } else { None };
    let arriving = Arriving {
        client,
        secret,
        browser: browser(request.headers()),
        done: done(request.uri()),
        page: page(&request),
    };
    let ctx = match Ctx::load(app, arriving).await {
        Ok(ctx) => ctx,
        Err(failure) => return failure.answer(Frame::default()),
    };
    let mut response = match admitted(&ctx, request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    if let Some(failure) = response.extensions_mut().remove::<Arc<Failure>>() {
        response = failure.answer(ctx.frame("", ""));
    }
    if let Some(cookie) = cookie
        && !response.headers().contains_key(SET_COOKIE)
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// The request with its context; for a change, checked and with its form read.
async fn admitted(ctx: &Ctx, request: Request) -> Result<Request, Failure> {
    let mut ctx = ctx.clone();
    let (mut parts, body) = request.into_parts();
    let mut body = body;
    if security::changes_something(&parts.method) {
        let fields = checked_form(&ctx, &parts.headers, body).await?;
        ctx.fields = Arc::new(fields);
        body = Body::empty();
    }
    parts.extensions.insert(ctx);
    Ok(Request::from_parts(parts, body))
}

async fn checked_form(ctx: &Ctx, headers: &HeaderMap, body: Body) -> Result<Fields, Failure> {
    // Before the body is read: what another site sends costs us nothing.
    if !security::is_own_origin(headers) {
        return Err(Failure::OtherSite);
    }
    let token = ctx.secret.form_token();
    if !ctx.app.forms.take(&token, ctx.now) {
        return Err(Failure::TooMany);
    }
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"));
    if !is_form {
        return Err(Failure::Token);
    }
    let read = tokio::time::timeout(FORM_PATIENCE, to_bytes(body, FORM_MAX_BYTES)).await;
    let bytes = read.map_err(|_| Failure::TooLarge)?.map_err(|_| Failure::TooLarge)?;
    let fields = Fields::read(&bytes);
    if schoolgate_keys::is_same_secret(fields.get("token").as_bytes(), token.as_bytes()) {
        Ok(fields)
    } else {
        Err(Failure::Token)
    }
}

fn browser(headers: &HeaderMap) -> Arc<str> {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    text.chars().take(BROWSER_MAX).collect::<String>().into()
}

/// An act is not done again after a sign-in, and what only takes forms is no page.
fn page(request: &Request) -> Option<Arc<str>> {
    let page = request.uri().path_and_query().map(|page| page.as_str().into());
    page.filter(|_| !security::changes_something(request.method()))
}

/// What the page before has done, by code: a code that is not ours says nothing.
fn done(uri: &Uri) -> Option<&'static str> {
    let query = uri.query()?;
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?.1;
    match &*code {
        "asked" => Some("Your request is with those who decide."),
        "approved" => Some("Approved. It is open now."),
        "approved-first" => Some("Approved. Another person has to approve it too."),
        "refused" => Some("Refused. They can read why."),
        "withdrawn" => Some("You have taken it back."),
        "closed" => Some("It is closed."),
        "blocked" => Some("The site is closed for everybody, for 24 hours."),
        "unblocked" => Some("The block is ended."),
        "noted" => Some("It is written down."),
        "taken-on" => Some("You have taken it on."),
        "in-force" => Some("The new rules are in force at every door."),
        "entered" => Some("The list is changed, at every door."),
        "people" => Some("The people are as in the file."),
        "about-you" => Some("Your report is with them. As it is about you, you cannot open it again here."),
        "ended" => Some("That session is ended."),
        "clock" => Some("The time is set."),
        _ => None,
    }
}
