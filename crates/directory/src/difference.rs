//! What a file would change, told before it does: who is new, who changed and in what, who would be gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schoolgate_base::PersonId;
use schoolgate_records::{Person, SchoolStore, fold};

use crate::register::{Incoming, Problem, ProblemKind};
use crate::{DirectoryError, Register};

/// People read together.
const PAGE: u64 = 500;

/// What a file would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As they would be kept; their ids are not final before they are.
    pub added: Vec<Person>,
    pub changed: Vec<Changed>,
    pub archived: Vec<Archived>,
    pub unchanged: usize,
    /// People in the file who left before we knew of them; they are not added.
    pub left_before: usize,
    pub problems: Vec<Problem>,
    /// People here now whom this file could archive: of its capacities, and with a key.
    pub in_scope: usize,
    pub ignored_columns: Vec<String>,
    pub encoding: &'static str,
}

/// Somebody of whom the file says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub before: Person,
    pub after: Person,
    pub fields: Vec<FieldChange>,
}

/// One field, as texts for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: String,
    pub after: String,
}

/// Somebody who is no longer in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    pub person: PersonId,
    pub name: Box<str>,
}

impl Difference {
    /// How many would leave: gone from the file, or given an end that has passed.
    pub fn leaving_count(&self, now: Timestamp) -> usize {
        let ends = |changed: &&Changed| changed.before.is_active(now) && !changed.after.is_active(now);
        self.archived.len() + self.changed.iter().filter(ends).count()
    }

    /// Whether that is more than a tenth of those who could.
    pub fn needs_confirmation(&self, now: Timestamp) -> bool {
        self.in_scope < self.leaving_count(now).saturating_mul(10)
    }
}

/// Compares a file with who is known. Changes nothing.
pub async fn difference(
    school: &SchoolStore,
    register: &Register,
    now: Timestamp,
) -> Result<Difference, DirectoryError> {
    let known = everybody(school).await?;
    compare(&known, register.clone(), now)
}

async fn everybody(school: &SchoolStore) -> Result<Vec<Person>, DirectoryError> {
    let mut known = Vec::new();
    let mut after = None;
    loop {
        let page = school.person_list(after.as_deref(), PAGE).await;
        let page = page.map_err(|source| DirectoryError::Records { source })?;
        known.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(known),
        }
    }
}

fn compare(known: &[Person], mut register: Register, now: Timestamp) -> Result<Difference, DirectoryError> {
    let by_key = ByKey::new(known);
    let rows = std::mem::take(&mut register.people);
    let mut matched: Vec<(Incoming, Option<&Person>)> = Vec::with_capacity(rows.len());
    for row in rows {
        match by_key.find(&row) {
            Ok(person) => matched.push((row, person)),
            Err(kind) => register.problem(&row, kind),
        }
    }
    let in_file: BTreeSet<&PersonId> = matched.iter().filter_map(|(_, person)| person.map(|one| &one.id)).collect();
    let mut difference = Difference {
        added: Vec::new(),
        changed: Vec::new(),
        archived: Vec::new(),
        unchanged: 0,
        left_before: 0,
        problems: Vec::new(),
        in_scope: 0,
        ignored_columns: register.ignored_columns.clone(),
        encoding: register.encoding,
    };
    let logins = logins_of_others(known, &in_file);
    for (row, person) in &matched {
        let taken = row.login.as_ref().and_then(Option::as_ref).filter(|login| logins.contains(&fold(login)));
        if let Some(login) = taken {
            register.problem(row, ProblemKind::LoginTaken { login: login.clone() });
            continue;
        }
        place(&mut difference, row, *person, now)?;
    }
    for person in known {
        let is_in_scope = person.is_active(now)
            && (person.mis_id.is_some() || person.upn.is_some())
            && !person.capacities.is_disjoint(&register.capacities);
        if !is_in_scope {
            continue;
        }
        difference.in_scope += 1;
        let keys = [&person.mis_id, &person.upn];
        let in_problem = keys.into_iter().flatten().any(|key| register.keys_in_problems.contains(key));
        if !in_file.contains(&person.id) && !in_problem {
            difference.archived.push(Archived { person: person.id.clone(), name: person.name.clone() });
        }
    }
    register.problems.sort_by_key(|problem| problem.line);
    difference.problems = register.problems;
    Ok(difference)
}

