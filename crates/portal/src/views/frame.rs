//! What stands round every page: the school, who is signed in, the sections.

use crate::assets;

/// The frame of one page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    pub(crate) school: String,
    pub(crate) title: String,
    pub(crate) person: Option<PersonShown>,
    /// Goes into every form; see `security`.
    pub(crate) token: String,
    pub(crate) sections: Vec<SectionShown>,
    pub(crate) is_demo: bool,
    /// What the last click did.
    pub(crate) notice: Option<String>,
    pub(crate) has_mistakes: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct PersonShown {
    pub(crate) name: String,
    pub(crate) capacity: String,
}

#[derive(Debug, Clone)]
pub(crate) struct SectionShown {
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

impl Frame {
    /// The same frame on a page with `title`.
    #[must_use]
    pub(crate) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    #[must_use]
    pub(crate) fn mistaken(mut self, has_mistakes: bool) -> Self {
        self.has_mistakes = has_mistakes;
        self
    }

    /// Without a trace of who is looking: for the help page.
    #[must_use]
    pub(crate) fn nameless(mut self) -> Self {
        self.person = None;
        self.sections = Vec::new();
        self.notice = None;
        self
    }

    pub(crate) fn style(&self) -> String {
        assets::address("schoolgate.css")
    }

    pub(crate) fn script(&self) -> String {
        assets::address("schoolgate.js")
    }

    pub(crate) fn icon(&self) -> String {
        assets::address("icon.svg")
    }
}
