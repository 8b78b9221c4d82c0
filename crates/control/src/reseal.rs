//! Reports are sealed to offices when they are sent; this seals those under way to whom they have come to reach since.
//!
//! Whom they no longer reach is not this module's: sight narrows at each look, without a new seal.

use jiff::Timestamp;
use schoolgate_base::Role;
use schoolgate_cases::{Body, Concern, Definition, Definitions, Offices, route};
use schoolgate_keys::KeyHolder;
use schoolgate_records::{Actor, CaseFile, RecordsError, SchoolStore};
use tracing::debug;

use crate::control::{Control, editions};
use crate::error::ControlError;
use crate::in_force::InForce;

/// Seals every report under way to the offices it reaches now, for a command beside which no service runs. Answers how
/// many were sealed anew.
pub async fn reseal(store: &SchoolStore, now: Timestamp) -> Result<usize, ControlError> {
    let in_force = InForce::read(editions(store).await?)?;
    pass(store, &in_force.definitions, &store.offices(now).await?, now).await
}

impl Control {
    /// Seals every report under way to the offices it reaches now. Answers how many were sealed anew.
    pub async fn reports_reseal(&self) -> Result<usize, ControlError> {
        let offices = self.offices().await?;
        let in_force = self.in_force();
        let count = pass(&self.0.store, &in_force.definitions, &offices, self.now()).await?;
        *self.resealed() = Some((offices, in_force.edition));
        Ok(count)
    }

    /// The same when offices or policies are not those of the last time; it is cheap to ask.
    pub async fn reports_reseal_after_change(&self) -> Result<usize, ControlError> {
        let now = (self.offices().await?, self.in_force().edition);
        if self.resealed().as_ref() == Some(&now) {
            return Ok(0);
        }
        self.reports_reseal().await
    }
}

async fn pass(
    store: &SchoolStore,
    definitions: &Definitions,
    offices: &Offices,
    now: Timestamp,
) -> Result<usize, ControlError> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let page = store.case_list_sealed(after.as_deref()).await?;
        for mut file in page.items {
            let missing = missing(&file, definitions, offices);
            if missing.is_empty() {
                continue;
            }
            for role in missing {
                file.party_add(KeyHolder::Office(role));
            }
            if append(store, &file, now).await? {
                count += 1;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if 0 < count {
        // No more than this: how many reports there are is for those whom they reach.
        debug!("sealed reports to offices that they have come to reach");
    }
    Ok(count)
}

/// The offices that a report under way reaches now and is not sealed to.
fn missing(file: &CaseFile, definitions: &Definitions, offices: &Offices) -> Vec<Role> {
    let case = &file.case;
    let Body::Report { subjects, flags } = &case.body else { return Vec::new() };
    let Some(Definition::Report(definition)) = definitions.pinned(&case.pin) else { return Vec::new() };
    if case.state.is_over() {
        return Vec::new();
    }
    let concern = Concern { subjects: subjects.clone(), flags: flags.clone() };
    let route = route(definition, &concern, offices);
    let is_sealed_to = |role: &Role| file.parties().contains(&KeyHolder::Office(role.clone()));
    route.offices().into_iter().filter(|role| !is_sealed_to(role)).cloned().collect()
}

/// Whether it was kept; of a report that somebody changed meanwhile the next pass takes care, their step comes first.
async fn append(store: &SchoolStore, file: &CaseFile, now: Timestamp) -> Result<bool, ControlError> {
    let mut write = store.begin(Actor::program("offices"), now).await?;
    match write.case_append(file).await {
        Ok(()) => {}
        Err(RecordsError::Stale { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    write.commit().await?;
    Ok(true)
}
