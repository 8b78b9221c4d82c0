//! The text of a policy as people read and sign it: parts, hash, and what changed since an earlier version.

use schoolgate_base::PolicyId;
use schoolgate_keys::sha256_hex;
use schoolgate_policy::show::{ClauseChange, PartView, PolicyChange, PolicyView, canonical_text, changes, html, show};
use schoolgate_policy::{Context, Pack, build};

use crate::ctx::{Ctx, from_records};
use crate::failure::{Failure, internal};
use crate::views::agreement::{ChangeShown, ClauseShown, PartShown};

/// The id under which a school's documents are kept together.
const PACK: &str = "school-policies";
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
                if let Some(last) = parts.last_mut() {
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
pub(crate) fn reading_time(view: &PolicyView) -> String {
    let words = view.parts.iter().map(|part| match part {
        PartView::Clause(clause) => clause.text.split_whitespace().count(),
        PartView::Prose { html, .. } => html.split_whitespace().count(),
        PartView::Heading { .. } => 0,
    });
    match words.sum::<usize>().div_ceil(WORDS_A_MINUTE).max(1) {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// What changed since an earlier version; `None` when that version is no longer kept.
pub(crate) async fn changed_since(ctx: &Ctx, now: &PolicyView, version: &str) -> Result<Option<PolicyChange>, Failure> {
    let pack = PolicyId::new(PACK).map_err(internal)?;
    let editions = ctx.app.control.store().policy_list(&pack).await.map_err(from_records)?;
    for edition in &editions {
        let pack: Pack = edition.files.iter().map(|(path, text)| (path.to_string(), text.clone())).collect();
        let built = build(&pack, Context::default());
        let mut documents = built.parsed.documents.iter();
        let before = documents.find(|document| {
            document.front.policy.text == now.policy.as_str() && document.front.version.text == version
        });
        if let Some(before) = before.and_then(|document| show(document, &built.compiled)) {
            return Ok(Some(changes(&before, now)));
        }
    }
    Ok(None)
}

/// Changes of the words people agree to, for the top of the page.
pub(crate) fn changes_shown(change: &PolicyChange) -> Vec<ChangeShown> {
    let shown = |change: &ClauseChange| match change {
        ClauseChange::Added { number, text, .. } => {
            Some(ChangeShown { what: "New", number: number.clone(), html: html(text), before: String::new() })
        }
        ClauseChange::Removed { number, text, .. } => {
            Some(ChangeShown { what: "Gone", number: number.clone(), html: html(text), before: String::new() })
        }
        ClauseChange::Reworded { number, before, after, .. } => {
            Some(ChangeShown { what: "Changed", number: number.clone(), html: html(after), before: html(before) })
        }
        ClauseChange::KeptOtherwise { .. } => None,
    };
    change.clauses.iter().filter_map(shown).collect()
}
