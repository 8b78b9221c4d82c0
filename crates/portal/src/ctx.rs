//! One request as handlers see it: who is asking, from where, when, with which answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, Group, PersonId, Role, SessionId};
use schoolgate_cases::{Definition, Offices};
use schoolgate_control::{ControlError, InForce, audiences};
use schoolgate_records::{Person, RecordsError};

use crate::app::App;
use crate::client::Client;
use crate::cookie::Secret;
use crate::failure::{Failure, internal};
use crate::fields::Fields;
use crate::forms::requests_for;
use crate::powers::Powers;
use crate::views::frame::{Frame, PersonShown, SectionShown};
use crate::words::Moments;

/// A session ends after this time without a page.
const IDLE: SignedDuration = SignedDuration::from_hours(8);
/// How often a session's last use is written down.
const TOUCH: SignedDuration = SignedDuration::from_mins(5);

/// What a handler works with.
#[derive(Clone)]
pub(crate) struct Ctx {
    pub(crate) app: Arc<App>,
    pub(crate) client: Client,
    pub(crate) secret: Secret,
    pub(crate) browser: Arc<str>,
    pub(crate) now: Timestamp,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) fields: Arc<Fields>,
    /// What the last click did, by code.
    pub(crate) done: Option<&'static str>,
    /// The page that is asked for, with its query; `None` where a form was sent.
    pub(crate) page: Option<Arc<str>>,
    signed: Option<Arc<Signed>>,
}

/// Somebody who has signed in.
pub(crate) struct Signed {
    pub(crate) session: SessionId,
    pub(crate) person: Person,
    pub(crate) capacity: Capacity,
    /// Every audience, inclusions followed.
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) offices: Offices,
    pub(crate) powers: Powers,
}

impl Signed {
    pub(crate) fn id(&self) -> &PersonId {
        &self.person.id
    }
}

/// What a request brings before anything is looked up.
pub(crate) struct Arriving {
    pub(crate) client: Client,
    pub(crate) secret: Secret,
    pub(crate) browser: Arc<str>,
    pub(crate) done: Option<&'static str>,
    pub(crate) page: Option<Arc<str>>,
}

impl Ctx {
    /// Looks up who it is. Reading fails closed: no page that knows a person is shown without knowing.
    pub(crate) async fn load(app: Arc<App>, arriving: Arriving) -> Result<Self, Failure> {
        let now = app.control.now();
        let in_force = app.control.in_force();
        let signed = signed_load(&app, &in_force, &arriving.secret, now).await?;
        Ok(Self {
            app,
            client: arriving.client,
            secret: arriving.secret,
            browser: arriving.browser,
            now,
            in_force,
            fields: Arc::new(Fields::default()),
            done: arriving.done,
            page: arriving.page,
            signed: signed.map(Arc::new),
        })
    }

    pub(crate) fn signed(&self) -> Option<&Signed> {
        self.signed.as_deref()
    }

    /// The person, or the way to the sign-in and back to `next`.
    pub(crate) fn person(&self, next: &str) -> Result<&Signed, Failure> {
        self.signed().ok_or_else(|| Failure::SignInFirst { next: next.to_owned() })
    }

