//! Checks a name and password and begins a session.

use argon2::{Argon2, PasswordHash, PasswordVerifier};
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use schoolgate_base::{Capacity, PersonId};
use schoolgate_control::AddressClaim;
use schoolgate_records::{Actor, Person, PortalSession, fold};

use crate::cookie::Secret;
use crate::ctx::{Ctx, from_control, from_records};
use crate::failure::{Failure, PageResult, internal, shown_again};
use crate::onward::{moved, own_path};
use crate::views::input::Mistake;

use super::new::sign_in_page;

/// How long a sign-in speaks for its address without another page of the portal.
const CLAIM: SignedDuration = SignedDuration::from_hours(8);
/// Stands in where nobody has this name, so that a wrong name takes as long as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2Nob29sZ2F0ZS1ub2JvZHk$5wT3bIWz0OqcBRGtG0/FUaZoJMsBc28XOEQy/qSyUCY";

/// Signs somebody in and goes on to where they were going.
pub(crate) async fn session_create(ctx: Ctx) -> PageResult {
    let name = ctx.fields.trimmed("name").to_owned();
    let next = own_path(ctx.fields.get("next")).to_owned();
    if name.is_empty() || ctx.fields.get("password").is_empty() {
        let mistake = Mistake::new("name", "Enter your name and your password");
        return shown_again(&sign_in_page(&ctx, &next, &name, vec![mistake]).await?);
    }
    // As names are looked up: every spelling of one account has the same allowance.
    let account = fold(&name);
    let by_name = ctx.app.sign_in_by_name.take(&account, ctx.now);
    let by_address = ctx.app.sign_in_by_address.take(&ctx.client.address, ctx.now);
    if !by_name || !by_address {
        return Err(Failure::TooMany);
    }
    let person = ctx.app.control.store().person_by_login(&name).await.map_err(from_records)?;
    let person = person.filter(|person| person.is_active(ctx.now));
    if !password_is_right(&ctx, person.as_ref()).await? {
        let mistake = Mistake::new("password", "The name or the password is not right");
        return shown_again(&sign_in_page(&ctx, &next, &name, vec![mistake]).await?);
    }
    ctx.app.sign_in_by_name.forget(&account);
    // Not all of the address's tries: whoever has one password could guess others' for ever.
    ctx.app.sign_in_by_address.give_back(&ctx.client.address);
    let Some(person) = person else { return Err(Failure::NotForYou) };
    let Some(capacity) = person.capacities.first().copied() else { return Err(Failure::NotForYou) };
    begin(&ctx, &person.id, capacity, &next).await
}

async fn password_is_right(ctx: &Ctx, person: Option<&Person>) -> Result<bool, Failure> {
    let kept = match person {
        Some(person) => ctx.app.control.store().password_get(&person.id).await.map_err(from_records)?,
        None => None,
    };
    let is_somebody = kept.is_some();
    let hash = kept.unwrap_or_else(|| NOBODY.to_owned());
    let password = ctx.fields.get("password").to_owned();
    let _turn = ctx.app.hashing.acquire().await.map_err(internal)?;
    let checked = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    Ok(checked.await.map_err(internal)? && is_somebody)
}

/// Begins a session under a fresh secret, so that one planted before is worth nothing, and lets it speak for the
/// address when it came through the proxy.
pub(super) async fn begin(ctx: &Ctx, person: &PersonId, capacity: Capacity, next: &str) -> PageResult {
    let secret = Secret::random().map_err(internal)?;
    let Some(id) = secret.session() else { return Err(internal("a session has no id")) };
    let mut write =
        ctx.app.control.store().begin(Actor::Person(person.clone()), ctx.now).await.map_err(from_records)?;
    if let Some(old) = ctx.signed() {
        write.session_end(old.session.as_str()).await.map_err(from_records)?;
    }
    let session = PortalSession {
        id_hash: id.as_str().into(),
        person: person.clone(),
        capacity,
        source_address: ctx.client.address.to_string().into(),
        created_at: ctx.now,
        last_seen_at: ctx.now,
        ended_at: None,
    };
    write.session_create(&session).await.map_err(from_records)?;
    write.commit().await.map_err(from_records)?;
    if ctx.signed().is_some() && !ctx.client.via_proxy {
        ctx.app.control.presence_publish().await.map_err(from_control)?;
    }
    if ctx.client.via_proxy {
        let claim = AddressClaim {
            session: id,
            person: person.clone(),
            capacity,
            address: ctx.client.address,
            until: ctx.now + CLAIM,
            takes_over: ctx.app.demo.is_some(),
        };
        ctx.app.control.address_claim(claim).await.map_err(from_control)?;
    }
    let next = moved(ctx, next, &secret)?;
    Ok(with_cookie(ctx, &secret, Redirect::to(&next).into_response()))
}

pub(super) fn with_cookie(ctx: &Ctx, secret: &Secret, mut response: Response) -> Response {
    let is_plain_demo = ctx.app.demo.is_some() && !ctx.client.is_tls;
    if let Some(cookie) = secret.set_cookie(is_plain_demo) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
