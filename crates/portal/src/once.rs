//! The id of the case that a form opens: made with the page and sealed into it, so that a form sent twice, by an
//! impatient click or a browser that loads again, opens one case.

use schoolgate_base::CaseId;

use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, internal};

/// The field's name.
pub(crate) const FIELD: &str = "once";
const PURPOSE: &str = "case-id";

/// A new id in its seal, for whoever is signed in.
pub(crate) fn minted(ctx: &Ctx, signed: &Signed) -> Result<String, Failure> {
    let id = ctx.app.control.fresh_case().map_err(internal)?;
    let content = format!("{} {id}", signed.id());
    ctx.app.control.keys().tokens().seal(PURPOSE, content.as_bytes()).map_err(internal)
}

/// The id that the page was given; a new one when the form carries none of ours.
pub(crate) fn carried(ctx: &Ctx, signed: &Signed) -> Result<CaseId, Failure> {
    let sealed = ctx.fields.get(FIELD);
    let content = ctx.app.control.keys().tokens().open(PURPOSE, sealed);
    let id = content.and_then(|content| {
        let content = String::from_utf8(content).ok()?;
        let (person, id) = content.split_once(' ')?;
        CaseId::new(id).ok().filter(|_| person == signed.id().as_str())
    });
    id.map_or_else(|| ctx.app.control.fresh_case().map_err(internal), Ok)
}
