//! Why a file was not read or not applied; nothing of it is kept then.

use schoolgate_records::RecordsError;

use crate::columns::{Column, UnknownColumn};

#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("the file has {size} bytes, more than the {max} that are read")]
    TooLarge { size: usize, max: usize },
    #[error("the file has more than {max} rows")]
    TooManyRows { max: usize },
    #[error("the header cannot be used: {}", header_text(missing, unknown, doubled))]
    Header {
        /// What no column of the file says.
        missing: Vec<&'static str>,
        /// Columns that look like misspelt ones, and, when something is missing, all others that mean nothing to us.
        unknown: Vec<UnknownColumn>,
        /// Said by two columns.
        doubled: Vec<Column>,
    },
    #[error("the header cannot be read as CSV")]
    Csv { source: csv::Error },
    #[error("{count} rows have problems; mend them, or confirm that they are left out")]
    Problems { count: usize },
    #[error("{leaving} of {of} people would leave at once; confirm that number if it is meant")]
    Brake { leaving: usize, of: usize },
    #[error("{confirmed} were confirmed to leave, but it would be {leaving}; look at the difference again")]
    ConfirmedOtherwise { confirmed: usize, leaving: usize },
    #[error("cannot compare or change the records")]
    Records { source: RecordsError },
}

fn header_text(missing: &[&'static str], unknown: &[UnknownColumn], doubled: &[Column]) -> String {
    let mut parts = Vec::new();
    for name in missing {
        parts.push(format!("no column says {name}"));
    }
    for column in unknown {
        parts.push(match column.nearest {
            Some(nearest) => format!("`{}` is not known, did you mean `{}`?", column.name, nearest.name()),
            None => format!("`{}` is not known", column.name),
        });
    }
    for column in doubled {
        parts.push(format!("two columns say `{}`", column.name()));
    }
    parts.join("; ")
}
