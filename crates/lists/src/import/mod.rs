//! Reading lists in the formats they come in.
//!
//! Reading never fails as a whole: what cannot be used is counted and the first of it shown with its place and reason.
//! Bytes go in, entries come out; finding the files is the caller's job.

mod lines;
mod misp;
mod ut1;

use crate::entry::{Entry, EntryError};

pub use ut1::{Ut1File, ut1_file};

/// How many problems of a file are kept; the rest is only counted.
pub const PROBLEMS_SHOWN: usize = 100;
/// Longest line that is read at all, in bytes.
pub const LINE_MAX_BYTES: usize = 4_096;
/// How much of a line is shown with its problem, in characters.
const TEXT_SHOWN: usize = 80;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// A name, address or URL a line; `#`, `!` and `;` open comments. UT1's `domains` and `urls` are of this kind.
    Plain,
    /// `0.0.0.0 name name…`, as in `/etc/hosts`.
    Hosts,
    /// A MISP warning list: JSON with the entries under `list`.
    Misp,
}

impl ListFormat {
    /// What a file seems to be, from its beginning; for files that people upload without saying.
    pub fn guess(bytes: &[u8]) -> Self {
        let head = bytes.strip_prefix(lines::BOM).unwrap_or(bytes).trim_ascii_start();
        if head.first() == Some(&b'{') {
            return Self::Misp;
        }
        if lines::looks_like_hosts(bytes) { Self::Hosts } else { Self::Plain }
    }
}

/// Why a line gives no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("the line has {0} bytes; more than {LINE_MAX_BYTES} are not read")]
    TooLong(usize),
    #[error("the line is not UTF-8 text")]
    NotText,
    #[error("a line of a hosts file is an address and names")]
    NotHosts,
    #[error("not an entry")]
    Entry(#[source] EntryError),
    #[error("the file is not a MISP warning list")]
    NotMisp,
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; for formats without lines, the number of the item.
    pub line: u64,
    /// The beginning of the line; empty when the list's content may not be shown.
    pub text: Box<str>,
    pub reason: LineError,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    pub lines: u64,
    /// Entries handed on, repetitions included.
    pub entries: u64,
    /// Empty lines and comments.
    pub comments: u64,
    /// Names every hosts file holds for its own machine (`localhost`, `broadcasthost`), left out.
    pub local_names: u64,
    /// All lines that could not be used.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
}

impl Import {
    fn note(&mut self, line: u64, text: &str, reason: LineError) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_SHOWN {
            let text = text.chars().take(TEXT_SHOWN).collect::<String>().into();
            self.problems.push(Problem { line, text, reason });
        }
    }

    /// Forgets the text of bad lines: entries of a locked list are never shown, and a bad line is nearly one.
    pub fn without_text(mut self) -> Self {
        for problem in &mut self.problems {
            problem.text = "".into();
        }
        self
    }
}

/// Reads a list and hands each entry to `sink`.
pub fn read_list(format: ListFormat, bytes: &[u8], sink: &mut dyn FnMut(Entry)) -> Import {
    match format {
        ListFormat::Plain => lines::read(bytes, lines::Grammar::Plain, sink),
        ListFormat::Hosts => lines::read(bytes, lines::Grammar::Hosts, sink),
        ListFormat::Misp => misp::read(bytes, sink),
    }
}

#[cfg(test)]
mod tests;
