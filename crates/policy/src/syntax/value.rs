//! TOML as a tree in which every key, value and letter knows its place in the file.
//!
//! Text that is not TOML yields what could be read and a diagnostic for each mistake; nothing fails as a whole.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::pack::FileId;

/// A text with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// The letters themselves where they stand unescaped in the file, otherwise the whole value with its quotes.
    pub span: Span,
}

impl Word {
    /// A word that stands in no file.
    pub(crate) fn unplaced(text: &str) -> Self {
        Self { text: text.to_owned(), span: Span::new(FileId::MISSING, 0..0) }
    }

    /// The place of the letters at `range`.
    pub fn part(&self, range: Range<usize>) -> Span {
        if self.span.end - self.span.start == self.text.len() { self.span.part(range) } else { self.span }
    }

    /// The place of `piece`, which must be a slice of this word's text.
    pub fn place_of(&self, piece: &str) -> Span {
        let start = (piece.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if start <= self.text.len() { self.part(start..start + piece.len()) } else { self.span }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub span: Span,
    pub kind: ValueKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    Text(Word),
    Integer(i64),
    Truth(bool),
    List(Vec<Value>),
    Table(Table),
    /// A number with a fraction, a date, or something that could not be read.
    Other(&'static str),
}

impl ValueKind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Truth(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

/// Keys and values in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub span: Span,
    pub entries: Vec<(Word, Value)>,
}

impl Table {
    pub fn empty(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    pub fn get(&self, key: &str) -> Option<(&Word, &Value)> {
        self.entries.iter().find(|(word, _)| word.text == key).map(|(word, value)| (word, value))
    }
}

/// A stretch of TOML inside a file, perhaps indented there: the text itself, and where each of its lines begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub file: FileId,
    pub text: String,
    /// For each line: offset in `text`, offset in the file.
    lines: Vec<(usize, usize)>,
}

impl Source {
    /// Text that stands in the file from `offset` on as it is.
    pub(crate) fn whole(file: FileId, text: &str, offset: usize) -> Self {
        Self { file, text: text.to_owned(), lines: vec![(0, offset)] }
    }

    /// Lines of the file, each given by its range, of which up to `indent` spaces are not part of the text.
    pub(crate) fn indented(file: FileId, whole: &str, lines: &[Range<usize>], indent: usize) -> Self {
        let mut source = Self { file, text: String::new(), lines: Vec::new() };
        for line in lines {
            let content = whole.get(line.clone()).unwrap_or("");
            let spaces = content.bytes().take(indent).take_while(|&byte| byte == b' ').count();
            source.lines.push((source.text.len(), line.start + spaces));
            source.text.push_str(content.get(spaces..).unwrap_or(""));
        }
        source
    }

    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, self.offset(range.start)..self.offset(range.end))
    }

    fn offset(&self, at: usize) -> usize {
        let line = self.lines.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        self.lines.get(line).map_or(at, |(start, in_file)| in_file + (at - start))
    }
}

/// Reads `source`, adding what is wrong with it to `diagnostics`.
pub(crate) fn parse(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Table {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let mut told = None;
    for error in errors {
        let range = error.span().unwrap_or(0..source.text.len().min(1));
        let line = line_at(&source.text, range.start);
        // What follows on the same line, and on the line behind one that is not closed, comes of the same mistake.
        if told.is_some_and(|told: usize| (told..=told + 1).contains(&line.0)) {
            continue;
        }
        told = Some(line.0);
        let message = error.message().trim().to_owned();
        let first_line = message.lines().next().unwrap_or("this is not TOML").to_owned();
        diagnostics.push(
            Diagnostic::new(Code::TomlSyntax, source.span(range), format!("this is not TOML: {first_line}"))
                .help(remedy(line.1)),
        );
    }
    convert_table(source, &table)
}

/// The number of the line at this place, and its text.
fn line_at(text: &str, at: usize) -> (usize, &str) {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count();
    (number, text.lines().nth(number).unwrap_or_default())
}

/// What to write instead, by what people most often write.
fn remedy(line: &str) -> &'static str {
    let (key, value) = line.split_once('=').map_or((line.trim(), ""), |(key, value)| (key.trim(), value.trim()));
    if line.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        "write straight quotation marks, as in `for = \"staff\"`; word processors make curly ones"
    } else if key.starts_with('[') && key.contains(':') && !key.contains('"') {
        "a name with a colon stands in quotation marks, as in `[groups.\"year:5\"]`"
    } else if value.starts_with(|c: char| c.is_ascii_alphabetic()) {
        "words stand in quotation marks, as in `for = \"staff\"`; yes and no are `true` and `false`"
    } else if value.is_empty() && !key.starts_with('[') {
        "write `key = \"text\"`; if these are words of a clause, the block above is not closed with three backticks"
    } else {
        "write `key = \"text\"`, `key = [\"a\", \"b\"]` with every bracket closed, or a `[[kind]]` line; a key stands once"
    }
}

