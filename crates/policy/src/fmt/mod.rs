//! Lays out the files of a pack: control blocks and heads, and the blank lines around blocks and headings.
//!
//! Prose is left alone, and so is what is no TOML. A layout never changes what a file says: where it would, the file
//! stays as it is.

mod toml_lines;

use std::ops::Range;

use schoolgate_base::ControlKind;

use crate::kinds::keys::{self, HEAD, NOTES};
use crate::pack::{FileId, Pack, SCHOOL_FILE};
use crate::syntax::document::{self, Part};
use crate::syntax::markdown::{self, Head, Leaf};
use toml_lines::laid_out;

/// A file whose layout is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub text: String,
}

/// The files of a pack whose layout would be another, with their new text. Scenarios are prose, and what a pack extends
/// is laid out where it lies.
pub fn changes(pack: &Pack) -> Vec<Change> {
    let own = pack.documents().filter(|(_, path, _)| !crate::extend::is_taken(path));
    let documents = own.map(|(_, path, text)| (path, text, format(text)));
    let school = pack.get(SCHOOL_FILE).map(|text| (SCHOOL_FILE, text, format_school(text)));
    let changed = documents.chain(school).filter(|(_, before, after)| before != after);
    changed.map(|(path, _, text)| Change { path: path.to_owned(), text }).collect()
}

/// A policy document, laid out.
pub fn format(text: &str) -> String {
    // Other ends of lines belong to another system's habits; nothing here knows them.
    if text.contains('\r') || text.is_empty() {
        return text.to_owned();
    }
    let new = document(text);
    if says(&new) == says(text) { new } else { text.to_owned() }
}

/// `school.toml`, without spaces at the ends of lines and with an end of its last line.
pub fn format_school(text: &str) -> String {
    let new: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    match (text.parse::<toml::Table>(), new.parse::<toml::Table>()) {
        (Ok(before), Ok(after)) if before == after => new,
        _ => text.to_owned(),
    }
}

/// What is laid out, in lines counted from 0.
enum Piece {
    Heading,
    /// A block, with how far it is indented.
    Block {
        lines: Range<usize>,
        indent: usize,
    },
}

fn document(text: &str) -> String {
    let lines = markdown::lines(text);
    let (head, skip) = markdown::head(FileId::MISSING, text, &lines);
    let line = |at: usize| lines.get(at).and_then(|range| text.get(range.clone())).unwrap_or("").trim_end_matches('\n');
    let number = |offset: usize| lines.partition_point(|range| range.end <= offset);
    let mut pieces: Vec<(usize, Piece)> = Vec::new();
    for leaf in markdown::leaves(FileId::MISSING, text, &lines, skip) {
        match leaf {
            Leaf::Heading { range, .. } if line(number(range.start)).starts_with('#') => {
                pieces.push((number(range.start), Piece::Heading));
            }
            Leaf::Block { info, range, end, is_closed: true, .. } if info == "control" => {
                let (first, last) = (number(range.start), number(end.saturating_sub(1)));
                let indent = line(first).len() - line(first).trim_start_matches(' ').len();
                pieces.push((first, Piece::Block { lines: first..last + 1, indent }));
            }
            Leaf::Heading { .. } | Leaf::Block { .. } | Leaf::Text { .. } => {}
        }
    }
    let mut out = Out::default();
    out.head(&head, skip, &line);
    let mut at = skip;
    for (first, piece) in pieces {
        (at..first).for_each(|prose| out.prose(line(prose)));
        at = match piece {
            Piece::Heading => {
                out.apart(vec![line(first).trim_end().to_owned()]);
                first + 1
            }
            Piece::Block { lines, indent } => {
                let all: Vec<&str> = lines.clone().map(line).collect();
                match (block(&all, indent), indent) {
                    (laid_out, 0) => out.apart(laid_out),
                    // A blank line in a list changes how far apart its items stand on the page.
                    (laid_out, _) => laid_out.iter().for_each(|line| out.prose(line)),
                }
                lines.end
            }
        };
    }
    (at..lines.len()).for_each(|prose| out.prose(line(prose)));
    out.lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A block with its fences.
fn block(lines: &[&str], indent: usize) -> Vec<String> {
    let as_it_is = || lines.iter().map(|line| (*line).to_owned()).collect();
    let [first, inner @ .., last] = lines else { return as_it_is() };
    let margin = " ".repeat(indent);
    let Some(inner) = inner
        .iter()
        .map(|line| if line.trim().is_empty() { Some("") } else { line.strip_prefix(margin.as_str()) })
        .collect::<Option<Vec<&str>>>()
    else {
        return as_it_is();
    };
    let Some(text) = laid_out(&inner.join("\n"), &order) else { return as_it_is() };
    let inner = text.lines().map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") });
    let fences = [first.trim_end().to_owned(), last.trim_end().to_owned()];
    let [open, close] = fences;
    std::iter::once(open).chain(inner).chain([close]).collect()
}

/// The keys of a control block: notes first, then each kind's, its name before all.
fn order(header: Option<&str>) -> Vec<&'static str> {
    let Some(header) = header else { return NOTES.iter().map(|key| key.name).collect() };
    let Some(kind) = ControlKind::ALL.into_iter().find(|kind| kind.as_str() == header) else { return Vec::new() };
    let own = keys::of(kind).into_iter().map(|key| key.name).filter(|name| *name != "name");
    std::iter::once("name").chain(own).collect()
}

