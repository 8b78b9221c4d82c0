//! Law and guidance that a text names and that has been replaced, in England.
//!
//! What a clause says of its own source, and notes for technicians, are not looked at: they may tell where it comes
//! from. The table is `law.tsv`; what is only amended is not in it.

use std::collections::HashMap;

use super::words::{Token, tokens, words};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::pack::Pack;
use crate::parse::Parsed;
use crate::syntax::reader::Findings;

const TABLE: &str = include_str!("law.tsv");

struct Law {
    name: &'static str,
    words: Vec<String>,
    by: &'static str,
    since: &'static str,
    source: &'static str,
}

fn table() -> impl Iterator<Item = Law> {
    TABLE.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        let name = columns.next()?;
        let (by, since, source) = (columns.next()?, columns.next()?, columns.next()?);
        Some(Law { name, words: words(name), by, since, source })
    })
}

pub(super) fn check(pack: &Pack, parsed: &Parsed, findings: &mut Findings) {
    let mut laws: HashMap<String, Vec<Law>> = HashMap::new();
    for law in table() {
        if let Some(first) = law.words.first() {
            laws.entry(first.clone()).or_default().push(law);
        }
    }
    for document in &parsed.documents {
        let text = pack.text(document.file);
        let clauses = document.clauses.iter().map(|clause| &clause.lines);
        for lines in clauses.chain([&document.prose_lines]) {
            named(&laws, &tokens(text, lines), findings);
        }
    }
}

fn named(laws: &HashMap<String, Vec<Law>>, tokens: &[Token], findings: &mut Findings) {
    for at in 0..tokens.len() {
        let rest = tokens.get(at..).unwrap_or(&[]);
        let Some(first) = rest.first() else { continue };
        let candidates = laws.get(&first.word).into_iter().flatten();
        let Some(law) = candidates.filter(|law| begins(rest, law)).max_by_key(|law| law.words.len()) else { continue };
        let last = rest.get(law.words.len() - 1).unwrap_or(first);
        let span = Span { end: last.span.end, ..first.span };
        findings.push(
            Diagnostic::new(Code::LawReplaced, span, format!("{} has been replaced ({})", law.name, law.since))
                .why(format!("whoever looks it up finds what does not hold any more; see {}", law.source))
                .help(format!("write of {}", law.by)),
        );
    }
}

fn begins(tokens: &[Token], law: &Law) -> bool {
    law.words.len() <= tokens.len() && law.words.iter().zip(tokens).all(|(word, token)| *word == token.word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_whole() {
        for (line, law) in TABLE.lines().skip(1).zip(table()) {
            assert_eq!(line.split('\t').filter(|column| !column.is_empty()).count(), 4, "{line}");
            let year = law.since.get(..4).and_then(|year| year.parse::<u16>().ok());
            assert!(year.is_some_and(|year| (1980..=2026).contains(&year)), "{line}");
            assert!(!law.words.is_empty(), "{line}");
        }
        assert_eq!(table().count() + 1, TABLE.lines().count());
    }
}
