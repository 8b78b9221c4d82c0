//! Where somebody was going: from a door's sealed redirect, kept through a form under our own seal.
//!
//! A door's redirect is good for five minutes and for one browser. What a page's buttons carry is sealed anew, bound
//! to that browser, and lasts as long as somebody may read: nobody else's button works with it, and no address comes
//! from a query.

use jiff::{SignedDuration, Timestamp};
use schoolgate_decide::redirect::{PURPOSE, Redirect, VALID_MINUTES};
use serde::{Deserialize, Serialize};

use crate::cookie::Secret;
use crate::ctx::Ctx;
use crate::failure::{Failure, internal};
use crate::site_words;

/// Reading an agreement may take a lesson.
const FORM_VALID: SignedDuration = SignedDuration::from_hours(8);

#[derive(Serialize, Deserialize)]
struct Carried {
    redirect: Redirect,
    at: Timestamp,
}

/// Opens a door's redirect; `None` when it is not ours, too old, or was opened by another browser.
pub(crate) fn arrived(ctx: &Ctx, token: &str) -> Option<Redirect> {
    let content = ctx.app.control.keys().redirects().open(PURPOSE, token)?;
    let redirect: Redirect = serde_json::from_slice(&content).ok()?;
    // An empty one is every such redirect's: the first browser would have it, and all others none.
    if redirect.nonce.is_empty() {
        return None;
    }
    let age = ctx.now.duration_since(redirect.made_at);
    let is_fresh = -SignedDuration::from_mins(1) <= age && age <= SignedDuration::from_mins(VALID_MINUTES);
    let is_ours = is_fresh && ctx.app.redirect_use(&redirect.nonce, &ctx.secret.form_token(), ctx.now);
    is_ours.then_some(redirect)
}

/// For a hidden field or a link of this browser.
pub(crate) fn carry(ctx: &Ctx, redirect: &Redirect) -> Result<String, Failure> {
    let carried = Carried { redirect: redirect.clone(), at: ctx.now };
    let content = serde_json::to_vec(&carried).map_err(internal)?;
    ctx.app.control.keys().tokens().seal(&purpose(ctx), &content).map_err(internal)
}

/// `next` with the redirect in it, if there is one, carried over to another secret of the same browser: at a sign-in
/// the secret changes.
pub(crate) fn moved(ctx: &Ctx, next: &str, to: &Secret) -> Result<String, Failure> {
    let Some((path, query)) = next.split_once('?') else { return Ok(next.to_owned()) };
    let sealed = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "t").map(|(_, value)| value);
    let Some(redirect) = sealed.and_then(|sealed| carried(ctx, &sealed)) else { return Ok(next.to_owned()) };
    let mut later = ctx.clone();
    later.secret = to.clone();
    Ok(format!("{path}?t={}", carry(&later, &redirect)?))
}

/// What [`carry`] sealed for this browser; `None` for anything else.
pub(crate) fn carried(ctx: &Ctx, sealed: &str) -> Option<Redirect> {
    let content = ctx.app.control.keys().tokens().open(&purpose(ctx), sealed)?;
    let carried: Carried = serde_json::from_slice(&content).ok()?;
    (ctx.now.duration_since(carried.at) <= FORM_VALID).then_some(carried.redirect)
}

/// A redirect in either form: straight from a door, or on its way through our pages (the sign-in).
pub(crate) fn either(ctx: &Ctx, token: &str) -> Option<Redirect> {
    carried(ctx, token).or_else(|| arrived(ctx, token))
}

/// The site that a redirect names. A door names the portal in place of a site that nothing may remain of.
pub(crate) fn site(ctx: &Ctx, redirect: &Redirect) -> Option<String> {
    (!site_words::is_portal(ctx, &redirect.host)).then(|| redirect.host.to_string())
}

fn purpose(ctx: &Ctx) -> String {
    format!("portal-onward/1 {}", ctx.secret.form_token())
}

/// A path of our own to go on to; anything else becomes the start page. Two slashes or a backslash would be read as
/// another host.
pub(crate) fn own_path(next: &str) -> &str {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if is_own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_to_another_host() {
        assert_eq!(own_path("/requests?done=asked"), "/requests?done=asked");
        for foreign in
            ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/a b", "javascript:1", "/\n/x"]
        {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