    pub(crate) fn moments(&self) -> Moments<'_> {
        Moments { now: self.now, calendar: &self.in_force.built.compiled.program.calendar }
    }

    pub(crate) fn school_name(&self) -> &str {
        &self.in_force.built.compiled.school.name
    }

    /// The frame of a page in the section at `section`; an empty one is none of them.
    pub(crate) fn frame(&self, section: &str, title: impl Into<String>) -> Frame {
        let signed = self.signed();
        Frame {
            school: self.school_name().to_owned(),
            title: title.into(),
            person: signed.map(|signed| PersonShown {
                name: signed.person.name.to_string(),
                capacity: signed.capacity.to_string(),
            }),
            token: self.secret.form_token(),
            sections: signed.map_or_else(Vec::new, |signed| self.sections(signed, section)),
            is_demo: self.app.demo.is_some(),
            notice: self.done.map(str::to_owned),
            has_mistakes: false,
        }
    }

    fn sections(&self, signed: &Signed, current: &str) -> Vec<SectionShown> {
        let mut sections = vec![("/", "Start")];
        if !requests_for(self, signed).is_empty() {
            sections.push(("/requests", "Ask"));
        }
        sections.extend([("/reports", "Report a concern"), ("/policies", "The rules")]);
        if self.decides(signed) {
            sections.push(("/requests/queue", "Decide"));
        }
        if signed.powers.manages {
            sections.push(("/manage", "Look after"));
        }
        let shown = |(href, label)| SectionShown { href, label, is_current: href == current };
        sections.into_iter().map(shown).collect()
    }

    /// Whether some form of the policies in force is decided by one of the person's offices.
    pub(crate) fn decides(&self, signed: &Signed) -> bool {
        self.in_force.definitions.in_force().any(|definition| match definition {
            Definition::Request(request) => {
                let mut roles = request.decide.roles.iter().chain(&request.stand_in);
                roles.any(|role| signed.roles.contains(role))
            }
            Definition::Report(_) => false,
        })
    }

    /// The name of a person; of somebody erased, a word.
    pub(crate) async fn name(&self, person: &PersonId) -> Result<String, Failure> {
        let found = self.app.control.store().person_fetch(person).await.map_err(from_records)?;
        Ok(found.map_or_else(|| "somebody who has left".to_owned(), |person| person.name.to_string()))
    }

    /// An office as the school says it.
    pub(crate) fn office(&self, role: &Role) -> String {
        let school = &self.in_force.built.compiled.school;
        if school.roles.contains_key(role) { school.role_title(role) } else { crate::words::office(role) }
    }

    /// The holders of offices as `Ivy Tech (technician)`, each person once.
    pub(crate) async fn holders(&self, roles: &[Role]) -> Result<Vec<String>, Failure> {
        let offices = self.app.control.offices().await.map_err(from_control)?;
        let mut seen = BTreeSet::new();
        let mut names = Vec::new();
        for role in roles {
            for holder in offices.of_role(role).iter().filter(|holder| !holder.is_deputy) {
                if seen.insert(holder.person.clone()) {
                    names.push(format!("{} ({})", self.name(&holder.person).await?, self.office(role)));
                }
            }
        }
        Ok(names)
    }
}

async fn signed_load(
    app: &App,
    in_force: &InForce,
    secret: &Secret,
    now: Timestamp,
) -> Result<Option<Signed>, Failure> {
    let Some(id) = secret.session() else { return Ok(None) };
    let store = app.control.store();
    let Some(session) = store.session_fetch(id.as_str()).await.map_err(from_records)? else { return Ok(None) };
    let is_idle = IDLE < now.duration_since(session.last_seen_at);
    if session.ended_at.is_some() || is_idle {
        return Ok(None);
    }
    let Some(person) = store.person_fetch(&session.person).await.map_err(from_records)? else { return Ok(None) };
    if !person.is_active(now) || !person.capacities.contains(&session.capacity) {
        return Ok(None);
    }
    if TOUCH < now.duration_since(session.last_seen_at) {
        session_touch(app, &id, now).await;
    }
    let offices = app.control.offices().await.map_err(from_control)?;
    let roles: BTreeSet<Role> = offices.of_person(&person.id).into_iter().cloned().collect();
    let within = &in_force.built.compiled.program.groups;
    Ok(Some(Signed {
        session: id,
        groups: audiences(&person, session.capacity, within).into_iter().collect(),
        powers: Powers::of(session.capacity, &roles),
        person,
        capacity: session.capacity,
        roles,
        offices,
    }))
}

/// Not being able to write must not keep anybody from reading.
async fn session_touch(app: &App, id: &SessionId, now: Timestamp) {
    let actor = schoolgate_records::Actor::program("portal");
    let Ok(mut write) = app.control.store().begin(actor, now).await else { return };
    if write.session_touch(id.as_str()).await.is_ok() {
        let _ = write.commit().await;
    }
}

/// For `map_err`: the records did not answer.
pub(crate) fn from_records(error: RecordsError) -> Failure {
    if error.is_unavailable() { Failure::Unavailable { source: error.into() } } else { internal(error) }
}

/// For `map_err`: a change did not come about.
pub(crate) fn from_control(error: ControlError) -> Failure {
    if error.is_stale() {
        let words = "Somebody else did something with it at the same moment. Nothing of yours was changed or kept. \
            Load it again to see how it stands.";
        return Failure::MovedOn { words: words.to_owned() };
    }
    if error.is_records_unavailable() { Failure::Unavailable { source: error.into() } } else { internal(error) }
}

impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| internal("a route stands outside the guard"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_once_is_nobodys_fault() {
        let stale = ControlError::from(RecordsError::Stale { operation: "case_append" });
        assert!(matches!(from_control(stale), Failure::MovedOn { .. }));
    }
}
