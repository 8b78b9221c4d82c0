//! Requests: opened by a form, decided by an office, turned into grants.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{CaseId, ControlId, Group, Host, PersonId, SchoolId};
use schoolgate_cases::{
    Case, CaseState, Consequence, Decision, Definition, GrantAudience, GrantPlan, Known, OpenError, Opening, RawValues,
    Refusal, RequestDefinition, Sight, Site, decide, end_over, open_request, withdraw,
};
use schoolgate_decide::Barred;
use schoolgate_decide::snapshot::{Audience, Target};
use schoolgate_keys::KeyHolder;
use schoolgate_records::{Actor, CaseFile, NewGrant, Privacy, RecordsError, Write};
use tracing::error;

use crate::control::{Again, Control, moment};
use crate::error::ControlError;
use crate::in_force::InForce;
use crate::live::{Continued, GrantScope};

/// How long a warning that was read stays read.
const CONTINUE_MINUTES: i64 = 15;
/// Warnings gone past that are remembered; the oldest make room.
const CONTINUED_MAX: usize = 10_000;

/// Why a request was not opened or decided. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("there is no such form")]
    NoSuchForm,
    #[error("there is no such request")]
    NoSuchCase,
    #[error("the form was not accepted")]
    Form {
        #[from]
        source: OpenError,
    },
    #[error("the step was not taken")]
    Step {
        #[from]
        source: Refusal,
    },
    #[error("{why}")]
    Barred {
        /// Name of the form's field that names the site.
        field: Box<str>,
        why: Barred,
    },
    #[error("the request could not be kept")]
    Control {
        #[from]
        source: ControlError,
    },
}

impl From<schoolgate_records::RecordsError> for RequestError {
    fn from(source: schoolgate_records::RecordsError) -> Self {
        Self::Control { source: source.into() }
    }
}

/// What somebody sends from a form.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Made with the page that sends it, by [`Control::fresh_case`].
    pub id: &'a CaseId,
    pub control: &'a ControlId,
    pub by: &'a PersonId,
    /// Their audiences in the capacity of this sign-in.
    pub groups: &'a BTreeSet<Group>,
    pub answers: &'a RawValues,
}

impl<'a> Submission<'a> {
    pub(crate) fn opening(self, school: &'a SchoolId, known: Known<'a>) -> Opening<'a> {
        Opening { id: self.id, school, by: self.by, groups: self.groups, raw: self.answers, known }
    }
}

/// What forms may name: the school's classes and people.
pub(crate) struct School {
    pub(crate) classes: BTreeSet<Group>,
    pub(crate) persons: BTreeSet<PersonId>,
}

impl School {
    pub(crate) fn known(&self) -> Known<'_> {
        Known { classes: &self.classes, persons: &self.persons }
    }
}

impl Control {
    pub(crate) async fn school_facts(&self) -> Result<School, ControlError> {
        let people = self.0.store.person_active(self.now()).await?;
        let classes = people.iter().flat_map(|person| &person.classes);
        Ok(School {
            classes: classes.map(|class| Group::new(&format!("class:{class}"))).collect(),
            persons: people.iter().map(|person| person.id.clone()).collect(),
        })
    }