#[derive(Default)]
struct Out {
    lines: Vec<String>,
    /// One blank line is wanted before whatever comes.
    wants_blank: bool,
}

impl Out {
    fn head<'t>(&mut self, head: &Head, skip: usize, line: &dyn Fn(usize) -> &'t str) {
        let Head::Found(source) = head else {
            self.lines.extend((0..skip).map(|at| line(at).to_owned()));
            return;
        };
        let known = |header: Option<&str>| match header {
            None => HEAD.iter().map(|key| key.name).collect(),
            Some(_) => Vec::new(),
        };
        match laid_out(&source.text, &known) {
            Some(text) => {
                let lines = text.lines().map(str::to_owned);
                self.lines
                    .extend(std::iter::once(line(0).trim_end().to_owned()).chain(lines).chain(["+++".to_owned()]));
            }
            None => self.lines.extend((0..skip).map(|at| line(at).to_owned())),
        }
        self.wants_blank = true;
    }

    /// Lines with one blank line around them.
    fn apart(&mut self, lines: Vec<String>) {
        while self.lines.last().is_some_and(|last| last.trim().is_empty()) {
            self.lines.pop();
        }
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.extend(lines);
        self.wants_blank = true;
    }

    fn prose(&mut self, line: &str) {
        if self.wants_blank {
            if line.trim().is_empty() {
                return;
            }
            self.lines.push(String::new());
            self.wants_blank = false;
        }
        self.lines.push(line.to_owned());
    }
}

/// What a document says, whatever its layout: its parts, its clauses, and what stands in its blocks.
type Said = (Vec<Part>, Vec<(String, String, String, usize)>, Vec<Option<toml::Table>>);

fn says(text: &str) -> Said {
    let document = document::parse(FileId::MISSING, text, &mut Vec::new());
    let clauses = document
        .clauses
        .iter()
        .map(|clause| (clause.id.text.clone(), clause.number.clone(), clause.text.clone(), clause.controls.len()));
    let lines = markdown::lines(text);
    let (head, skip) = markdown::head(FileId::MISSING, text, &lines);
    let head = match head {
        Head::Found(source) => Some(source.text.parse().ok()),
        Head::Missing | Head::Unclosed(_) => None,
    };
    let blocks = markdown::leaves(FileId::MISSING, text, &lines, skip).into_iter().filter_map(|leaf| match leaf {
        Leaf::Block { source, .. } => Some(source.text.parse().ok()),
        Leaf::Heading { .. } | Leaf::Text { .. } => None,
    });
    (document.parts, clauses.collect(), head.into_iter().chain(blocks).collect())
}
