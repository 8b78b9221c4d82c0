//! A policy as people read it: headings, clauses as safe HTML, and under each clause who keeps it, in plain words.
//!
//! Raw HTML in a policy is not passed on, and dangerous addresses in links are dropped; what comes out may stand in a
//! page as it is.

mod changes;
mod things;
mod words;

use comrak::arena_tree::NodeEdge;
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, markdown_to_html};
use schoolgate_base::{ClauseId, ControlId, ControlKind, PolicyId};
use schoolgate_decide::things::Condition;
use serde::Serialize;

use crate::check::clauses::is_signed;
use crate::check::keepers::does;
use crate::compile::{Compiled, review_by};
use crate::kinds;
use crate::syntax::markdown::options;
use crate::syntax::reader::Spanned;
use crate::syntax::{Clause, Control, Document, Part, Word};

pub use changes::{ClauseChange, PolicyChange, changes};
pub(crate) use things::phrase;
pub(crate) use words::{join, within};

/// One edition of a policy, ready to be put on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyView {
    pub policy: PolicyId,
    pub title: String,
    pub version: String,
    /// Who answers for it, from when, and until when it has to be looked at again.
    pub about: Vec<Fact>,
    pub parts: Vec<PartView>,
}

/// "To be looked at again by": "21 September 2029".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub what: &'static str,
    pub is: String,
}

/// A piece of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "part", rename_all = "kebab-case")]
pub enum PartView {
    /// `level` counts from 1, the document's own title.
    Heading {
        level: u8,
        text: String,
    },
    /// Safe HTML.
    Prose {
        html: String,
        /// Without markup.
        text: String,
    },
    Clause(Box<ClauseView>),
}

/// A clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClauseView {
    pub id: ClauseId,
    /// `5.1`, or empty.
    pub number: String,
    /// Safe HTML.
    pub html: String,
    /// Without markup.
    pub text: String,
    pub standing: Standing,
    pub controls: Vec<ControlView>,
    /// Outside systems and offices that keep it, in words.
    pub kept_by: Vec<String>,
    /// Ids in the register of clauses that it answers.
    pub answers: Vec<String>,
    /// Earlier ids of it.
    pub was: Vec<Box<str>>,
}

/// What the policy itself says about how a clause is made true, before any evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A control of ours keeps it.
    Kept,
    /// Another system or an office is named as its keeper.
    KeptElsewhere,
    /// People agree to it; nothing watches.
    Promised,
    /// It tells, it does not demand.
    Information,
    /// Nobody keeps it and nobody agrees to it.
    Nobody,
}

/// A control in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlView {
    pub id: ControlId,
    /// Who keeps it: "the web filter", "a form in the portal".
    pub keeper: String,
    /// What it does: "blocked for staff at all times: gambling sites".
    pub words: String,
    /// `false`: a kind that this release does not keep yet.
    pub is_kept: bool,
    /// Outside systems and offices that carry it out, in words, where no door of ours does.
    pub kept_by: Vec<String>,
}

impl ClauseView {
    /// Who keeps the clause beside those that carry out its controls.
    pub fn keepers_beside(&self) -> impl Iterator<Item = &str> {
        let carries = |keeper: &String| self.controls.iter().any(|control| control.kept_by.contains(keeper));
        self.kept_by.iter().filter(move |keeper| !carries(keeper)).map(String::as_str)
    }
}

impl PolicyView {
    /// Leaves out the clauses that are not meant.
    pub fn retain_clauses(&mut self, is_meant: impl Fn(&ClauseView) -> bool) {
        self.parts.retain(|part| match part {
            PartView::Clause(clause) => is_meant(clause),
            PartView::Heading { .. } | PartView::Prose { .. } => true,
        });
    }
}

/// A document as people read it.
pub fn show(document: &Document, compiled: &Compiled) -> Option<PolicyView> {
    let policy = PolicyId::new(&document.front.policy.text).ok()?;
    let signed = is_signed(document);
    let parts = document.parts.iter().filter_map(|part| match part {
        Part::Heading { level, text } => Some(PartView::Heading { level: *level, text: plain_text(text) }),
        Part::Prose(markdown) => Some(PartView::Prose { html: html(markdown), text: plain_text(markdown) }),
        Part::Clause(place) => {
            let clause = document.clauses.get(*place)?;
            Some(PartView::Clause(Box::new(clause_view(&policy, clause, signed, compiled))))
        }
    });
    Some(PolicyView {
        about: about(document, compiled),
        parts: parts.collect(),
        title: document.front.title.text.clone(),
        version: document.front.version.text.clone(),
        policy,
    })
}

