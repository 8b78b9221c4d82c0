//! What clients get in place of a site: a redirect to the portal, or a plain page that stands alone.

use data_encoding::HEXLOWER;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, PROXY_AUTHENTICATE, REFERRER_POLICY,
};
use http::{Response, StatusCode};
use schoolgate_base::Host;
use schoolgate_decide::redirect::{Because, Redirect};
use schoolgate_decide::{Reason, Trace, Verdict};

use crate::body::Reply;
use crate::door::{Door, Judged};
use crate::failure::Failure;
use crate::target::Site;

/// What somebody wanted who is sent elsewhere.
pub(crate) struct Wanted<'a> {
    pub(crate) scheme: &'static str,
    pub(crate) site: &'a Site,
    /// `/` where it has not been read.
    pub(crate) path: &'a str,
    /// Whether a person is looking at what comes back.
    pub(crate) is_navigation: bool,
    /// Whether the portal can be opened without a certificate warning.
    pub(crate) trusts_ca: bool,
    /// How much of it may be written down, and so may travel on.
    pub(crate) trace: Trace,
}

impl Wanted<'_> {
    /// Whether a page of the portal can take the place of what was wanted.
    pub(crate) fn leads_to_portal(&self) -> bool {
        self.is_navigation && self.trusts_ca
    }
}

/// The answer to a decision that is not to let through.
pub(crate) fn turn_away(door: &Door, wanted: &Wanted<'_>, judged: &Judged) -> Response<Reply> {
    door.meters.turned_away.increment();
    let decision = &judged.decision;
    let because = Because::Decided { verdict: decision.verdict, reason: decision.reason.clone() };
    if wanted.leads_to_portal() {
        return to_portal(door, redirect_for(door, wanted, because, judged.snapshot));
    }
    let (title, text) = words(decision.verdict, &decision.reason);
    page(StatusCode::FORBIDDEN, title, text)
}

/// The answer to a failure.
pub(crate) fn fail(door: &Door, wanted: Option<&Wanted<'_>>, failure: Failure) -> Response<Reply> {
    door.meters.refused(&failure);
    if let Failure::Inner(refusal) = failure {
        door.meters.inner(refusal);
    }
    let shown = failure.shown();
    if let Some(wanted) = wanted.filter(|wanted| wanted.leads_to_portal())
        && failure.is_the_sites()
    {
        let because = Because::Upstream { words: shown.text.into() };
        let snapshot = door.snapshots.borrow().root.number;
        return to_portal(door, redirect_for(door, wanted, because, snapshot));
    }
    let mut response = page(shown.status, shown.title, shown.text);
    if let Some(challenge) = failure.challenge() {
        response.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
    }
    response
}

fn redirect_for(door: &Door, wanted: &Wanted<'_>, because: Because, snapshot: u64) -> Redirect {
    let own_port = if wanted.scheme == "https" { 443 } else { 80 };
    // Neither what was searched for nor where may travel on to any page, and a locked entry is never shown.
    let leaves_no_trace = matches!(wanted.trace, Trace::CountOnly | Trace::HashOnly);
    let (scheme, host, port, path) = if leaves_no_trace {
        ("https", Host::Name(door.settings.portal.name.clone()), None, "/")
    } else {
        let port = (wanted.site.port != own_port).then_some(wanted.site.port);
        (wanted.scheme, wanted.site.host.clone(), port, wanted.path)
    };
    Redirect {
        because,
        scheme: scheme.into(),
        host,
        port,
        path: path.into(),
        snapshot,
        made_at: door.clock.now(),
        nonce: nonce(),
    }
}

fn nonce() -> Box<str> {
    let mut bytes = [0_u8; 16];
    // Without randomness all tokens share the empty nonce, of which the portal knows one browser at a time: others are
    // not sent onward, which is the safe side.
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => HEXLOWER.encode(&bytes).into(),
        Err(_) => "".into(),
    }
}

fn to_portal(door: &Door, redirect: Redirect) -> Response<Reply> {
    let portal = &door.settings.portal.name;
    let page = redirect.page();
    let location = match door.seals.redirect(&redirect) {
        Some(token) => format!("https://{portal}{page}?t={token}"),
        None => format!("https://{portal}{page}"),
    };
    moved(StatusCode::SEE_OTHER, &location)
}

pub(crate) fn moved(status: StatusCode, location: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::empty());
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    seal_off(&mut response);
    response
}

/// A page without anything to load, run or follow.
pub(crate) fn page(status: StatusCode, title: &str, text: &str) -> Response<Reply> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{text}</p>\n"
    );
    let mut response = Response::new(Reply::own(html));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    seal_off(&mut response);
    response
}

/// What we say in a site's name must not be kept, run or referred to there.
fn seal_off(response: &mut Response<Reply>) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// All texts are fixed: nothing that a peer sent gets into a page of ours.
fn words(verdict: Verdict, reason: &Reason) -> (&'static str, &'static str) {
    match (verdict, reason) {
        (Verdict::Gate, Reason::NotSignedIn) => {
            ("Please sign in first", "Open the school's portal and sign in; then the web opens on this device.")
        }
        (Verdict::Gate, _) => (
            "There is something to agree to first",
            "Open the school's portal: one of the school's rules has to be agreed to before the web opens.",
        ),
        (Verdict::Help, _) => (
            "There are people you can talk to",
            "Open the help page of the school's portal. You can call Childline on 0800 1111, free, at any time.",
        ),
        (Verdict::Warn, _) => {
            ("Please read this first", "Open the school's portal: it says why this site is not meant for now.")
        }
        (Verdict::Block | Verdict::Allow, _) => {
            ("This site is blocked here", "Open the school's portal: it says which rule blocks it and who can help.")
        }
    }
}
