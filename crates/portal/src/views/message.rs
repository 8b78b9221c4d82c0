//! One short page for everything that could not be shown.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) text: String,
    /// Finds the line in the log; may be empty.
    pub(crate) reference: String,
}
