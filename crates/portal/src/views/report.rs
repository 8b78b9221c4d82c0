//! Reporting a concern, and the case for those who may open it.

use askama::Template;

use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::request::CaseRow;
use crate::views::{Happened, Pair};

#[derive(Template)]
#[template(path = "report/list.html")]
pub(crate) struct ReportsPage {
    pub(crate) frame: Frame,
    pub(crate) kinds: Vec<ReportKind>,
    pub(crate) mine: Vec<CaseRow>,
    pub(crate) received: Vec<CaseRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct ReportKind {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

#[derive(Template)]
#[template(path = "report/form.html")]
pub(crate) struct ReportFormPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) title: String,
    pub(crate) clause_text: String,
    pub(crate) action: String,
    pub(crate) inputs: Vec<Input>,
}

#[derive(Template)]
#[template(path = "report/preview.html")]
pub(crate) struct PreviewPage {
    pub(crate) frame: Frame,
    pub(crate) readers: Vec<String>,
    pub(crate) left_out: String,
    pub(crate) outside: Vec<String>,
    pub(crate) by_when: String,
    pub(crate) answers: Vec<Pair>,
    pub(crate) action: String,
    pub(crate) hidden: Vec<Pair>,
}

#[derive(Template)]
#[template(path = "report/receipt.html")]
pub(crate) struct ReceiptPage {
    pub(crate) frame: Frame,
    pub(crate) receipt: String,
    pub(crate) readers: Vec<String>,
    pub(crate) outside: Vec<String>,
    pub(crate) by_when: String,
}

#[derive(Template)]
#[template(path = "report/case.html")]
pub(crate) struct CasePage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) state: String,
    pub(crate) readers: String,
    pub(crate) answers: Vec<Pair>,
    pub(crate) outside: Vec<String>,
    pub(crate) act: Option<CaseAct>,
    pub(crate) trail: Vec<Happened>,
}

/// What the reader may do with it.
#[derive(Debug, Clone)]
pub(crate) struct CaseAct {
    pub(crate) can_acknowledge: bool,
    pub(crate) can_note: bool,
    /// What must be done before it can be closed.
    pub(crate) steps: Vec<String>,
    pub(crate) can_close: bool,
    pub(crate) note: Vec<Input>,
    pub(crate) close: Vec<Input>,
}