    /// Opens a request. `lifts` is the control whose block led to the form. The same sent again under the same id is
    /// the request that was sent already; with other answers it is another one.
    pub async fn request_open(&self, sent: Submission<'_>, lifts: Option<ControlId>) -> Result<CaseId, RequestError> {
        let in_force = self.in_force();
        let Some(Definition::Request(definition)) = in_force.definitions.current(sent.control) else {
            return Err(RequestError::NoSuchForm);
        };
        let school = self.school_facts().await?;
        let periods: Vec<_> = in_force.built.compiled.program.periods.values().cloned().collect();
        let opening = sent.opening(self.school(), school.known());
        let mut case = open_request(definition, opening, lifts, moment(&in_force, &periods, self.now()))?;
        case.pin.edition = in_force.edition;
        self.check_openable(definition, &case)?;
        let parties = parties(definition, sent.by);
        if let Some(before) = self.0.store.case_fetch_open(sent.id).await?.map(|file| file.case)
            && before.by == case.by
            && before.pin.control == case.pin.control
        {
            if before.values == case.values {
                return Ok(before.id);
            }
            case.id = self.fresh_case()?;
        }
        let mut write = self.begin(sent.by).await?;
        match write.case_open(&case, Privacy::Open { parties }).await {
            Ok(()) => write.commit().await?,
            // The other of two clicks came first.
            Err(twice @ RecordsError::Duplicate { .. }) => {
                drop(write);
                let before = self.0.store.case_fetch_open(&case.id).await?;
                before.filter(|file| file.case.by == case.by).ok_or(twice)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(case.id)
    }

    /// Approves or refuses a request. An approval that opens something is in force when this returns.
    pub async fn request_decide(
        &self,
        id: &CaseId,
        by: &PersonId,
        decision: Decision,
    ) -> Result<CaseState, RequestError> {
        let offices = self.offices().await?;
        let is_approval = matches!(decision, Decision::Approve { .. });
        self.request_step(id, by, |file, definition, in_force| {
            if is_approval {
                self.check_openable(definition, &file.case)?;
            }
            let periods: Vec<_> = in_force.built.compiled.program.periods.values().cloned().collect();
            let moment = moment(in_force, &periods, self.now());
            Ok(decide(&mut file.case, definition, by, &offices, decision, moment)?)
        })
        .await
    }

    /// Takes a request back; what it opened is closed.
    pub async fn request_withdraw(&self, id: &CaseId, by: &PersonId) -> Result<CaseState, RequestError> {
        self.request_step(id, by, |file, _, _| Ok(withdraw(&mut file.case, by, self.now())?)).await
    }

    /// Ends what a request opened, before its time.
    pub async fn request_end(&self, id: &CaseId, by: &PersonId, reason: &str) -> Result<CaseState, RequestError> {
        let offices = self.offices().await?;
        self.request_step(id, by, |file, definition, _| {
            Ok(schoolgate_cases::end(&mut file.case, definition, by, &offices, reason, self.now())?)
        })
        .await
    }

    /// Refuses what no grant could open: nobody is told that something is open which stays closed.
    fn check_openable(&self, definition: &RequestDefinition, case: &Case) -> Result<(), RequestError> {
        let snapshot = self.snapshot();
        for (field, site) in definition.sites(case) {
            if let Some(why) = snapshot.barred(&site.host, self.now()) {
                return Err(RequestError::Barred { field: field.to_string().into(), why });
            }
        }
        Ok(())
    }

    async fn request_step(
        &self,
        id: &CaseId,
        by: &PersonId,
        step: impl FnOnce(&mut CaseFile, &RequestDefinition, &InForce) -> Result<Vec<Consequence>, RequestError>,
    ) -> Result<CaseState, RequestError> {
        let in_force = self.in_force();
        let mut file = self.0.store.case_fetch_open(id).await?.ok_or(RequestError::NoSuchCase)?;
        let Some(Definition::Request(definition)) = in_force.definitions.pinned(&file.case.pin) else {
            return Err(RequestError::NoSuchForm);
        };
        if self.sight_of(&file, by, &self.offices().await?) == Sight::Absent {
            return Err(RequestError::NoSuchCase);
        }
        let consequences = step(&mut file, definition, &in_force)?;
        let mut write = self.begin(by).await?;
        write.case_append(&file).await?;
        let opens_or_closes = !consequences.is_empty();
        for consequence in consequences {
            match consequence {
                Consequence::Grant(plan) => self.grant_keep(&mut write, *plan).await?,
                Consequence::EndGrant(case) => {
                    for grant in self.0.store.grant_list_for_case(&case).await? {
                        if grant.ended.is_none() {
                            write.grant_end(&grant.grant.id).await?;
                        }
                    }
                }
            }
        }
        write.commit().await?;
        if opens_or_closes {
            self.publish(Again::Live).await?;
        }
        Ok(file.case.state)
    }

    async fn grant_keep(&self, write: &mut Write, plan: GrantPlan) -> Result<(), RequestError> {
        let scope = GrantScope { audience: audience(plan.audience), lifts: plan.lifts };
        let unwritable = |source| RequestError::from(ControlError::Encode { source });
        let grant = NewGrant {
            id: self.fresh_grant()?,
            control: plan.by,
            case: plan.case,
            target: serde_json::to_value(target(plan.target)).map_err(unwritable)?,
            audience: serde_json::to_value(scope).map_err(unwritable)?,
            from: plan.from,
            until: plan.until,
        };
        Ok(write.grant_add(&grant).await?)
    }

    /// Goes past a warning, for a quarter of an hour and for this person alone.
    pub async fn warning_continue(
        &self,
        person: &PersonId,
        host: &Host,
        lifts: &ControlId,
    ) -> Result<(), ControlError> {
        let now = self.now();
        let one = Continued {
            id: self.fresh_grant()?,
            person: person.clone(),
            target: target(Site { host: host.clone(), path: None }),
            lifts: lifts.clone(),
            from: now,
            until: now + SignedDuration::from_mins(CONTINUE_MINUTES),
        };
        {
            let mut continued = self.0.continued.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if continued.len() == CONTINUED_MAX {
                continued.remove(0);
            }
            continued.push(one);
        }
        self.publish(Again::Live).await
    }

    /// Ends the cases whose grant is over by the clock. The doors have closed it already; this is what the records
    /// say. Answers how many grants were ended; with many waiting, not all at once. One that cannot be ended stands in
    /// no other's way, and is tried again the next time.
    pub async fn requests_end_over(&self) -> Result<usize, RequestError> {
        let now = self.now();
        let mut count = 0;
        for grant in self.0.store.grant_list_over(now).await? {
            match self.grant_end_over(&grant.grant, now).await {
                Ok(()) => count += 1,
                // Somebody ended it or took a step at this moment.
                Err(RecordsError::Absent { .. } | RecordsError::Stale { .. }) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    error!(grant.id = %grant.grant.id, error, "grant {} is over and cannot be ended", grant.grant.id);
                }
            }
        }
        Ok(count)
    }

    /// Ends a grant, and its case when that was the last one it had open: what was granted says when it is over, not
    /// what the policy would grant today.
    async fn grant_end_over(&self, grant: &NewGrant, now: Timestamp) -> Result<(), RecordsError> {
        let others = self.0.store.grant_list_for_case(&grant.case).await?;
        let is_last = others.iter().all(|other| other.ended.is_some() || other.grant.id == grant.id);
        let file = self.0.store.case_fetch_open(&grant.case).await?;
        let mut write = self.0.store.begin(Actor::program("clock"), now).await?;
        write.grant_end(&grant.id).await?;
        if let Some(mut file) = file.filter(|_| is_last)
            && end_over(&mut file.case, now)
        {
            write.case_append(&file).await?;
        }
        write.commit().await
    }
}

/// The asker, and every office that may have to decide.
fn parties(definition: &RequestDefinition, asker: &PersonId) -> Vec<KeyHolder> {
    let roles = definition.decide.roles.iter().chain(&definition.stand_in).cloned();
    std::iter::once(KeyHolder::Person(asker.clone())).chain(roles.map(KeyHolder::Office)).collect()
}

fn target(site: Site) -> Target {
    match (site.host, site.path) {
        (Host::Name(host), Some(path)) => Target::Url { host, path },
        (Host::Name(host), None) => Target::Domain(host),
        (host @ Host::Address(_), _) => Target::Host(host),
    }
}

fn audience(of: Vec<GrantAudience>) -> Audience {
    let mut audience = Audience::default();
    for one in of {
        match one {
            GrantAudience::Group(group) => audience.groups.push(group),
            GrantAudience::Person(person) => audience.persons.push(person),
        }
    }
    audience
}
