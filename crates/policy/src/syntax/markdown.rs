//! Cuts a policy document into headings, prose, clauses and control blocks, all with their places.
//!
//! comrak says what is a heading, a paragraph or a block of code; the text of a clause is kept as the Markdown that
//! people wrote, so that it can be shown, compared and hashed as it stands.

use std::ops::Range;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options};

use super::value::Source;
use crate::pack::FileId;

/// Lists inside lists that are looked into; what is deeper is text.
const DEPTH_MAX: usize = 64;

/// A leaf of the document, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaf {
    Heading {
        level: u8,
        text: String,
        range: Range<usize>,
    },
    /// Lines of Markdown that are text: paragraphs, tables, quotes. `indent` is how far their list item is indented;
    /// `marker` where the first line begins with a list marker.
    Text {
        lines: Vec<Range<usize>>,
        indent: usize,
        is_paragraph: bool,
    },
    /// A fenced block: the range of its first line, its contents, and where its last line ends.
    Block {
        info: String,
        range: Range<usize>,
        end: usize,
        source: Source,
        is_closed: bool,
    },
}

/// The head of a document between `+++` lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Head {
    Missing,
    Unclosed(Range<usize>),
    Found(Source),
}

/// The byte range of each line, its line end included; a lone carriage return ends a line too (CommonMark §2.1).
pub(crate) fn lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let is_pair = byte == b'\r' && bytes.peek().is_some_and(|(_, next)| *next == b'\n');
        if byte == b'\n' || (byte == b'\r' && !is_pair) {
            found.push(start..at + 1);
            start = at + 1;
        }
    }
    if start < text.len() {
        found.push(start..text.len());
    }
    found
}

/// Splits off the head: its TOML, and the number of lines it takes.
pub(crate) fn head(file: FileId, text: &str, lines: &[Range<usize>]) -> (Head, usize) {
    let line = |index: usize| lines.get(index).and_then(|range| text.get(range.clone())).unwrap_or("").trim_end();
    let first = line(0).trim_start_matches('\u{feff}');
    if first != "+++" {
        return (Head::Missing, 0);
    }
    let start = lines.first().map_or(0, |range| range.end);
    let Some(close) = (1..lines.len()).find(|&index| line(index) == "+++") else {
        return (Head::Unclosed(0..start), lines.len());
    };
    let end = lines.get(close).map_or(text.len(), |range| range.start);
    let toml = text.get(start..end).unwrap_or("");
    (Head::Found(Source::whole(file, toml, start)), close + 1)
}

/// The leaves of `text` after its first `skip` lines.
pub(crate) fn leaves(file: FileId, text: &str, lines: &[Range<usize>], skip: usize) -> Vec<Leaf> {
    // The head is blanked out, so that line numbers stay true.
    let offset = lines.get(skip).map_or(text.len(), |range| range.start);
    let body = format!("{}{}", "\n".repeat(skip), text.get(offset..).unwrap_or(""));
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &body, &options());
    let mut walk = Walk { file, text, lines, leaves: Vec::new(), depth: 0 };
    walk.children(root, 0);
    walk.leaves
}

/// How Markdown is read and shown: tables, no raw HTML.
pub(crate) fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.render.r#unsafe = false;
    options
}

struct Walk<'t> {
    file: FileId,
    text: &'t str,
    lines: &'t [Range<usize>],
    leaves: Vec<Leaf>,
    depth: usize,
}

impl Walk<'_> {
    fn children<'a>(&mut self, node: &'a AstNode<'a>, indent: usize) {
        self.depth += 1;
        for child in node.children() {
            self.node(child, indent);
        }
        self.depth -= 1;
    }

    fn node<'a>(&mut self, node: &'a AstNode<'a>, indent: usize) {
        let data = node.data.borrow();
        let (first, last) = (data.sourcepos.start.line, data.sourcepos.end.line);
        let lines = self.line_ranges(first, last);
        match &data.value {
            NodeValue::Heading(heading) => {
                let range = span_of(&lines);
                let line = self.text.get(range.clone()).unwrap_or("");
                let text = line.trim().trim_matches('#').trim().lines().next().unwrap_or("").to_owned();
                self.leaves.push(Leaf::Heading { level: heading.level, text, range });
            }
            NodeValue::CodeBlock(block) if block.fenced => {
                let inner = lines.get(1..lines.len() - usize::from(block.closed && lines.len() > 1)).unwrap_or(&[]);
                let indent = data.sourcepos.start.column.saturating_sub(1);
                self.leaves.push(Leaf::Block {
                    info: block.info.trim().to_owned(),
                    range: lines.first().cloned().unwrap_or(0..0),
                    end: lines.last().map_or(0, |line| line.end),
                    source: Source::indented(self.file, self.text, inner, indent),
                    is_closed: block.closed,
                });
            }
            NodeValue::List(_) if self.depth <= DEPTH_MAX => {
                drop(data);
                self.children(node, indent);
            }
            NodeValue::Item(_) => {
                drop(data);
                let content = node
                    .first_child()
                    .map_or(indent, |child| child.data.borrow().sourcepos.start.column.saturating_sub(1));
                self.children(node, content);
            }
            value => {
                let is_paragraph = matches!(value, NodeValue::Paragraph);
                self.leaves.push(Leaf::Text { lines, indent, is_paragraph });
            }
        }
    }

    fn line_ranges(&self, first: usize, last: usize) -> Vec<Range<usize>> {
        let first = first.saturating_sub(1);
        self.lines.get(first..last.min(self.lines.len())).unwrap_or(&[]).to_vec()
    }
}

/// From the first line's start to the last line's end.
pub(crate) fn span_of(lines: &[Range<usize>]) -> Range<usize> {
    let start = lines.first().map_or(0, |range| range.start);
    start..lines.last().map_or(start, |range| range.end)
}
