//! A register of clauses: what a real school's policy demands, one row each.

use schoolgate_base::ControlKind;
use serde::Serialize;

/// One demand. The columns of the table are: id, clause, actor, rule, kind, capability, also, does, params.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub kind: RowKind,
}

/// What kind of thing a program can do about a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    Enforce,
    Detect,
    Approve,
    Record,
    Route,
    Attest,
}

impl RowKind {
    pub const ALL: [(&'static str, Self); 6] = [
        ("enforce", Self::Enforce),
        ("detect", Self::Detect),
        ("approve", Self::Approve),
        ("record", Self::Record),
        ("route", Self::Route),
        ("attest", Self::Attest),
    ];

    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// The kinds of control that are as much as the row asks for.
    pub fn is_met_by(self, kind: ControlKind) -> bool {
        use ControlKind as C;
        let is_thing = matches!(kind, C::Search | C::Mail | C::File | C::Publish | C::Account | C::Device);
        match self {
            Self::Enforce => is_thing || matches!(kind, C::Web | C::Sign),
            Self::Detect => is_thing || matches!(kind, C::Web | C::Duty | C::Register),
            Self::Approve => kind == C::Request,
            Self::Record => matches!(kind, C::Register | C::Duty | C::Sign | C::Request | C::Report),
            Self::Route => matches!(kind, C::Report | C::Request),
            Self::Attest => matches!(kind, C::Sign | C::Remind),
        }
    }

    /// Whether the head of a document can meet it: owner, history, date of review.
    pub fn is_met_by_head(self) -> bool {
        matches!(self, Self::Record | Self::Detect)
    }

    /// Whether every word of its controls is turned, or only the controls as a whole.
    pub fn is_turned(self) -> bool {
        matches!(self, Self::Enforce | Self::Detect | Self::Approve | Self::Route)
    }
}

/// Reads a table.
pub fn rows(table: &str) -> Result<Vec<Row>, String> {
    let mut found: Vec<Row> = Vec::new();
    for (number, line) in table.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (Some(id), Some(word)) = (columns.first(), columns.get(4)) else {
            return Err(format!("line {} has {} columns, not 9", number + 1, columns.len()));
        };
        let kind = RowKind::ALL.iter().find(|(name, _)| name == word).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| format!("line {}: there is no kind of demand `{word}`", number + 1))?;
        if found.iter().any(|row| row.id == *id) {
            return Err(format!("line {}: `{id}` stands in the table twice", number + 1));
        }
        found.push(Row { id: (*id).to_owned(), kind });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_none_says_where() {
        let head = "id\tclause\tactor\trule\tkind\tcapability\talso\tdoes\tparams\n";
        let row = |id: &str, kind: &str| format!("{id}\tc\tstaff\trule\t{kind}\tweb-filter\t-\tdoes\t-\n");
        assert_eq!(rows(&format!("{head}{}", row("X-1", "enforce"))).map(|rows| rows.len()), Ok(1));
        for (table, wanted) in [
            (format!("{head}X-1 only\n"), "line 2 has 1 columns"),
            (format!("{head}{}", row("X-1", "enforces")), "no kind of demand `enforces`"),
            (
                format!("{head}{}{}", row("X-1", "route"), row("X-1", "route")),
                "line 3: `X-1` stands in the table twice",
            ),
        ] {
            assert!(rows(&table).is_err_and(|error| error.contains(wanted)), "{wanted}");
        }
    }
}
