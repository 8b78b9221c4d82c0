//! Clauses that forbid criticism, and leave nothing free.
//!
//! A ban on criticism, or on whatever brings a school into disrepute, does not hold against complaints, union activity
//! and the protection of those who speak up (design §5). A clause that forbids it says so itself, or names a clause
//! that does.

use super::words::{Token, tokens};
use crate::diagnostic::{Code, Diagnostic};
use crate::pack::Pack;
use crate::parse::Parsed;
use crate::syntax::Clause;
use crate::syntax::reader::Findings;

/// Words, or beginnings of words, of which one alone is enough.
const CRITICISM: [&str; 5] = ["critici", "disrepute", "disparag", "badmouth", "bad-mouth"];
/// What can be negative without anybody being hurt by it.
const NEGATIVE_OF: [&str; 9] = ["comment", "post", "remark", "manner", "light", "way", "view", "opinion", "statement"];
const FORBIDS: [&str; 22] = [
    "not",
    "never",
    "no",
    "nothing",
    "nobody",
    "none",
    "nor",
    "neither",
    "cannot",
    "don't",
    "won't",
    "mustn't",
    "can't",
    "shouldn't",
    "avoid",
    "refrain",
    "forbidden",
    "prohibited",
    "banned",
    "unacceptable",
    "misconduct",
    "breach",
];
/// Two words after each other by which a sentence says that it does not forbid.
const ALLOWS: [(&str, &str); 6] = [
    ("not", "meant"),
    ("something", "else"),
    ("no", "breach"),
    ("nobody", "looks"),
    ("nobody", "searches"),
    ("stays", "free"),
];

pub(super) fn check(pack: &Pack, parsed: &Parsed, findings: &mut Findings) {
    let said: Vec<(&str, &Clause, Vec<Token>)> = parsed
        .documents
        .iter()
        .flat_map(|document| document.clauses.iter().map(move |clause| (document.file, clause)))
        .map(|(file, clause)| (pack.text(file), clause))
        .map(|(text, clause)| (text, clause, tokens(text, &clause.lines)))
        .filter(|(_, clause, tokens)| criticism(clause, tokens).is_some() || leaves_free(tokens))
        .collect();
    let freeing: Vec<&Clause> =
        said.iter().filter(|(.., tokens)| leaves_free(tokens)).map(|(_, clause, _)| *clause).collect();
    for (_, clause, tokens) in &said {
        let Some(token) = criticism(clause, tokens) else { continue };
        if leaves_free(tokens) || freeing.iter().any(|other| names(&clause.text, other)) {
            continue;
        }
        let message = format!("`#{}` forbids criticism and leaves nothing free", clause.id.text);
        findings.push(
            Diagnostic::new(Code::SilencesConcerns, token.span, message)
                .why("people who have to report wrongdoing, complain or act for a union would think they must not")
                .help("add: this keeps nobody from a complaint, from union work, or from speaking up about wrongdoing"),
        );
    }
}

/// The word by which a clause forbids criticism.
fn criticism<'t>(clause: &Clause, tokens: &'t [Token]) -> Option<&'t Token> {
    // An item of a list whose first line says that all of it is forbidden.
    let is_item = clause.text.starts_with("to ");
    let sentences = tokens.split_inclusive(|token| token.ends_sentence);
    let forbidding = sentences.filter(|sentence| !allows(sentence) && (is_item || forbids(sentence)));
    forbidding.filter_map(critical).next()
}

fn forbids(sentence: &[Token]) -> bool {
    sentence.iter().any(|token| FORBIDS.contains(&token.word.as_str()))
}

fn allows(sentence: &[Token]) -> bool {
    let pairs = sentence.iter().zip(sentence.iter().skip(1));
    let mut pairs = pairs.map(|(one, next)| (one.word.as_str(), next.word.as_str()));
    sentence.iter().any(|token| token.word.starts_with("welcom")) || pairs.any(|pair| ALLOWS.contains(&pair))
}

fn critical(sentence: &[Token]) -> Option<&Token> {
    let word = |at: usize| sentence.get(at).map_or("", |token| token.word.as_str());
    let is_critical = |at: usize| {
        CRITICISM.iter().any(|start| word(at).starts_with(start))
            || (word(at) == "critical" && word(at + 1) == "of")
            || (matches!(word(at), "negative" | "adverse" | "negatively")
                && (at..at + 4).any(|next| NEGATIVE_OF.iter().any(|of| word(next).starts_with(of))))
    };
    let at = (0..sentence.len()).find(|&at| is_critical(at))?;
    sentence.get(at)
}

/// Complaints, union matters and speaking up are all named.
fn leaves_free(tokens: &[Token]) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let any = |is: &dyn Fn(usize) -> bool| (0..tokens.len()).any(is);
    let complaints = any(&|at| word(at).starts_with("complain"));
    let unions = any(&|at| matches!(word(at), "union" | "unions" | "union's"));
    let speaking_up = any(&|at| {
        ["whistle", "wrongdoing", "disclos"].iter().any(|start| word(at).starts_with(start))
            || (word(at).starts_with("speak") && matches!(word(at + 1), "up" | "out"))
            || (word(at).starts_with("rais") && (at + 1..at + 4).any(|next| word(next).starts_with("concern")))
    });
    complaints && unions && speaking_up
}

/// Whether a text names a clause, by its id or as "clause 8.1".
fn names(text: &str, clause: &Clause) -> bool {
    let id = format!("#{}", clause.id.text);
    let is_whole = |rest: &str, more: &[char]| {
        !rest.starts_with(|next: char| next.is_ascii_alphanumeric()) && !rest.starts_with(more)
    };
    let by_id = text.match_indices(&id).any(|(at, id)| is_whole(text.get(at + id.len()..).unwrap_or(""), &['-']));
    let number = clause.number.trim_end_matches('.');
    let by_number = !number.is_empty()
        && ["clause", "rule", "paragraph", "section"].iter().any(|word| {
            let wanted = format!("{word} {number}");
            text.match_indices(&wanted).any(|(at, found)| {
                let rest = text.get(at + found.len()..).unwrap_or("");
                let digits_follow =
                    rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
                is_whole(rest, &[]) && !digits_follow
            })
        });
    by_id || by_number
}
