//! Signing in, the sessions of one person, and the demonstration's people.

use askama::Template;

use crate::views::frame::Frame;
use crate::views::input::{Input, InputKind, Mistake};

#[derive(Template)]
#[template(path = "session/sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    /// Why somebody is asked to sign in, when they wanted something else.
    pub(crate) why: Option<String>,
    /// Where to go afterwards: a path of ours.
    pub(crate) next: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) ask_whom: String,
}

impl SignInPage {
    pub(crate) fn next_in_query(&self) -> String {
        form_urlencoded::byte_serialize(self.next.as_bytes()).collect()
    }
}

#[derive(Template)]
#[template(path = "session/list.html")]
pub(crate) struct SessionsPage {
    pub(crate) frame: Frame,
    pub(crate) rows: Vec<SessionRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) browser: String,
    pub(crate) since: String,
    pub(crate) address: String,
    pub(crate) claims_address: bool,
    pub(crate) is_this: bool,
}

#[derive(Template)]
#[template(path = "session/be.html")]
pub(crate) struct BePage {
    pub(crate) frame: Frame,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) people: Vec<BeRow>,
    pub(crate) next: String,
    pub(crate) now: String,
    pub(crate) clock: Input,
}

#[derive(Debug, Clone)]
pub(crate) struct BeRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) about: String,
}
