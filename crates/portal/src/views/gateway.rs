//! The gateways, for whoever looks after them; and what no filter sees, for everybody.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "manage/gateway.html")]
pub(crate) struct GatewayPage {
    pub(crate) frame: Frame,
    pub(crate) has_gateway: bool,
    pub(crate) processes: Vec<ProcessRow>,
    pub(crate) gateways: Vec<GatewayCard>,
    pub(crate) left_alone: Vec<LeftAloneRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct ProcessRow {
    pub(crate) role: String,
    pub(crate) about: &'static str,
    /// A word and not a colour alone.
    pub(crate) tag: &'static str,
    pub(crate) style: &'static str,
    pub(crate) state: String,
    pub(crate) before: String,
}

#[derive(Debug, Clone)]
pub(crate) struct GatewayCard {
    /// What says whose requests are, and how many of all; empty before the first request.
    pub(crate) known: Vec<(&'static str, String)>,
    pub(crate) crowded: String,
    pub(crate) leaves: String,
    pub(crate) roots: String,
    /// Of lists of withdrawn certificates.
    pub(crate) withdrawn: String,
    pub(crate) withdrawn_problem: String,
    /// Whose root, and why it is not believed.
    pub(crate) left_out: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct LeftAloneRow {
    pub(crate) host: String,
    pub(crate) why: &'static str,
    pub(crate) since: String,
    pub(crate) until: String,
}

#[derive(Template)]
#[template(path = "limits.html")]
pub(crate) struct LimitsPage {
    pub(crate) frame: Frame,
    /// HTML of a document that comes with the program.
    pub(crate) text: String,
}
