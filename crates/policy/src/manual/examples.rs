//! Examples in Markdown that are run: a heading, words, and fenced blocks by their info string.
//!
//! `school` is added to the folder's `school.toml`; `policy` is the document, `policy NAME` a further file; `tests` are
//! scenarios; `findings` are lines of `code` or `code at "text"`, of which there are no others.

use std::collections::BTreeMap;

/// One example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    pub name: String,
    /// The words between its heading and its first block.
    pub words: String,
    pub blocks: BTreeMap<String, String>,
}

/// A fenced block that is being read.
struct Open<'t> {
    fence: &'t str,
    info: &'t str,
    body: String,
}

/// The examples of a file, one for each heading of the second level.
pub fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut open: Option<Open<'_>> = None;
    for line in text.lines() {
        match open.take() {
            Some(block) if line.trim_end() == block.fence => {
                if let Some(example) = found.last_mut() {
                    example.blocks.insert(block.info.to_owned(), block.body);
                }
            }
            Some(mut block) => {
                block.body.push_str(line);
                block.body.push('\n');
                open = Some(block);
            }
            None => open = outside(line, &mut found),
        }
    }
    found
}

/// A line outside any block; the block that it opens.
fn outside<'t>(line: &'t str, found: &mut Vec<Example>) -> Option<Open<'t>> {
    if let Some(name) = line.strip_prefix("## ") {
        found.push(Example { name: name.to_owned(), ..Example::default() });
        return None;
    }
    if line.starts_with("```") {
        let info = line.trim_start_matches('`');
        let fence = line.strip_suffix(info).unwrap_or(line);
        return Some(Open { fence, info: info.trim(), body: String::new() });
    }
    if let Some(example) = found.last_mut().filter(|example| example.blocks.is_empty()) {
        example.words.push_str(line);
        example.words.push('\n');
    }
    None
}
