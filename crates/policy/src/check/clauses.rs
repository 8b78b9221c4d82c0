//! Clauses that nothing keeps, and policies whose review is overdue.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::compile::review_by;
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::Body;
use crate::parse::Parsed;
use crate::syntax::reader::Findings;
use crate::syntax::{Clause, Document, Word};

pub(super) fn check(parsed: &Parsed, today: Option<Date>, findings: &mut Findings) {
    for document in &parsed.documents {
        let is_signed = is_signed(document);
        check_numbers(document, findings);
        for clause in &document.clauses {
            check_clause(clause, is_signed, findings);
        }
        if let (Some(today), Some(due), Some(review)) = (today, review_by(document), &document.front.review)
            && due <= today
        {
            findings.push(
                Diagnostic::new(Code::ReviewPassed, review.span, format!("the review was due on {due}"))
                    .why("law and practice move on; a policy that nobody looked at is hard to hold anybody to")
                    .help("review it, then set `adopted` to the day of its adoption"),
            );
        }
    }
}

fn check_numbers(document: &Document, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, &Word> = BTreeMap::new();
    for clause in document.clauses.iter().filter(|clause| !clause.number.is_empty()) {
        let Some(first) = seen.insert(&clause.number, &clause.id) else { continue };
        // The same id as well was said already.
        if first.text == clause.id.text {
            continue;
        }
        let message = format!("there are two clauses {}", clause.number);
        findings.push(
            Diagnostic::new(Code::DuplicateNumber, clause.id.span, message)
                .why("people speak of a clause by its number; evidence hangs on its id, which may stay")
                .help("give one of them another number")
                .other(first.span, "the other one"),
        );
    }
}

/// Whether people agree to the document as a whole.
pub(crate) fn is_signed(document: &Document) -> bool {
    let signs = |clause: &Clause| clause.controls.iter().any(|control| matches!(control.body, Body::Sign(_)));
    document.front.sign.is_some() || document.clauses.iter().any(signs)
}

fn check_clause(clause: &Clause, is_signed: bool, findings: &mut Findings) {
    if !clause.controls.is_empty() || is_signed || clause.notes.is_information || !clause.notes.kept_by.is_empty() {
        return;
    }
    findings.push(
        Diagnostic::new(
            Code::ClauseWithoutControl,
            clause.span,
            format!("nothing makes clause `#{}` true", clause.id.text),
        )
        .why("no control keeps it, nobody is named who does, and nobody agrees to the policy")
        .help("add a control, name its keeper with `kept_by`, or write `information = true` if it only tells"),
    );
}

/// Evidence and grants hang on a clause by its id: one that is written otherwise is another clause.
pub(crate) fn gone(before: &Parsed, after: &Parsed, findings: &mut Findings) {
    for document in &after.documents {
        let policy = &document.front.policy;
        let kept = ids(document);
        let is_same = |earlier: &&Document| earlier.front.policy.text == policy.text;
        let earlier = before.documents.iter().filter(is_same).flat_map(|earlier| &earlier.clauses);
        for clause in earlier.filter(|clause| !kept.contains(clause.id.text.as_str())) {
            let key = (policy.text.clone(), clause.id.text.clone());
            if after.replaced.contains_key(&key) {
                continue;
            }
            findings.push(
                Diagnostic::new(Code::ClauseGone, policy.span, format!("clause `{}` is gone", clause.id.text))
                    .why("what was seen and promised under it stays in the records, and no page shows it any more")
                    .help(format!(
                        "give it its id again if only its words or its number were to change, or write `was = [\"{}\"]` in the clause that it became",
                        clause.id.text
                    )),
            );
        }
    }
}

/// The ids that clauses of a document have and had.
fn ids(document: &Document) -> BTreeSet<&str> {
    let earlier = document.clauses.iter().flat_map(|clause| &clause.notes.was);
    let ids = document.clauses.iter().map(|clause| clause.id.text.as_str());
    ids.chain(earlier.map(|word| word.text.trim_start_matches('#'))).collect()
}
