//! In place of a site: refused, asked to think, or out of reach.

mod accident;
mod go_on;
mod show;
mod unreachable;

pub(crate) use accident::accident_note;
pub(crate) use go_on::warning_continue;
pub(crate) use show::refusal_show;
pub(crate) use unreachable::unreachable_show;

use serde::Deserialize;

/// What the address of such a page says: a door's sealed redirect.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    t: String,
}
