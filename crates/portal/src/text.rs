//! The text of a policy as people read and sign it: its parts and its hash.

use schoolgate_base::PolicyId;
use schoolgate_keys::sha256_hex;
use schoolgate_policy::show::{ClauseView, PartView, PolicyView, canonical_text};

use crate::ctx::Ctx;
use crate::views::agreement::{ClauseShown, PartShown};

/// Words a minute of careful reading.
const WORDS_A_MINUTE: usize = 180;

/// SHA-256 of the text people agree to; `None` for a policy that is not in force.
pub(crate) fn hash(ctx: &Ctx, policy: &PolicyId) -> Option<String> {
    let documents = &ctx.in_force.built.parsed.documents;
    let document = documents.iter().find(|document| document.front.policy.text == policy.as_str())?;
    Some(sha256_hex(canonical_text(document).as_bytes()))
}

/// Headings with their clauses; prose that belongs to no clause goes under the heading it follows.
pub(crate) fn parts(view: &PolicyView) -> Vec<PartShown> {
    parts_with(view, |_| true)
}

/// The same with some of the clauses.
pub(crate) fn parts_with(view: &PolicyView, is_shown: impl Fn(&ClauseView) -> bool) -> Vec<PartShown> {
    let mut parts = vec![PartShown { heading: String::new(), intro: String::new(), clauses: Vec::new() }];
    for part in &view.parts {
        match part {
            PartView::Heading { level: 1, .. } => {}
            PartView::Heading { text, .. } => {
                parts.push(PartShown { heading: text.clone(), intro: String::new(), clauses: Vec::new() });
            }
            PartView::Prose { html, .. } => {
                if let Some(last) = parts.last_mut() {
                    last.intro.push_str(html);
                }
            }
            PartView::Clause(clause) => {
                if let Some(last) = parts.last_mut().filter(|_| is_shown(clause)) {
                    last.clauses.push(ClauseShown {
                        anchor: clause.id.clause.to_string(),
                        number: clause.number.clone(),
                        html: clause.html.clone(),
                    });
                }
            }
        }
    }
    parts.retain(|part| !part.clauses.is_empty() || !part.intro.is_empty());
    parts
}

/// "4 minutes".
pub(crate) fn reading_time(parts: &[PartShown]) -> String {
    let words = |html: &str| html.split_whitespace().count();
    let clauses = |part: &PartShown| part.clauses.iter().map(|clause| words(&clause.html)).sum::<usize>();
    let words = parts.iter().map(|part| words(&part.intro) + clauses(part));
    match words.sum::<usize>().div_ceil(WORDS_A_MINUTE).max(1) {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
