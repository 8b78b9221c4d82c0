//! Reports: routed over persons, sealed to whom they reach, absent for everybody else.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use jiff::civil::Date;
use schoolgate_base::{CaseId, ControlId, PersonId};
use schoolgate_cases::{
    CaseState, Definition, Offices, OpenError, RawValues, Refusal, ReportStep, Route, Sight, concern, open_report,
    route, sight, take_step,
};
use schoolgate_keys::KeyHolder;
use schoolgate_records::{CaseFile, Privacy, RecordsError, Viewer, Wanted};
use tracing::error;

use crate::control::{Control, moment};
use crate::error::ControlError;
use crate::requests::Submission;

/// Reports read at once.
const PAGE: u64 = 200;

/// Why a report was not taken or changed. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("there is no such form")]
    NoSuchForm,
    #[error("there is no such report")]
    NoSuchCase,
    #[error("the report was not accepted")]
    Form {
        #[from]
        source: OpenError,
    },
    #[error("the step was not taken")]
    Step {
        #[from]
        source: Refusal,
    },
    #[error("the report could not be kept")]
    Control {
        #[from]
        source: ControlError,
    },
}

impl From<schoolgate_records::RecordsError> for ReportError {
    fn from(source: schoolgate_records::RecordsError) -> Self {
        Self::Control { source: source.into() }
    }
}

/// A report that was taken.
#[derive(Debug, Clone)]
pub struct Sent {
    pub case: CaseId,
    /// Whom it reached, and the ways out of the school that apply.
    pub route: Route,
}

