//! Examples in Markdown that are run: a heading, words, and fenced blocks by their info string.
//!
//! `school` is added to the folder's `school.toml`; `policy` is the document, `policy NAME` a further file; `tests` are
//! scenarios; `findings` are lines of `code` or `code at "text"`, of which there are no others.

use std::collections::BTreeMap;

use super::fences::{Piece, pieces};

/// One example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    pub name: String,
    /// The words between its heading and its first block.
    pub words: String,
    pub blocks: BTreeMap<String, String>,
    /// Info strings of blocks that stand there twice, of which only the last counts.
    pub doubled: Vec<String>,
}

/// The examples of a file, one for each heading of the second level.
pub fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    for piece in pieces(text) {
        match (piece, found.last_mut()) {
            (Piece::Line(line), last) => match (line.strip_prefix("## "), last) {
                (Some(name), _) => found.push(Example { name: name.to_owned(), ..Example::default() }),
                (None, Some(last)) if last.blocks.is_empty() => last.words.push_str(&format!("{line}\n")),
                (None, _) => {}
            },
            (Piece::Block { info, body, .. }, Some(last)) => {
                if last.blocks.insert(info.to_owned(), body).is_some() {
                    last.doubled.push(info.to_owned());
                }
            }
            (Piece::Block { .. }, None) => {}
        }
    }
    found
}
