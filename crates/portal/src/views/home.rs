//! The first page: what is waiting, what was just refused, what is open.

use askama::Template;

use crate::views::Link;
use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) frame: Frame,
    /// `None` without anything refused.
    pub(crate) refused: Option<Vec<RefusedRow>>,
    pub(crate) waiting: Vec<Task>,
    pub(crate) opened: Vec<OpenedRow>,
    pub(crate) links: Vec<Link>,
    /// "Rules in force since 10:42".
    pub(crate) in_force: String,
}

#[derive(Debug, Clone)]
pub(crate) struct RefusedRow {
    pub(crate) when: String,
    pub(crate) host: String,
    pub(crate) why: String,
    pub(crate) href: String,
    /// What the link leads to.
    pub(crate) link: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) status: String,
}

#[derive(Debug, Clone)]
pub(crate) struct OpenedRow {
    pub(crate) site: String,
    pub(crate) words: String,
}
