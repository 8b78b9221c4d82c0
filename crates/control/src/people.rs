//! The people part: who is in which audience, and what they still have to agree to.
//!
//! Computed anew from records and policies at each publish and never stored, so that it cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schoolgate_base::{Calendar, Capacity, Group, PersonId, PolicyId, Role};
use schoolgate_decide::snapshot::{Member, MustSign, People, Program};
use schoolgate_policy::Agreement;
use schoolgate_records::{Person, SchoolStore, SignedVersion};

use crate::control::editions;
use crate::error::ControlError;
use crate::in_force::InForce;

/// An agreement that the policies in force ask for, and since when its version stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing<'a> {
    pub(crate) agreement: &'a Agreement,
    pub(crate) since: Timestamp,
}

/// Versions each person has signed, by policy.
pub(crate) type Signed = BTreeMap<PersonId, BTreeMap<PolicyId, BTreeSet<Box<str>>>>;

/// Signatures by person and policy.
pub(crate) fn signed(versions: Vec<SignedVersion>) -> Signed {
    let mut signed = Signed::new();
    for one in versions {
        signed.entry(one.person).or_default().entry(one.policy).or_default().insert(one.version);
    }
    signed
}

/// The people part, one member per person and capacity.
pub(crate) fn people_part(
    people: &[Person],
    signed: &Signed,
    agreements: &[Standing<'_>],
    program: &Program,
    pseudonym: impl Fn(&PersonId) -> Box<str>,
) -> People {
    let mut members = Vec::new();
    for person in people {
        for &capacity in &person.capacities {
            let groups = audiences(person, capacity, &program.groups);
            members.push(Member {
                must_sign: missing(&person.id, &groups, signed, agreements, &program.calendar),
                pseudonym: pseudonym(&person.id),
                person: person.id.clone(),
                capacity,
                groups,
            });
        }
    }
    People { members, logins: BTreeMap::new() }
}

/// Whose each log-in is, in the capacity in which the person signs in; `hashed` makes of a name what doors look up.
/// A name of two people is nobody's.
pub(crate) fn logins_part(
    people: &[Person],
    hashed: impl Fn(&str) -> Box<str>,
) -> BTreeMap<Box<str>, (PersonId, Capacity)> {
    let mut logins: BTreeMap<Box<str>, Option<(PersonId, Capacity)>> = BTreeMap::new();
    for person in people {
        let (Some(login), Some(capacity)) = (&person.login, person.capacities.first()) else { continue };
        logins
            .entry(hashed(login))
            .and_modify(|known| *known = None)
            .or_insert_with(|| Some((person.id.clone(), *capacity)));
    }
    logins.into_iter().filter_map(|(login, known)| Some((login, known?))).collect()
}

/// The calendar year in which the school year began: pseudonyms change in September.
pub(crate) fn school_year(calendar: &Calendar, now: Timestamp) -> i16 {
    let date = calendar.local(now).date();
    if date.month() < 9 { date.year() - 1 } else { date.year() }
}

/// Every audience of a person in one capacity, inclusions followed. Groups of another capacity do not count.
pub fn audiences(person: &Person, capacity: Capacity, within: &BTreeMap<Group, Group>) -> Vec<Group> {
    let own = Group::new(capacity.as_str());
    let mut found = BTreeSet::from([own.clone()]);
    let classes = person.classes.iter().map(|class| Group::new(&format!("class:{class}")));
    for group in person.groups.iter().cloned().chain(classes) {
        let chain = chain(group, within);
        let foreign = chain.iter().any(|group| *group != own && Capacity::from_word(group.as_str()).is_some());
        if !foreign {
            found.extend(chain);
        }
    }
    found.into_iter().collect()
}

fn chain(group: Group, within: &BTreeMap<Group, Group>) -> Vec<Group> {
    let mut chain = vec![group];
    // The checker refuses circles; the bound holds for a program it never saw.
    while let Some(outer) = chain.last().and_then(|last| within.get(last)).cloned() {
        if chain.contains(&outer) {
            break;
        }
        chain.push(outer);
    }
    chain
}

fn missing(
    person: &PersonId,
    groups: &[Group],
    signed: &Signed,
    agreements: &[Standing<'_>],
    calendar: &Calendar,
) -> Vec<MustSign> {
    let mut missing = Vec::new();
    for Standing { agreement, since } in agreements {
        let versions = signed.get(person).and_then(|policies| policies.get(&agreement.policy));
        let has_signed = versions.is_some_and(|versions| versions.contains(&agreement.version));
        if !agreement.is_gate || has_signed || !is_asked(agreement, groups) {
            continue;
        }
        let from = match (&agreement.within, versions) {
            (Some(grace), Some(_)) => grace.deadline(calendar, None, *since),
            // Nobody who never agreed has time to: no signature, no internet.
            _ => Timestamp::MIN,
        };
        missing.push(MustSign { policy: agreement.policy.clone(), version: agreement.version.clone(), from });
    }
    missing
}

/// The offices that the rules in force know, for a command beside which no service runs.
pub async fn offices_known(store: &SchoolStore) -> Result<BTreeSet<Role>, ControlError> {
    let in_force = InForce::read(editions(store).await?)?;
    Ok(in_force.built.compiled.school.roles.keys().cloned().collect())
}

/// Groups that the rules in force know; a class 6B among them is `class:6B`.
pub async fn groups_known(store: &SchoolStore) -> Result<BTreeSet<Group>, ControlError> {
    let in_force = InForce::read(editions(store).await?)?;
    Ok(in_force.built.compiled.school.groups.keys().cloned().collect())
}

/// Whether an agreement is asked of somebody in these audiences.
pub fn is_asked(agreement: &Agreement, groups: &[Group]) -> bool {
    agreement.who.is_empty() || agreement.who.iter().any(|group| groups.contains(group))
}

#[cfg(test)]
mod tests {
    use schoolgate_cases::{Again, AgreeForm};

    use super::*;

    fn within() -> BTreeMap<Group, Group> {
        let pairs = [("teachers", "staff"), ("class:6B", "pupils.ks2"), ("pupils.ks2", "pupil")];
        pairs.map(|(inner, outer)| (Group::new(inner), Group::new(outer))).into()
    }

    fn person(capacity: Capacity, groups: &[&str], classes: &[&str]) -> Person {
        Person {
            id: PersonId::new("p").unwrap(),
            name: "P".into(),
            login: None,
            email: None,
            capacities: [capacity].into(),
            groups: groups.iter().map(|group| Group::new(group)).collect(),
            classes: classes.iter().map(|&class| class.into()).collect(),
            mis_id: None,
            upn: None,
            active_from: Timestamp::MIN,
            active_until: None,
        }
    }

    #[track_caller]
    fn check(capacity: Capacity, groups: &[&str], classes: &[&str], expected: &[&str]) {
        let found = audiences(&person(capacity, groups, classes), capacity, &within());
        assert_eq!(found.iter().map(Group::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn inclusions_are_followed_and_other_capacities_do_not_count() {
        check(Capacity::Staff, &["teachers"], &[], &["staff", "teachers"]);
        check(Capacity::Pupil, &[], &["6B"], &["class:6B", "pupil", "pupils.ks2"]);
        // A governor who also teaches is no teacher while here as a governor, nor a pupil of the class they take.
        check(Capacity::Governor, &["teachers"], &["6B"], &["governor"]);
    }

    #[test]
    fn a_login_is_one_persons_in_the_capacity_of_the_sign_in() {
        let with = |id: &str, login: &str, capacities: &[Capacity]| Person {
            id: PersonId::new(id).unwrap(),
            login: Some(login.into()),
            capacities: capacities.iter().copied().collect(),
            ..person(Capacity::Pupil, &[], &[])
        };
        let people = [
            with("tess", "Tess", &[Capacity::Governor, Capacity::Staff]),
            with("a", "shared", &[Capacity::Pupil]),
            with("b", "Shared", &[Capacity::Pupil]),
            person(Capacity::Parent, &[], &[]),
        ];
        let logins = logins_part(&people, |login| login.to_lowercase().into());
        let expected = [("tess".into(), (PersonId::new("tess").unwrap(), Capacity::Staff))];
        assert_eq!(logins, expected.into());
    }

    #[test]
    fn who_never_agreed_has_no_time_to_and_who_did_has() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let calendar = Calendar {
            zone: jiff::tz::TimeZone::UTC,
            terms: Vec::new(),
            holidays: Vec::new(),
            exceptions: BTreeMap::new(),
        };
        let policy = PolicyId::new("ict").unwrap();
        let agreement = Agreement {
            control: "ict#sign/sign".parse().unwrap(),
            policy: policy.clone(),
            version: "2".into(),
            title: "ICT".into(),
            who: Vec::new(),
            is_gate: true,
            within: Some("14 days".parse().unwrap()),
            again: Again::MaterialChange,
            form: AgreeForm::Click,
            with: None,
            receipt: None,
        };
        let standing = Standing { agreement: &agreement, since: at("2026-11-01T09:00:00Z") };
        let tess = PersonId::new("tess").unwrap();
        let due = |signed: &Signed| {
            let missing = missing(&tess, &[], signed, std::slice::from_ref(&standing), &calendar);
            missing.first().map(|must| must.from)
        };
        assert_eq!(due(&Signed::new()), Some(Timestamp::MIN));
        let with =
            |version: &str| -> Signed { [(tess.clone(), [(policy.clone(), [version.into()].into())].into())].into() };
        assert_eq!(due(&with("1")), Some(at("2026-11-15T09:00:00Z")));
        assert_eq!(due(&with("2")), None);
    }
}