fn about(document: &Document, compiled: &Compiled) -> Vec<Fact> {
    let front = &document.front;
    let day = |day: jiff::civil::Date| day.strftime("%-d %B %Y").to_string();
    let words = words::Words { compiled };
    let offices = |names: &[Word]| words.roles(names, "and");
    let on = |at: &Option<Spanned<jiff::civil::Date>>| at.as_ref().map(|at| day(at.value)).unwrap_or_default();
    let adopted = match (offices(&front.adopted_by), on(&front.adopted)) {
        (by, on) if by.is_empty() || on.is_empty() => format!("{by}{on}"),
        (by, on) => format!("{by}, {on}"),
    };
    let facts = [
        ("Looked after by", offices(front.owner.as_slice())),
        ("Also answers for it", offices(&front.responsible)),
        ("Adopted", adopted),
        ("To be looked at again by", review_by(document).map(day).unwrap_or_default()),
        ("For", words.audience(&front.audience)),
    ];
    facts.into_iter().filter(|(_, is)| !is.is_empty()).map(|(what, is)| Fact { what, is }).collect()
}

fn clause_view(policy: &PolicyId, clause: &Clause, is_signed: bool, compiled: &Compiled) -> ClauseView {
    let id = ClauseId { policy: policy.clone(), clause: clause.id.text.as_str().into() };
    let controls: Vec<ControlView> = clause
        .controls
        .iter()
        .map(|control| {
            let name = control.name.as_ref().map(|name| name.text.as_str().into());
            let has_door = kinds::door(control.kind).is_some();
            let keepers = if has_door { Vec::new() } else { keepers_of(control, clause, compiled) };
            let kept_by: Vec<String> = keepers.iter().map(|word| words::keeper(&word.text, compiled)).collect();
            let (keeper, words) = words::control(control, &kept_by, compiled);
            ControlView {
                id: ControlId { clause: id.clone(), kind: control.kind, name },
                keeper,
                words,
                is_kept: has_door || !kept_by.is_empty(),
                kept_by,
            }
        })
        .collect();
    ClauseView {
        number: clause.number.clone(),
        html: html(&clause.text),
        text: plain_text(&clause.text),
        standing: standing(clause, &controls, is_signed),
        kept_by: clause.notes.kept_by.iter().map(|word| words::keeper(&word.text, compiled)).collect(),
        was: clause.notes.was.iter().map(|word| word.text.trim_start_matches('#').into()).collect(),
        answers: clause.notes.answers.iter().map(|word| word.text.clone()).collect(),
        controls,
        id,
    }
}

/// Who keeps a control where no door of ours does: named in it, or for all controls of its clause that they carry out.
/// A list or a duty is nobody's but its own offices', unless it names somebody itself.
fn keepers_of<'c>(control: &'c Control, clause: &'c Clause, compiled: &Compiled) -> Vec<&'c Word> {
    let is_for_all = control.kept_by.is_empty() && !matches!(control.kind, ControlKind::Register | ControlKind::Duty);
    let named = if is_for_all { &clause.notes.kept_by } else { &control.kept_by };
    named.iter().filter(|keeper| does(keeper, control.kind, &compiled.school)).collect()
}

fn standing(clause: &Clause, controls: &[ControlView], is_signed: bool) -> Standing {
    let keeps =
        |control: &ControlView| kinds::door(control.id.kind).is_some() && control.id.kind != ControlKind::Remind;
    // Lists and duties name the offices that do them.
    let names_somebody = |control: &Control| {
        !control.kept_by.is_empty() || matches!(control.kind, ControlKind::Register | ControlKind::Duty)
    };
    if controls.iter().any(keeps) {
        Standing::Kept
    } else if !clause.notes.kept_by.is_empty() || clause.controls.iter().any(names_somebody) {
        Standing::KeptElsewhere
    } else if clause.notes.is_information {
        Standing::Information
    } else if is_signed {
        Standing::Promised
    } else {
        Standing::Nobody
    }
}

