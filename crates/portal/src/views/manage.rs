//! Pages of whoever looks after the rules: documents, the school's own list, people.

use askama::Template;

use crate::views::Pair;
use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};

#[derive(Template)]
#[template(path = "manage/home.html")]
pub(crate) struct ManagePage {
    pub(crate) frame: Frame,
    pub(crate) in_force: String,
    pub(crate) documents: Vec<DocumentRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct DocumentRow {
    pub(crate) policy: String,
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) clauses: Vec<ClauseRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct ClauseRow {
    pub(crate) anchor: String,
    pub(crate) number: String,
    /// How the text begins.
    pub(crate) start: String,
}

#[derive(Template)]
#[template(path = "manage/edit.html")]
pub(crate) struct EditPage {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) action: String,
    /// The file that is edited.
    pub(crate) name: String,
    /// Fingerprint of the text the editing began from.
    pub(crate) base: String,
    pub(crate) is_refused: bool,
    pub(crate) verdict: String,
    pub(crate) findings: Vec<Finding>,
    pub(crate) inputs: Vec<Input>,
}

/// What the checker says: what, where, why, and what to write instead.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) severity: &'static str,
    pub(crate) class: &'static str,
    pub(crate) code: String,
    pub(crate) what: String,
    pub(crate) place: String,
    pub(crate) why: String,
    /// The lines in question, marked.
    pub(crate) source: String,
    pub(crate) instead: String,
}

#[derive(Template)]
#[template(path = "manage/entries.html")]
pub(crate) struct EntriesPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) rows: Vec<EntryRow>,
    pub(crate) inputs: Vec<Input>,
}

#[derive(Debug, Clone)]
pub(crate) struct EntryRow {
    pub(crate) id: String,
    pub(crate) site: String,
    pub(crate) is: String,
    pub(crate) why: String,
    pub(crate) added: String,
}

#[derive(Template)]
#[template(path = "manage/people.html")]
pub(crate) struct PeoplePage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) summary: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) plan: Option<PeoplePlan>,
}

/// What an import would do.
#[derive(Debug, Clone)]
pub(crate) struct PeoplePlan {
    pub(crate) counts: Vec<Pair>,
    pub(crate) lines: Vec<String>,
    /// Why it stops until it is confirmed a second time.
    pub(crate) brake: Option<String>,
    /// What has to be ticked before it is done.
    pub(crate) questions: Vec<Input>,
    /// How many would leave: confirmed is this very number.
    pub(crate) leaving: String,
    pub(crate) csv: String,
}