/// Puts one row where it belongs.
fn place(
    difference: &mut Difference,
    row: &Incoming,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<(), DirectoryError> {
    let Some(before) = person else {
        let fresh = fresh(row, now)?;
        if fresh.active_until.is_some_and(|until| until <= now) {
            difference.left_before += 1;
        } else {
            difference.added.push(fresh);
        }
        return Ok(());
    };
    let after = merged(before, row, now);
    let fields = fields(before, &after);
    if fields.is_empty() {
        difference.unchanged += 1;
    } else {
        difference.changed.push(Changed { before: before.clone(), after, fields });
    }
    Ok(())
}

struct ByKey<'a> {
    mis_id: BTreeMap<&'a str, &'a Person>,
    upn: BTreeMap<&'a str, &'a Person>,
}

impl<'a> ByKey<'a> {
    fn new(known: &'a [Person]) -> Self {
        let by =
            |key: fn(&Person) -> Option<&str>| known.iter().filter_map(|person| Some((key(person)?, person))).collect();
        Self { mis_id: by(|person| person.mis_id.as_deref()), upn: by(|person| person.upn.as_deref()) }
    }

    fn find(&self, row: &Incoming) -> Result<Option<&'a Person>, ProblemKind> {
        let by_mis_id = row.mis_id.as_deref().and_then(|key| self.mis_id.get(key)).copied();
        let by_upn = row.upn.as_deref().and_then(|key| self.upn.get(key)).copied();
        match (by_mis_id, by_upn) {
            (Some(one), Some(other)) if one.id != other.id => Err(ProblemKind::TwoPeople),
            (Some(one), _) | (None, Some(one)) => Ok(Some(one)),
            (None, None) => Ok(None),
        }
    }
}

fn logins_of_others(known: &[Person], in_file: &BTreeSet<&PersonId>) -> BTreeSet<String> {
    let others = known.iter().filter(|person| !in_file.contains(&person.id));
    others.filter_map(|person| person.login.as_deref().map(fold)).collect()
}

fn fresh(row: &Incoming, now: Timestamp) -> Result<Person, DirectoryError> {
    Ok(Person {
        id: Person::fresh_id().map_err(|source| DirectoryError::Records { source })?,
        name: row.name.clone(),
        login: row.login.clone().flatten(),
        email: row.email.clone().flatten(),
        capacities: row.capacities.clone(),
        groups: row.groups.clone().unwrap_or_default(),
        classes: row.classes.clone().unwrap_or_default(),
        mis_id: row.mis_id.clone(),
        upn: row.upn.clone(),
        active_from: row.start.unwrap_or(now),
        active_until: row.end.flatten(),
    })
}

fn merged(before: &Person, row: &Incoming, now: Timestamp) -> Person {
    // Whoever is in the file again is back, unless the file itself says when they left.
    let was_gone = before.active_until.is_some_and(|until| until <= now);
    let active_until = match row.end {
        Some(end) => end,
        None if was_gone => None,
        None => before.active_until,
    };
    Person {
        id: before.id.clone(),
        name: row.name.clone(),
        login: row.login.clone().unwrap_or_else(|| before.login.clone()),
        email: row.email.clone().unwrap_or_else(|| before.email.clone()),
        capacities: row.capacities.clone(),
        groups: row.groups.clone().unwrap_or_else(|| before.groups.clone()),
        classes: row.classes.clone().unwrap_or_else(|| before.classes.clone()),
        mis_id: row.mis_id.clone().or_else(|| before.mis_id.clone()),
        upn: row.upn.clone().or_else(|| before.upn.clone()),
        active_from: row.start.unwrap_or(before.active_from),
        active_until,
    }
}

fn fields(before: &Person, after: &Person) -> Vec<FieldChange> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let joined = |words: Vec<&str>| words.join(", ");
    let all = |person: &Person| {
        [
            ("name", person.name.to_string()),
            ("login", text(&person.login)),
            ("email", text(&person.email)),
            ("capacity", joined(person.capacities.iter().map(|one| one.as_str()).collect())),
            ("groups", joined(person.groups.iter().map(|one| one.as_str()).collect())),
            ("classes", joined(person.classes.iter().map(|one| &**one).collect())),
            ("mis_id", text(&person.mis_id)),
            ("upn", text(&person.upn)),
            ("start", person.active_from.to_string()),
            ("end", person.active_until.map(|until| until.to_string()).unwrap_or_default()),
        ]
    };
    let pairs = all(before).into_iter().zip(all(after));
    let change = |((field, before), (_, after)): ((&'static str, String), (&'static str, String))| {
        (before != after).then_some(FieldChange { field, before, after })
    };
    pairs.filter_map(change).collect()
}