fn convert_table(source: &Source, table: &Spanned<DeTable<'_>>) -> Table {
    let mut entries: Vec<(Word, Value)> = table
        .get_ref()
        .iter()
        .map(|(key, value)| (word(source, key.get_ref(), key.span()), convert(source, value)))
        .collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    Table { span: source.span(table.span()), entries }
}

fn convert(source: &Source, value: &Spanned<DeValue<'_>>) -> Value {
    let span = source.span(value.span());
    let kind = match value.get_ref() {
        DeValue::String(text) => ValueKind::Text(word(source, text, value.span())),
        DeValue::Integer(number) => {
            let digits: String = number.as_str().chars().filter(|c| *c != '_').collect();
            i64::from_str_radix(&digits, number.radix()).map_or(ValueKind::Other("a number"), ValueKind::Integer)
        }
        DeValue::Float(_) => ValueKind::Other("a number with a fraction"),
        DeValue::Boolean(truth) => ValueKind::Truth(*truth),
        // A bare date is what people write without quotes; it reads as the text it is.
        DeValue::Datetime(_) => ValueKind::Text(bare(source, value.span())),
        DeValue::Array(items) => ValueKind::List(items.iter().map(|item| convert(source, item)).collect()),
        DeValue::Table(table) => ValueKind::Table(convert_inner(source, table, value.span())),
    };
    Value { span, kind }
}

fn convert_inner(source: &Source, table: &DeTable<'_>, range: Range<usize>) -> Table {
    let mut entries: Vec<(Word, Value)> =
        table.iter().map(|(key, value)| (word(source, key.get_ref(), key.span()), convert(source, value))).collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    Table { span: source.span(range), entries }
}

fn bare(source: &Source, range: Range<usize>) -> Word {
    let text = source.text.get(range.clone()).unwrap_or("").to_owned();
    Word { text, span: source.span(range) }
}

/// The letters of a key or string: without its quotes where it has no escapes.
fn word(source: &Source, text: &str, range: Range<usize>) -> Word {
    let raw = source.text.get(range.clone()).unwrap_or("");
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| raw.len() >= quote.len() * 2 && raw.starts_with(quote) && raw.ends_with(quote));
    let quote = quote.map_or(0, str::len);
    let inner = range.start + quote..range.end.saturating_sub(quote).max(range.start + quote);
    let exact = source.text.get(inner.clone()) == Some(text);
    Word { text: text.to_owned(), span: source.span(if exact { inner } else { range }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Table, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let source = Source::whole(FileId::MISSING, text, 0);
        (parse(&source, &mut diagnostics), diagnostics)
    }

    #[test]
    fn letters_know_their_place() {
        let text = "when = \"5 minutes in lessons\"\nfor = [\"a\", \"b\"]\n";
        let (table, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        let (_, value) = table.get("when").unwrap();
        let ValueKind::Text(word) = &value.kind else { panic!("text") };
        let span = word.place_of(&word.text[13..]);
        assert_eq!(&text[span.start..span.end], "lessons");
    }

    #[test]
    fn each_mistake_is_reported_and_the_rest_is_read() {
        let (table, diagnostics) = read("a = \nb = \"x\"\nc = 'y\nd = 1\n");
        assert!(diagnostics.len() >= 2, "{diagnostics:?}");
        assert!(table.get("b").is_some());
    }

    #[test]
    fn indented_lines_map_to_the_file() {
        let file = "- 5.1\n  a = \"x\"\n  b = \"y\"\n";
        let source = Source::indented(FileId::MISSING, file, &[6..16, 16..26], 2);
        assert_eq!(source.text, "a = \"x\"\nb = \"y\"\n");
        let mut diagnostics = Vec::new();
        let table = parse(&source, &mut diagnostics);
        let (_, value) = table.get("b").unwrap();
        let ValueKind::Text(word) = &value.kind else { panic!("text") };
        assert_eq!(&file[word.span.start..word.span.end], "y");
    }

    #[test]
    fn a_mistake_is_answered_by_what_was_meant() {
        for (line, says) in [
            ("block = [\u{201c}gambling\u{201d}]", "straight quotation marks"),
            ("[groups.year:5]", "[groups.\"year:5\"]"),
            ("gate = yes", "`true` and `false`"),
            ("5.2 Nobody shops here", "not closed"),
            ("block = [\"a\", \"b\"", "every bracket closed"),
        ] {
            assert!(remedy(line).contains(says), "{line}: {}", remedy(line));
        }
    }

    #[test]
    fn one_mistake_is_told_once() {
        let mut findings = Vec::new();
        let source = Source::whole(FileId::MISSING, "block = [\"a\", \nfor = \"staff\"\n", 0);
        parse(&source, &mut findings);
        assert_eq!(findings.len(), 1, "{findings:#?}");
    }
}
