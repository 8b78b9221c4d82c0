//! Where one clause stands in the text of its document, taken out and put back without touching anything else.

use std::ops::Range;

const OPEN: &str = "```control";
const CLOSE: &str = "```";

/// A clause as its form shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClauseSource {
    /// Number and name in braces: evidence and signatures hang on them, so the form leaves them alone.
    pub(crate) head: String,
    /// What people read.
    pub(crate) text: String,
    /// What is inside its control blocks.
    pub(crate) controls: String,
}

/// The bytes of a clause: from the line that begins at `start` to the next clause of `starts` or the next heading.
pub(crate) fn range(document: &str, start: usize, starts: &[usize]) -> Range<usize> {
    let limit = starts.iter().copied().filter(|other| start < *other).min().unwrap_or(document.len());
    let mut end = start;
    let mut is_fenced = false;
    for line in document.get(start..limit).unwrap_or_default().split_inclusive('\n') {
        if line.trim_end().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if !is_fenced && line.starts_with('#') && end != start {
            break;
        }
        end += line.len();
    }
    start..end
}

/// Takes a clause apart. Several control blocks become one, which says the same.
pub(crate) fn split(source: &str) -> ClauseSource {
    let (mut text, mut controls) = (String::new(), String::new());
    let mut is_control = false;
    for line in source.split_inclusive('\n') {
        match (is_control, line.trim_end()) {
            (false, OPEN) => is_control = true,
            (true, CLOSE) => is_control = false,
            (true, _) => controls.push_str(line),
            (false, _) => text.push_str(line),
        }
    }
    let text = text.trim();
    let (head, text) = text.split_at(text.find('}').map_or(0, |end| end + 1));
    ClauseSource { head: head.to_owned(), text: text.trim().to_owned(), controls: controls.trim().to_owned() }
}

/// Puts a clause together, with one empty line after it.
pub(crate) fn join(clause: &ClauseSource) -> String {
    let mut source = format!("{} {}\n\n", clause.head, clause.text.trim());
    if !clause.controls.trim().is_empty() {
        source.push_str(&format!("{OPEN}\n{}\n{CLOSE}\n\n", clause.controls.trim()));
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Title\n\n## 5 Use\n\n5.1 {#one} First.\n\n```control\n# a note\n[[web]]\nblock = [\"a\"]\n```\n\n5.2 {#two} Second.\n\n## 6 More\n\n6.1 {#three} Third.\n";

    fn starts() -> Vec<usize> {
        ["5.1", "5.2", "6.1"].iter().map(|number| DOCUMENT.find(number).unwrap()).collect()
    }

    #[track_caller]
    fn check(clause: usize, head: &str, text: &str, controls: &str) {
        let starts = starts();
        let range = range(DOCUMENT, starts[clause], &starts);
        let split = split(&DOCUMENT[range.clone()]);
        assert_eq!((split.head.as_str(), split.text.as_str(), split.controls.as_str()), (head, text, controls));
        let mut again = DOCUMENT.to_owned();
        again.replace_range(range, &join(&split));
        assert_eq!(again.trim_end(), DOCUMENT.trim_end());
    }

    #[test]
    fn a_clause_is_taken_out_and_put_back() {
        check(0, "5.1 {#one}", "First.", "# a note\n[[web]]\nblock = [\"a\"]");
        check(1, "5.2 {#two}", "Second.", "");
        check(2, "6.1 {#three}", "Third.", "");
    }
}
