//! From the name that somebody signs in with elsewhere (802.1X, Kerberos) to a person of the school.

use std::collections::HashMap;

use schoolgate_base::{Capacity, PersonId};

/// Longest name that is looked up, in bytes: a user principal name in Active Directory has at most 1,024 characters,
/// a RADIUS attribute 253 bytes.
const NAME_MAX: usize = 253;

/// Whose login a name is. Whoever publishes people provides it; a door asks on each sign-in, not on each request.
pub trait Logins: Send + Sync {
    /// The person, in the one capacity in which that login signs in.
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)>;
}

/// How a school's names are written elsewhere: what stands after `@` or before `\`, which is the mail or Kerberos domain
/// or the short Windows domain name.
///
/// A name in a realm counts only in a realm of the school: `pia@other.example` is a guest, whoever `pia` is here.
#[derive(Debug, Clone, Default)]
pub struct Realms(Vec<Box<str>>);

impl Realms {
    pub fn new<T: AsRef<str>>(realms: impl IntoIterator<Item = T>) -> Self {
        Self(realms.into_iter().map(|realm| realm.as_ref().to_lowercase().into()).collect())
    }

    /// Whom `known`, which is asked for logins in lower case, has by this name. A name that could mean two is nobody's.
    pub fn person(
        &self,
        name: &str,
        known: impl Fn(&str) -> Option<(PersonId, Capacity)>,
    ) -> Option<(PersonId, Capacity)> {
        if NAME_MAX < name.len() {
            return None;
        }
        let name = name.to_lowercase();
        let parts = name.split_once('\\').map(|(realm, login)| (login, realm)).or_else(|| name.rsplit_once('@'));
        let short = match parts {
            Some((login, realm)) => self.0.iter().any(|ours| **ours == *realm).then_some(login),
            None => Some(name.as_str()),
        };
        // A whole `tess@school.example` may be a login of its own.
        let whole = known(&name);
        let Some(short) = short else { return whole };
        let by_short = known(short);
        // `smith` is John, whose Kerberos name is `smith@SCHOOL.EXAMPLE`, and Sue has the mail name `smith@school.example`.
        let is_another = |found: &(PersonId, Capacity), other: Option<(PersonId, Capacity)>| {
            other.is_some_and(|other| other != *found)
        };
        match whole.filter(|_| parts.is_some()) {
            Some(found) => (!is_another(&found, by_short)).then_some(found),
            None => by_short
                .filter(|found| !self.0.iter().any(|realm| is_another(found, known(&format!("{short}@{realm}"))))),
        }
    }
}

/// Logins as a table.
#[derive(Debug, Clone, Default)]
pub struct LoginTable {
    people: HashMap<Box<str>, (PersonId, Capacity)>,
    realms: Realms,
}

impl LoginTable {
    /// Of two people with one login the first has it.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, PersonId, Capacity)>, realms: &[&str]) -> Self {
        let mut people = HashMap::new();
        for (login, person, capacity) in entries {
            people.entry(login.to_lowercase().into()).or_insert((person, capacity));
        }
        Self { people, realms: Realms::new(realms) }
    }
}

impl Logins for LoginTable {
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)> {
        self.realms.person(name, |login| self.people.get(login).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let person = |id: &str| PersonId::new(id).unwrap();
        let entries = [
            ("tess", person("p1"), Capacity::Staff),
            ("Pia@pupils.school.example", person("p2"), Capacity::Pupil),
            ("smith", person("p5"), Capacity::Staff),
            ("smith@school.example", person("p6"), Capacity::Staff),
            ("jones@school.example", person("p7"), Capacity::Staff),
            ("jones@pupils.school.example", person("p8"), Capacity::Pupil),
            ("lee", person("p9"), Capacity::Staff),
            ("lee@school.example", person("p9"), Capacity::Staff),
            ("lee@pupils.school.example", person("p0"), Capacity::Pupil),
        ];
        let logins = LoginTable::new(entries, &["school.example", "SCHOOL", "pupils.school.example"]);
        let found = logins.person(name).map(|(person, _)| person.as_str().to_owned());
        assert_eq!(found.as_deref(), expected, "{name}");
    }

    #[test]
    fn a_login_counts_in_the_schools_realms_only() {
        check("tess", Some("p1"));
        check("TESS@SCHOOL.EXAMPLE", Some("p1"));
        check("SCHOOL\\tess", Some("p1"));
        check("tess@other.example", None);
        check("OTHER\\tess", None);
        check("pia@pupils.school.example", Some("p2"));
        check("pia@school.example", None);
        check("jones@school.example", Some("p7"));
        check("jones@pupils.school.example", Some("p8"));
        check("jones", None);
    }

    #[test]
    fn a_login_of_two_people_is_nobodys() {
        check("smith", None);
        check("smith@school.example", None);
        check("SCHOOL\\smith", None);
        check("lee", None);
        check("lee@pupils.school.example", None);
        check("lee@school.example", Some("p9"));
        check("anonymous@school.example", None);
        check(&"a".repeat(300), None);
    }
}
