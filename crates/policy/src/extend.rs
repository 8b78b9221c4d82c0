//! Packs that extend others: the folders that `school.toml` names, and what of them becomes part of the pack.
//!
//! ```toml
//! [school]
//! extends = ["../england-2026"]     # folders of packs, from this pack's own folder
//! ```
//!
//! Their policy documents go into the pack under `extends/<folder name>/…`, their scenarios do not. Names that their
//! `school.toml` declares (groups, offices, periods, content, categories, channels, events, …) are known in the pack too,
//! unless it declares them itself; keepers are not, because what keeps something elsewhere keeps nothing here. A pack that
//! holds `extends/<folder name>/…` already, as one that comes out of the records does, is complete without its neighbours.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::pack::{Pack, SCHOOL_FILE};
use crate::school::{self, School};
use crate::syntax::reader::Findings;

/// Where the documents of other packs stand.
const FOLDER: &str = "extends/";

/// Most packs that one pack extends, directly and by way of others; a trust under an authority under a country are
/// three.
const BASES_MAX: usize = 16;

/// Why a pack could not be put together with those it extends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendError<E> {
    /// Each folder extends the next, the last one the first.
    #[error("extends-cycle: {}: a pack cannot extend itself; take one of these out of `extends`", .0.join(" extends "))]
    Circle(Vec<String>),
    #[error("`{one}` and `{other}` have one name; give one of the two folders another, since clauses are found by it")]
    SameName { one: String, other: String },
    #[error("`{0}` extends more than {BASES_MAX} packs; put some of them into one")]
    TooMany(String),
    #[error("cannot read `{folder}`, which `{by}` extends")]
    Read {
        folder: String,
        by: String,
        #[source]
        source: E,
    },
}

impl Pack {
    /// The folders this pack extends, as its `school.toml` names them.
    pub fn extends(&self) -> Vec<String> {
        let found = self.files().find(|(_, path, _)| *path == SCHOOL_FILE);
        let Some((file, _, text)) = found else { return Vec::new() };
        let school = school::parse(file, text, &mut Findings::new());
        school.extends.into_iter().map(|word| word.text).collect()
    }

    /// The pack with the documents of others, each under the name of its folder.
    #[must_use]
    pub fn extended(mut self, bases: impl IntoIterator<Item = (String, Self)>) -> Self {
        for (name, base) in bases {
            let schools = base.files().filter(|(_, path, _)| path.rsplit('/').next() == Some(SCHOOL_FILE));
            for (_, path, text) in base.documents().chain(schools) {
                // What a base has taken from its own bases stays under their names.
                let inside = if path.starts_with(FOLDER) { path.to_owned() } else { format!("{FOLDER}{name}/{path}") };
                self.insert(&inside, text);
            }
        }
        self
    }

    fn holds(&self, name: &str) -> bool {
        self.files().any(|(_, path, _)| is_of(path, name))
    }
}

/// Reads the pack in `folder` and all that it extends. `read` gives the files of one folder; folders are paths with
/// `/`, from where `folder` is counted.
pub fn read_extended<E>(folder: &str, read: &mut dyn FnMut(&str) -> Result<Pack, E>) -> Result<Pack, ExtendError<E>> {
    let folder = joined("", folder);
    let own =
        read(&folder).map_err(|source| ExtendError::Read { folder: folder.clone(), by: folder.clone(), source })?;
    let mut reading = Reading { read, chain: vec![folder], bases: BTreeMap::new() };
    reading.bases_of(&own)?;
    let bases = reading.bases.into_iter().map(|(name, (_, base))| (name, base));
    Ok(own.extended(bases))
}

struct Reading<'r, E> {
    read: &'r mut dyn FnMut(&str) -> Result<Pack, E>,
    /// The folders on the way to the one that is read now.
    chain: Vec<String>,
    /// By name: the folder and what is in it.
    bases: BTreeMap<String, (String, Pack)>,
}

impl<E> Reading<'_, E> {
    fn bases_of(&mut self, pack: &Pack) -> Result<(), ExtendError<E>> {
        let by = self.chain.last().cloned().unwrap_or_default();
        for entry in pack.extends() {
            let (folder, name) = (joined(&by, &entry), name_of(&entry).to_owned());
            if let Some(at) = self.chain.iter().position(|earlier| *earlier == folder) {
                let mut circle = self.chain.split_off(at);
                circle.push(folder);
                return Err(ExtendError::Circle(circle));
            }
            match self.bases.get(&name) {
                Some((known, _)) if *known == folder => continue,
                Some((known, _)) => return Err(ExtendError::SameName { one: known.clone(), other: folder }),
                None if pack.holds(&name) => continue,
                None if self.bases.len() == BASES_MAX => return Err(ExtendError::TooMany(by)),
                None => {}
            }
            let base = (self.read)(&folder).map_err(|source| ExtendError::Read {
                folder: folder.clone(),
                by: by.clone(),
                source,
            })?;
            self.bases.insert(name, (folder.clone(), base.clone()));
            self.chain.push(folder);
            self.bases_of(&base)?;
            self.chain.pop();
        }
        Ok(())
    }
}

/// Makes the names of the packs that this one extends known in it.
pub(crate) fn take_names(pack: &Pack, school: &mut School) {
    let is_base = |path: &str| path.starts_with(FOLDER) && path.rsplit('/').next() == Some(SCHOOL_FILE);
    for (file, _, text) in pack.files().filter(|(_, path, _)| is_base(path)) {
        // What is wrong with it is said where that pack is checked.
        school.take_names(school::parse(file, text, &mut Findings::new()));
    }
}

