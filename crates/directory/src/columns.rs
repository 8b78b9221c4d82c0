//! Which column of a file says what: the names that systems and spreadsheets use, and the nearest one to a misspelt.

/// What a column may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    MisId,
    Upn,
    FirstName,
    LastName,
    Name,
    Login,
    Capacity,
    Groups,
    Classes,
    Email,
    Start,
    End,
}

/// A column of the file that means nothing to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownColumn {
    /// As the file has it.
    pub name: String,
    /// The one it may be meant for.
    pub nearest: Option<Column>,
}

impl Column {
    pub const ALL: [Self; 12] = [
        Self::MisId,
        Self::Upn,
        Self::FirstName,
        Self::LastName,
        Self::Name,
        Self::Login,
        Self::Capacity,
        Self::Groups,
        Self::Classes,
        Self::Email,
        Self::Start,
        Self::End,
    ];

    /// The name in our own files.
    pub fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }

    /// Every name a file may have for it, ours first, as [`plain`] writes them.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::MisId => &[
                "mis_id",
                "misid",
                "id",
                "person_id",
                "external_id",
                "admission_number",
                "admission_no",
                "adno",
                "pupil_id",
                "student_id",
                "staff_id",
                "staff_code",
                "employee_number",
                "employee_id",
            ],
            Self::Upn => &["upn", "unique_pupil_number"],
            Self::FirstName => {
                &["first_name", "firstname", "forename", "given_name", "legal_forename", "preferred_forename"]
            }
            Self::LastName => &["last_name", "lastname", "surname", "family_name", "legal_surname"],
            Self::Name => &["name", "full_name", "display_name"],
            Self::Login => &["login", "username", "user_name", "account", "account_name", "samaccountname"],
            Self::Capacity => &["capacity", "person_type", "type", "category"],
            Self::Groups => &["groups", "group"],
            Self::Classes => {
                &["classes", "class", "form", "reg_group", "registration_group", "tutor_group", "registration_form"]
            }
            Self::Email => &["email", "e_mail", "mail", "email_address", "work_email", "school_email"],
            Self::Start => &["start", "start_date", "joined", "date_of_joining", "admission_date", "date_of_admission"],
            Self::End => &["end", "end_date", "left", "leaving_date", "date_of_leaving"],
        }
    }

    fn known(plain: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.names().contains(&plain))
    }

    /// The column whose name is at most one slip away, two for long names: `status` is not meant for `start`.
    fn nearest(plain: &str) -> Option<Self> {
        let slips_max = if plain.chars().count() < 8 { 1 } else { 2 };
        Self::ALL
            .into_iter()
            .flat_map(|column| column.names().iter().map(move |name| (*name, column)))
            // Whatever it is that was read as a header, it may be megabytes long.
            .filter(|(name, _)| plain.len().abs_diff(name.len()) <= 4 * slips_max)
            .map(|(name, column)| (slips(plain, name), column))
            .filter(|(slips, _)| *slips <= slips_max)
            .min()
            .map(|(_, column)| column)
    }
}

/// Unknown names that are told of; a file with more is no list of people.
const UNKNOWN_MAX: usize = 100;

/// A header as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Header {
    /// In the order of the file; `None` for what means nothing to us.
    pub columns: Vec<Option<Column>>,
    pub unknown: Vec<UnknownColumn>,
    pub doubled: Vec<Column>,
}

impl Header {
    pub(crate) fn read<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut header = Self::default();
        for name in names {
            let plain = plain(name);
            let column = Column::known(&plain);
            if let Some(column) = column.filter(|column| header.has(*column)) {
                header.doubled.push(column);
            }
            if column.is_none() && !plain.is_empty() && header.unknown.len() < UNKNOWN_MAX {
                header.unknown.push(UnknownColumn { name: name.trim().to_owned(), nearest: Column::nearest(&plain) });
            }
            header.columns.push(column);
        }
        header
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }

    /// What must be said and is not.
    pub(crate) fn missing(&self, is_capacity_given: bool) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.has(Column::MisId) && !self.has(Column::Upn) {
            missing.push("`mis_id` or `upn`");
        }
        if !self.has(Column::Name) && !self.has(Column::FirstName) {
            missing.push("`first_name`");
        }
        if !self.has(Column::Name) && !self.has(Column::LastName) {
            missing.push("`last_name`");
        }
        if !self.has(Column::Capacity) && !is_capacity_given {
            missing.push("`capacity`");
        }
        missing
    }
}

/// Lower case, everything but letters and digits one `_`.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in name.trim().chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
    }
    plain.trim_end_matches('_').to_owned()
}

/// The word of `words` nearest to `word`, at most two slips away.
pub(crate) fn nearest_word(word: &str, words: &[&'static str]) -> Option<&'static str> {
    nearest_of(word, words.iter().copied())
}

/// The same among words of any life.
pub(crate) fn nearest_of<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words.map(|known| (slips(word, known), known)).filter(|(slips, _)| *slips <= 2).min().map(|(_, known)| known)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour (optimal string alignment).
fn slips(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    // Two rows up, and the letter of the row above: what a swap is told by.
    let mut higher: Vec<usize> = Vec::new();
    let mut letter_above = None;
    for (index, letter) in a.chars().enumerate() {
        let mut row = vec![index + 1];
        let mut letter_left = None;
        for (column, other) in b.iter().copied().enumerate() {
            let at = |cells: &[usize], column: usize| cells.get(column).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&above, column) + usize::from(letter != other);
            let mut least = changed.min(at(&row, column) + 1).min(at(&above, column + 1) + 1);
            if letter_above == Some(other) && letter_left == Some(letter) && 0 < column {
                least = least.min(at(&higher, column - 1) + 1);
            }
            row.push(least);
            letter_left = Some(other);
        }
        higher = std::mem::replace(&mut above, row);
        letter_above = Some(letter);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("forename", "forenmae", 1),
            ("login", "logon", 1),
            ("abcd", "dcba", 3),
        ] {
            assert_eq!(slips(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn headers_of_other_systems_are_understood() {
        let header =
            Header::read(["Admission Number", " UPN", "Forename", "SURNAME", "Reg Group", "E-mail"].into_iter());
        let columns = [Column::MisId, Column::Upn, Column::FirstName, Column::LastName, Column::Classes, Column::Email];
        assert_eq!(header.columns, columns.map(Some));
        assert_eq!(header.missing(false), ["`capacity`"]);
        assert!(header.missing(true).is_empty() && header.unknown.is_empty());
    }
}