/// What fits the conditions of a rule about things, in words.
pub(crate) fn situation(kind: ControlKind, conditions: &[Condition], compiled: &Compiled) -> String {
    words::Words { compiled }.situation(kind, conditions)
}

/// Safe HTML of a piece of Markdown.
pub fn html(markdown: &str) -> String {
    markdown_to_html(markdown, &options()).trim_end().to_owned()
}

/// The words of a piece of Markdown, without markup, on one line per paragraph.
pub fn plain_text(markdown: &str) -> String {
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options());
    let mut text = String::new();
    // Not by recursion: quotes and emphasis can be nested deeper than a stack.
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(node) => push_words(node, &mut text),
            NodeEdge::End(node) => {
                if node.data.borrow().value.block() && !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
    }
    text.trim().to_owned()
}

fn push_words<'a>(node: &'a AstNode<'a>, text: &mut String) {
    match &node.data.borrow().value {
        NodeValue::Text(words) => text.push_str(words),
        NodeValue::Code(code) => text.push_str(&code.literal),
        NodeValue::CodeBlock(block) => text.push_str(&block.literal),
        NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
        _ => {}
    }
}

/// The text people agree to, in one form whatever the layout of the file: what a signature's hash is taken of.
///
/// Controls are not in it: they say how a clause is kept, not what it asks. The first line names the format, so that
/// a later form can be told apart.
pub fn canonical_text(document: &Document) -> String {
    let front = &document.front;
    let mut text = format!(
        "schoolgate policy text 1\npolicy {}\nversion {}\ntitle {}\n",
        one_line(&front.policy.text),
        one_line(&front.version.text),
        one_line(&front.title.text)
    );
    for part in &document.parts {
        match part {
            Part::Heading { level, text: heading } => {
                text.push_str(&format!("\n{} {}\n", "#".repeat((*level).into()), one_line(&plain_text(heading))));
            }
            Part::Prose(markdown) => push_lines(&mut text, &plain_text(markdown)),
            Part::Clause(place) => {
                let Some(clause) = document.clauses.get(*place) else { continue };
                text.push_str(&format!("\n#{} {}\n", clause.id.text, clause.number));
                push_lines(&mut text, &plain_text(&clause.text));
            }
        }
    }
    text
}

fn push_lines(text: &mut String, words: &str) {
    for line in words.lines().map(one_line).filter(|line| !line.is_empty()) {
        text.push_str(&line);
        text.push('\n');
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A policy as plain text for a terminal: clauses with who keeps them.
pub fn text(view: &PolicyView) -> String {
    let mut out = format!("{} (version {})\n", view.title, view.version);
    out.extend(view.about.iter().map(|Fact { what, is }| format!("{what}: {is}\n")));
    for part in &view.parts {
        match part {
            PartView::Heading { level: 1, .. } => {}
            PartView::Heading { text, .. } => {
                out.push_str(&format!("\n{text}\n{}\n", "-".repeat(text.chars().count())))
            }
            PartView::Prose { text, .. } => out.push_str(&format!("\n{text}\n")),
            PartView::Clause(clause) => clause_lines(clause, &mut out),
        }
    }
    out
}

fn clause_lines(clause: &ClauseView, out: &mut String) {
    out.push_str(&format!("\n{}  #{}\n", clause.number, clause.id.clause));
    out.extend(clause.text.lines().map(|line| format!("    {line}\n")));
    for control in &clause.controls {
        let verb = if control.is_kept { "kept by" } else { "not kept yet by" };
        out.push_str(&format!("      * {verb} {}: {}\n", control.keeper, control.words));
    }
    out.extend(clause.keepers_beside().map(|keeper| format!("      * kept by {keeper}\n")));
    match clause.standing {
        Standing::Promised => out.push_str("      * promised by signature\n"),
        Standing::Nobody => out.push_str("      * nobody knows whether it is kept\n"),
        Standing::Kept | Standing::KeptElsewhere | Standing::Information => {}
    }
}
