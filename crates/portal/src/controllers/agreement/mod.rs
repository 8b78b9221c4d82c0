//! Reading, agreeing, and the copy of what was agreed to.

mod done;
mod list;
mod question;
mod show;
mod sign;

pub(crate) use done::{agreement_done, onward_show};
pub(crate) use list::agreement_list;
pub(crate) use question::agreement_question;
pub(crate) use show::agreement_show;
pub(crate) use sign::agreement_sign;

use serde::Deserialize;

/// What the address of an agreement page may say.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Where somebody was going, sealed.
    #[serde(default)]
    t: String,
    #[serde(default)]
    policy: String,
}
