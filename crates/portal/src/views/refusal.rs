//! What somebody sees in place of a site: refused, asked to think, or out of reach.

use askama::Template;

use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};

/// A clause in the school's words.
#[derive(Debug, Clone)]
pub(crate) struct ClauseQuoted {
    pub(crate) number: String,
    pub(crate) text: String,
    pub(crate) policy: String,
    pub(crate) href: String,
}

#[derive(Template)]
#[template(path = "refusal/blocked.html")]
pub(crate) struct BlockedPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) heading: String,
    /// Used where no clause speaks.
    pub(crate) because: String,
    pub(crate) clause: Option<ClauseQuoted>,
    pub(crate) site: String,
    pub(crate) category: String,
    pub(crate) list: String,
    pub(crate) until: String,
    pub(crate) who_helps: String,
    /// Sealed; what the buttons of this page are about.
    pub(crate) sealed: String,
    pub(crate) ask: Option<AskForm>,
    pub(crate) why_no_ask: String,
}

/// The form that asks for the site, already filled in.
#[derive(Debug, Clone)]
pub(crate) struct AskForm {
    pub(crate) action: String,
    /// Makes of a form sent twice one request.
    pub(crate) once: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) promise: String,
}

#[derive(Template)]
#[template(path = "refusal/warn.html")]
pub(crate) struct WarnPage {
    pub(crate) frame: Frame,
    pub(crate) site: String,
    pub(crate) clause: Option<ClauseQuoted>,
    pub(crate) category: String,
    pub(crate) minutes: u32,
    pub(crate) sealed: String,
}

#[derive(Template)]
#[template(path = "refusal/accident.html")]
pub(crate) struct AccidentPage {
    pub(crate) frame: Frame,
}

#[derive(Template)]
#[template(path = "refusal/unreachable.html")]
pub(crate) struct UnreachablePage {
    pub(crate) frame: Frame,
    pub(crate) site: String,
    pub(crate) words: String,
    pub(crate) again: String,
    pub(crate) who_helps: String,
}

#[derive(Template)]
#[template(path = "refusal/stale.html")]
pub(crate) struct StalePage {
    pub(crate) frame: Frame,
}
