//! Doing what a difference says: all of it in one transaction, or nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schoolgate_records::{Actor, Person, RecordsError, SchoolStore, Write, fold};

use crate::difference::{Difference, difference};
use crate::{DirectoryError, Register};

/// What somebody who looked at the difference said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confirmation {
    /// This many leave, and that is right. Needed beyond a tenth; when given, it must be exact.
    pub archive: Option<usize>,
    /// Rows with problems are left out, and whom they are about stays as they are.
    pub without_problem_rows: bool,
}

/// Compares again, with the records locked, and applies; answers what was done.
pub async fn apply(
    school: &SchoolStore,
    register: &Register,
    confirmation: Confirmation,
    actor: Actor,
    now: Timestamp,
) -> Result<Difference, DirectoryError> {
    let records = |source| DirectoryError::Records { source };
    // Before reading: nobody changes the people between the comparison and its end.
    let mut write = school.begin(actor, now).await.map_err(records)?;
    let difference = difference(school, register, now).await?;
    check(&difference, confirmation, now)?;
    change(&mut write, &difference, now).await.map_err(records)?;
    write.commit().await.map_err(records)?;
    Ok(difference)
}

fn check(difference: &Difference, confirmation: Confirmation, now: Timestamp) -> Result<(), DirectoryError> {
    if !difference.problems.is_empty() && !confirmation.without_problem_rows {
        return Err(DirectoryError::Problems { count: difference.problems.len() });
    }
    let leaving = difference.leaving_count(now);
    match confirmation.archive {
        Some(confirmed) if confirmed == leaving => Ok(()),
        Some(confirmed) => Err(DirectoryError::ConfirmedOtherwise { confirmed, leaving }),
        None if difference.needs_confirmation(now) => Err(DirectoryError::Brake { leaving, of: difference.in_scope }),
        None => Ok(()),
    }
}

async fn change(write: &mut Write, difference: &Difference, now: Timestamp) -> Result<(), RecordsError> {
    for archived in &difference.archived {
        write.person_archive(&archived.person, now).await?;
    }
    // Two people may swap their log-ins: a log-in that somebody gives up is free before anybody takes it.
    let login = |person: &Person| person.login.as_deref().map(fold);
    let given_up: BTreeSet<String> = difference
        .changed
        .iter()
        .filter(|changed| login(&changed.before) != login(&changed.after))
        .filter_map(|changed| login(&changed.before))
        .collect();
    let taken = difference.changed.iter().map(|changed| &changed.after).chain(&difference.added);
    let moved: BTreeSet<String> = taken.filter_map(login).filter(|one| given_up.contains(one)).collect();
    for changed in &difference.changed {
        let is_moved = login(&changed.before).is_some_and(|one| moved.contains(&one));
        if is_moved && login(&changed.before) != login(&changed.after) {
            write.person_put(&Person { login: None, ..changed.before.clone() }).await?;
        }
    }
    for changed in &difference.changed {
        write.person_put(&changed.after).await?;
    }
    for added in &difference.added {
        write.person_put(added).await?;
    }
    Ok(())
}