impl Control {
    /// Takes a report and seals it to the offices it reaches and to whoever sent it.
    ///
    /// To offices, so that whoever holds one next can go on; that a person it is about holds one of them too is
    /// noticed at each look, by [`schoolgate_cases::sight()`].
    ///
    /// Sent again under the same id, it is the report that was sent already.
    pub async fn report_open(&self, sent: Submission<'_>) -> Result<Sent, ReportError> {
        let in_force = self.in_force();
        let Some(Definition::Report(definition)) = in_force.definitions.current(sent.control) else {
            return Err(ReportError::NoSuchForm);
        };
        let offices = self.offices().await?;
        let school = self.school_facts().await?;
        let periods: Vec<_> = in_force.built.compiled.program.periods.values().cloned().collect();
        let opening = sent.opening(self.school(), school.known());
        let (mut opened, route) = open_report(definition, opening, &offices, moment(&in_force, &periods, self.now()))?;
        opened.pin.edition = in_force.edition;
        let readers = route.offices().into_iter().cloned().map(KeyHolder::Office);
        let to = readers.chain([KeyHolder::Person(sent.by.clone())]).collect();
        let mut write = self.begin(sent.by).await?;
        match write.case_open(&opened, Privacy::Sealed { to }).await {
            Ok(()) => write.commit().await?,
            Err(twice @ RecordsError::Duplicate { .. }) => {
                drop(write);
                if !self.0.store.case_is_sealed_by(sent.by, sent.id).await? {
                    return Err(twice.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Sent { case: sent.id.clone(), route })
    }

    /// The reports that exist for a person, newest first, with how much of each: all that wait for the person to take
    /// them on, and of the others at most `limit`.
    ///
    /// Where a report stands is inside its seal, so that those waiting are found by opening them all.
    pub async fn reports_for(&self, viewer: &PersonId, limit: usize) -> Result<Vec<(CaseFile, Sight)>, ReportError> {
        let offices = self.offices().await?;
        let looking = looking(viewer, &offices);
        let (mut seen, mut others) = (Vec::new(), 0);
        let mut after: Option<String> = None;
        loop {
            let page = self.0.store.case_list_for(&looking, Wanted::Sealed, after.as_deref(), PAGE).await?;
            for file in page.items {
                let sight = self.sight_of(&file, viewer, &offices);
                let is_waiting = waits(&file, sight);
                if sight == Sight::Absent || (!is_waiting && limit <= others) {
                    continue;
                }
                others += usize::from(!is_waiting);
                seen.push((file, sight));
            }
            after = page.next;
            if after.is_none() {
                return Ok(seen);
            }
        }
    }

    /// How many reports wait for a person to take them on.
    pub async fn reports_waiting(&self, viewer: &PersonId) -> Result<usize, ReportError> {
        Ok(self.reports_for(viewer, 0).await?.len())
    }

    /// One report, if it exists for this person. That a recipient opened it is written down, once a day.
    pub async fn report_for(&self, viewer: &PersonId, id: &CaseId) -> Result<Option<(CaseFile, Sight)>, ReportError> {
        let offices = self.offices().await?;
        let Some(file) = self.0.store.case_fetch_for(&looking(viewer, &offices), id).await? else { return Ok(None) };
        if !file.is_sealed() {
            return Ok(None);
        }
        match self.sight_of(&file, viewer, &offices) {
            Sight::Absent => Ok(None),
            Sight::Whole => {
                self.opening_note(viewer, &file).await;
                Ok(Some((file, Sight::Whole)))
            }
            Sight::Receipt => Ok(Some((file, Sight::Receipt))),
        }
    }

    /// A report is not held back from whoever has to act on it because the disk is full: then the log says that the
    /// note is missing.
    async fn opening_note(&self, viewer: &PersonId, file: &CaseFile) {
        let today = self.in_force().built.compiled.program.calendar.local(self.now()).date();
        if !self.openings().insert((today, file.case.id.clone(), viewer.clone())) {
            return;
        }
        let noted = async {
            let mut write = self.begin(viewer).await?;
            write.case_read_note(file, viewer).await?;
            Ok::<_, ControlError>(write.commit().await?)
        };
        if let Err(error) = noted.await {
            self.openings().remove(&(today, file.case.id.clone(), viewer.clone()));
            let error: &dyn std::error::Error = &error;
            error!(error, "that a sealed case was opened could not be written down");
        }
    }

    /// Who opened what today, as far as it is written down; what is older makes room.
    fn openings(&self) -> MutexGuard<'_, BTreeSet<(Date, CaseId, PersonId)>> {
        let today = self.in_force().built.compiled.program.calendar.local(self.now()).date();
        let mut openings = self.0.openings.lock().unwrap_or_else(PoisonError::into_inner);
        openings.retain(|(date, ..)| *date == today);
        openings
    }

    /// Takes a step in a report: acknowledge, note, close.
    pub async fn report_step(&self, id: &CaseId, by: &PersonId, step: ReportStep) -> Result<CaseState, ReportError> {
        let Some((mut file, Sight::Whole)) = self.report_for(by, id).await? else {
            return Err(ReportError::NoSuchCase);
        };
        let in_force = self.in_force();
        let Some(Definition::Report(definition)) = in_force.definitions.pinned(&file.case.pin) else {
            return Err(ReportError::NoSuchForm);
        };
        let offices = self.offices().await?;
        take_step(&mut file.case, definition, by, &offices, step, self.now())?;
        let mut write = self.begin(by).await?;
        write.case_append(&file).await?;
        write.commit().await?;
        Ok(file.case.state)
    }

    /// Whom a report with these answers would reach, for the page that says so before anything is sent.
    pub async fn report_route(&self, control: &ControlId, answers: &RawValues) -> Result<Route, ReportError> {
        let in_force = self.in_force();
        let Some(Definition::Report(definition)) = in_force.definitions.current(control) else {
            return Err(ReportError::NoSuchForm);
        };
        let school = self.school_facts().await?;
        let periods: Vec<_> = in_force.built.compiled.program.periods.values().cloned().collect();
        let moment = moment(&in_force, &periods, self.now());
        let values = schoolgate_cases::check_form(&definition.form, None, answers, school.known(), moment);
        let values = values.map_err(OpenError::Form)?;
        Ok(route(definition, &concern(&values), &self.offices().await?))
    }

    /// How much of a case, sealed or not, somebody may see.
    pub fn sight_of(&self, file: &CaseFile, viewer: &PersonId, offices: &Offices) -> Sight {
        let in_force = self.in_force();
        let Some(pinned) = in_force.definitions.pinned(&file.case.pin) else { return Sight::Absent };
        let current = in_force.definitions.current(&file.case.pin.control);
        sight(&file.case, viewer, offices, pinned, current)
    }
}

/// Whether a report waits for whoever sees so much of it.
fn waits(file: &CaseFile, sight: Sight) -> bool {
    sight == Sight::Whole && file.case.state == CaseState::Open
}

/// Somebody who looks, in every office they hold now.
fn looking(viewer: &PersonId, offices: &Offices) -> Viewer {
    Viewer { person: viewer.clone(), offices: offices.of_person(viewer).into_iter().cloned().collect() }
}
