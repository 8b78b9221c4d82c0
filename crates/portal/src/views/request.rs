//! Asking, deciding, and what is open.

use askama::Template;

use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::{Happened, Link, Pair};

#[derive(Template)]
#[template(path = "request/form.html")]
pub(crate) struct RequestFormPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) title: String,
    pub(crate) clause_text: String,
    pub(crate) clause_number: String,
    pub(crate) action: String,
    /// The block that led here, sealed; may be empty.
    pub(crate) sealed: String,
    /// Makes of a form sent twice one request.
    pub(crate) once: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) button: String,
    pub(crate) promise: String,
}

#[derive(Template)]
#[template(path = "request/list.html")]
pub(crate) struct RequestsPage {
    pub(crate) frame: Frame,
    pub(crate) new: Vec<Link>,
    pub(crate) rows: Vec<CaseRow>,
}

/// A case in a list.
#[derive(Debug, Clone)]
pub(crate) struct CaseRow {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) when: String,
    pub(crate) state: String,
}

#[derive(Template)]
#[template(path = "request/show.html")]
pub(crate) struct RequestPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) back: &'static str,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) state: String,
    pub(crate) answers: Vec<Pair>,
    /// For whoever may decide it now.
    pub(crate) decide: Option<DecideForm>,
    pub(crate) can_withdraw: bool,
    pub(crate) trail: Vec<Happened>,
}

#[derive(Debug, Clone)]
pub(crate) struct DecideForm {
    /// An approval opens the site with everything on it.
    pub(crate) opens_site: bool,
    /// What the lists say of the site: `gambling sites, on “county list”`.
    pub(crate) kinds: Vec<String>,
    /// The rule that an approval would lift, in words; may be empty.
    pub(crate) lifts: String,
    pub(crate) approve: Vec<Input>,
    pub(crate) refuse: Vec<Input>,
}

#[derive(Template)]
#[template(path = "request/queue.html")]
pub(crate) struct QueuePage {
    pub(crate) frame: Frame,
    /// What the list leaves out; empty when nothing.
    pub(crate) note: String,
    pub(crate) rows: Vec<QueueRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct QueueRow {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) who: String,
    pub(crate) when: String,
    pub(crate) why: String,
    pub(crate) due: String,
    pub(crate) is_late: bool,
    pub(crate) stands_in: bool,
}

#[derive(Template)]
#[template(path = "request/grants.html")]
pub(crate) struct GrantsPage {
    pub(crate) frame: Frame,
    pub(crate) rows: Vec<GrantRow>,
    /// For whoever may close a site at once.
    pub(crate) urgent: Option<UrgentShown>,
}

#[derive(Debug, Clone)]
pub(crate) struct GrantRow {
    pub(crate) id: String,
    pub(crate) site: String,
    pub(crate) audience: String,
    pub(crate) until: String,
    pub(crate) approved_by: String,
    pub(crate) can_close: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct UrgentShown {
    pub(crate) rows: Vec<UrgentRow>,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) inputs: Vec<Input>,
}

#[derive(Debug, Clone)]
pub(crate) struct UrgentRow {
    pub(crate) id: String,
    pub(crate) site: String,
    pub(crate) until: String,
}