/// A pack names others whose documents it does not hold.
pub(crate) fn check(pack: &Pack, school: &School, findings: &mut Findings) {
    for word in &school.extends {
        if !pack.holds(name_of(&word.text)) {
            findings.push(
                Diagnostic::new(Code::BaseMissing, word.span, format!("the pack `{}` is not here", word.text))
                    .why("what it demands would silently not hold")
                    .help("name the folder of a pack, from the folder of this one, or leave it out"),
            );
        }
    }
}

/// Whether a file of a pack came from one that it extends.
pub(crate) fn is_taken(path: &str) -> bool {
    path.starts_with(FOLDER)
}

fn is_of(path: &str, name: &str) -> bool {
    let inside = path.strip_prefix(FOLDER).and_then(|path| path.strip_prefix(name));
    inside.is_some_and(|rest| rest.starts_with('/'))
}

/// The last part of a path.
fn name_of(folder: &str) -> &str {
    folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder)
}

/// `entry` as seen from `folder`, without `.` and without `..` where that can be.
fn joined(folder: &str, entry: &str) -> String {
    let base = if entry.starts_with('/') { "" } else { folder };
    let is_absolute = base.starts_with('/') || entry.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(entry.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    match (is_absolute, path.is_empty()) {
        (true, _) => format!("/{path}"),
        (false, true) => ".".to_owned(),
        (false, false) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(extends: &str, document: &str) -> Pack {
        let school = format!("[school]\nid = \"a\"\nname = \"A\"\nextends = [{extends}]\n");
        let tests = "Given a teacher\n";
        Pack::from_iter([
            ("school.toml", school.as_str()),
            ("p.md", document),
            ("tests.md", tests),
            ("README.md", "Read me."),
        ])
    }

    fn folders(extends: &[(&str, &str)]) -> BTreeMap<String, Pack> {
        extends.iter().map(|(folder, extends)| ((*folder).to_owned(), pack(extends, folder))).collect()
    }

    fn read(folders: &BTreeMap<String, Pack>, folder: &str) -> Result<Pack, ExtendError<String>> {
        read_extended(folder, &mut |folder| folders.get(folder).cloned().ok_or_else(|| format!("no {folder}")))
    }

    #[test]
    fn documents_of_a_base_and_of_its_base_come_along() {
        let folders = folders(&[("packs/mine", "\"../trust\""), ("packs/trust", "\"/law/2026/\""), ("/law/2026", "")]);
        let found = read(&folders, "./packs/mine/").unwrap();
        let paths: Vec<&str> = found.files().map(|(_, path, _)| path).collect();
        let bases =
            ["extends/2026/p.md", "extends/2026/school.toml", "extends/trust/p.md", "extends/trust/school.toml"];
        let own = ["README.md", "p.md", "school.toml", "tests.md"];
        let all: std::collections::BTreeSet<&str> = own.into_iter().chain(bases).collect();
        assert_eq!(paths, all.into_iter().collect::<Vec<_>>());
        assert_eq!(found.get("extends/2026/p.md"), Some("/law/2026"));
    }

    #[test]
    fn a_base_that_two_others_extend_is_read_once() {
        let folders = folders(&[("a", "\"../b\", \"../c\""), ("b", "\"../d\""), ("c", "\"../d\""), ("d", "")]);
        assert_eq!(read(&folders, "a").unwrap().documents().count(), 4);
    }

    #[test]
    fn a_circle_is_named() {
        let folders = folders(&[("x/a", "\"../b\""), ("x/b", "\"../c\""), ("x/c", "\"../b\""), ("x/d", "\".\"")]);
        let circle = |names: [&str; 3]| ExtendError::Circle(names.map(str::to_owned).to_vec());
        assert_eq!(read(&folders, "x/a"), Err(circle(["x/b", "x/c", "x/b"])));
        let itself = read(&folders, "x/d").unwrap_err().to_string();
        assert!(itself.starts_with("extends-cycle: x/d extends x/d:"), "{itself}");
    }

    #[test]
    fn what_is_complete_needs_no_neighbours() {
        let folders = folders(&[("a", "\"../b\""), ("b", "")]);
        let whole = read(&folders, "a").unwrap();
        assert_eq!(read(&BTreeMap::from([("a".to_owned(), whole.clone())]), "a"), Ok(whole));
    }

    #[test]
    fn what_cannot_be_put_together_says_why() {
        let missing = folders(&[("a", "\"../b\"")]);
        let wanted = ExtendError::Read { folder: "b".into(), by: "a".into(), source: "no b".to_owned() };
        assert_eq!(read(&missing, "a"), Err(wanted));
        let two = folders(&[("a", "\"../x/b\", \"../y/b\""), ("x/b", ""), ("y/b", "")]);
        assert!(matches!(read(&two, "a"), Err(ExtendError::SameName { .. })));
        let names: Vec<String> = (0..=BASES_MAX).map(|number| format!("p{number}")).collect();
        let list = names.iter().map(|name| format!("\"../{name}\"")).collect::<Vec<_>>().join(", ");
        let mut many = folders(&[("a", &list)]);
        many.extend(names.into_iter().map(|name| (name, pack("", ""))));
        assert_eq!(read(&many, "a"), Err(ExtendError::TooMany("a".into())));
    }
}
