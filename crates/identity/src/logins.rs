//! From the name that somebody signs in with elsewhere (802.1X, Kerberos) to a person of the school.

use std::collections::HashMap;
use std::sync::Arc;

use schoolgate_base::{Capacity, PersonId};
use tokio::sync::watch;

/// Longest name that is looked up, in bytes: a user principal name in Active Directory has at most 1,024 characters,
/// a RADIUS attribute 253 bytes.
const NAME_MAX: usize = 253;

/// Whose login a name is. Whoever publishes people provides it; a door asks on each sign-in, not on each request.
pub trait Logins: Send + Sync {
    /// The person, in the one capacity in which that login signs in.
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)>;
}

/// A school's logins, as a table.
///
/// A name in a realm counts only in a realm of the school: `pia@other.example` is a guest, whoever `pia` is here.
#[derive(Debug, Clone, Default)]
pub struct LoginTable {
    people: HashMap<Box<str>, (PersonId, Capacity)>,
    realms: Vec<Box<str>>,
}

impl LoginTable {
    /// `realms` are what stands after `@` or before `\`: the mail or Kerberos domain, the short Windows domain name.
    /// Two people of one login are nobody.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, PersonId, Capacity)>, realms: &[&str]) -> Self {
        let mut people: HashMap<Box<str>, Option<(PersonId, Capacity)>> = HashMap::new();
        for (login, person, capacity) in entries {
            let is_theirs = |known: &Option<(PersonId, Capacity)>| {
                known.as_ref().is_some_and(|known| known.0 == person && known.1 == capacity)
            };
            let entry = people.entry(login.to_lowercase().into());
            entry
                .and_modify(|known| {
                    if !is_theirs(known) {
                        *known = None;
                    }
                })
                .or_insert_with(|| Some((person.clone(), capacity)));
        }
        let mut people: HashMap<Box<str>, (PersonId, Capacity)> =
            people.into_iter().filter_map(|(login, known)| Some((login, known?))).collect();
        let realms: Vec<Box<str>> = realms.iter().map(|realm| realm.to_lowercase().into()).collect();
        // `smith` is John, whose Kerberos name is `smith@SCHOOL.EXAMPLE`, and Sue has the mail name `smith@school.example`.
        let meant_by_two: Vec<Box<str>> = people
            .iter()
            .filter_map(|(login, known)| {
                let (name, realm) = login.rsplit_once('@')?;
                let is_another =
                    realms.iter().any(|ours| **ours == *realm) && people.get(name).is_some_and(|other| other != known);
                is_another.then(|| [login.clone(), name.into()])
            })
            .flatten()
            .collect();
        for login in meant_by_two {
            people.remove(&login);
        }
        Self { people, realms }
    }
}

impl Logins for LoginTable {
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)> {
        if NAME_MAX < name.len() {
            return None;
        }
        let name = name.to_lowercase();
        // A whole `tess@school.example` may be a login of its own.
        if let Some(known) = self.people.get(name.as_str()) {
            return Some(known.clone());
        }
        let parts = name.split_once('\\').map(|(realm, login)| (login, realm));
        let (login, realm) = parts.or_else(|| name.rsplit_once('@'))?;
        let is_ours = self.realms.iter().any(|ours| **ours == *realm);
        is_ours.then(|| self.people.get(login).cloned()).flatten()
    }
}

/// The newest table, where whoever publishes people sends a new one with each publish.
impl Logins for watch::Receiver<Arc<LoginTable>> {
    fn person(&self, name: &str) -> Option<(PersonId, Capacity)> {
        self.borrow().person(name)
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
            ("shared", person("p3"), Capacity::Pupil),
            ("SHARED", person("p4"), Capacity::Pupil),
        ];
        let logins = LoginTable::new(entries, &["school.example", "SCHOOL"]);
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
    }

    #[test]
    fn the_newest_table_counts() {
        let table = |login| Arc::new(LoginTable::new([(login, PersonId::new("p1").unwrap(), Capacity::Staff)], &[]));
        let (tables, logins) = watch::channel(table("tess"));
        assert!(logins.person("tess").is_some() && logins.person("tess.teacher").is_none());
        tables.send_replace(table("tess.teacher"));
        assert!(logins.person("tess").is_none() && logins.person("tess.teacher").is_some());
    }

    #[test]
    fn a_login_of_two_people_is_nobodys() {
        check("smith", None);
        check("smith@school.example", None);
        check("shared", None);
        check("anonymous@school.example", None);
        check(&"a".repeat(300), None);
    }
}
