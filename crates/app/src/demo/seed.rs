//! Writes the demo school down: its people, who holds which office, its policy, and who has signed it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, Group, PersonId, Role};
use schoolgate_control::install;
use schoolgate_keys::{random_bytes, sha256_hex};
use schoolgate_policy::{Context, Pack, build, show};
use schoolgate_records::{Actor, Person, SchoolStore, Signature, Store};

use super::DemoError;
use super::school::{NOT_SIGNED, OFFICES, PEOPLE_CSV};
use crate::data_dir::DemoDir;

/// The pack of the demo school, as it lies in `policies/`.
const PACK: [(&str, &str); 3] = [
    ("school.toml", include_str!("../../../../policies/hampshire-staff/school.toml")),
    ("staff-ict.md", include_str!("../../../../policies/hampshire-staff/staff-ict.md")),
    ("tests.md", include_str!("../../../../policies/hampshire-staff/tests.md")),
];

/// How long ago the school began with its policy.
const DAYS_AGO: i64 = 30;

pub(super) async fn write(dir: &DemoDir, now: Timestamp) -> Result<(), DemoError> {
    let then = now - SignedDuration::from_hours(24 * DAYS_AGO);
    let actor = || Actor::program("demo");
    let keys = std::sync::Arc::new(schoolgate_keys::KeyRing::open(dir.path())?);
    let store = Store::open(dir.path(), keys).await?;
    let school = store.school_create(dir.school(), dir.school_name(), actor(), then).await?;
    let people = people_write(&school, then).await?;
    offices_write(&school, &people, then).await?;
    let pack: Pack = PACK.into_iter().collect();
    install(&school, pack.clone(), actor(), then).await?;
    signatures_write(&school, &people, &pack, then).await?;
    store.close().await?;
    Ok(())
}

type People = BTreeMap<String, Person>;

async fn people_write(school: &SchoolStore, then: Timestamp) -> Result<People, DemoError> {
    let mut people = People::new();
    let mut write = school.begin(Actor::program("demo"), then).await?;
    for line in PEOPLE_CSV.lines().skip(1) {
        let person = person(line, then)?;
        write.person_put(&person).await?;
        people.insert(person.login.as_deref().unwrap_or_default().to_owned(), person);
    }
    write.commit().await?;
    Ok(people)
}

/// One line of the file, whose columns stand in its first.
fn person(line: &str, then: Timestamp) -> Result<Person, DemoError> {
    let wrong = || DemoError::People(line.to_owned());
    let cells: Vec<&str> = line.split(',').collect();
    let [mis_id, upn, first, last, login, capacity, groups, classes, email, ..] = cells.as_slice() else {
        return Err(wrong());
    };
    let given = |text: &&str| (!text.is_empty()).then(|| Box::<str>::from(*text));
    let each = |text: &&str| text.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    Ok(Person {
        id: PersonId::from_random(random_bytes()?),
        name: format!("{first} {last}").into(),
        login: given(login),
        email: given(email),
        capacities: [Capacity::from_word(capacity).ok_or_else(wrong)?].into(),
        groups: each(groups).iter().map(|group| Group::new(group)).collect(),
        classes: each(classes).into_iter().map(Into::into).collect(),
        mis_id: given(mis_id),
        upn: given(upn),
        active_from: then,
        active_until: None,
    })
}

async fn offices_write(school: &SchoolStore, people: &People, then: Timestamp) -> Result<(), DemoError> {
    let mut write = school.begin(Actor::program("demo"), then).await?;
    for (role, login, is_deputy) in OFFICES {
        let person = people.get(login).ok_or_else(|| DemoError::People(login.to_owned()))?;
        write.role_assign(&Role::new(role), &person.id, is_deputy, then, None).await?;
    }
    write.commit().await?;
    Ok(())
}

async fn signatures_write(
    school: &SchoolStore,
    people: &People,
    pack: &Pack,
    then: Timestamp,
) -> Result<(), DemoError> {
    let built = build(pack, Context::default());
    let documents = built.parsed.documents.iter();
    let shown = documents.filter_map(|document| {
        let hash = sha256_hex(show::canonical_text(document).as_bytes());
        show::show(document, &built.compiled).map(|view| (view, hash))
    });
    let shown: Vec<_> = shown.collect();
    let mut write = school.begin(Actor::program("demo"), then).await?;
    let mut at = then;
    for (login, person) in people {
        if NOT_SIGNED.contains(&login.as_str()) || !person.capacities.contains(&Capacity::Staff) {
            continue;
        }
        at += SignedDuration::from_mins(7);
        for (view, hash) in &shown {
            let clauses = view.parts.iter().filter_map(|part| match part {
                show::PartView::Clause(clause) => Some(clause.id.clause.clone()),
                show::PartView::Heading { .. } | show::PartView::Prose { .. } => None,
            });
            let signature = Signature {
                person: person.id.clone(),
                policy: view.policy.clone(),
                version: view.version.as_str().into(),
                clauses: clauses.collect(),
                rendering_sha256: hash.as_str().into(),
                difference: None,
                language: "en".into(),
                at,
                address: "127.0.0.1".into(),
                browser: "written down when the demo was made".into(),
            };
            write.signature_add(&signature).await?;
        }
    }
    write.commit().await?;
    Ok(())
}
