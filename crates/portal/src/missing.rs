//! Which agreements somebody still has to make; computed, never stored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schoolgate_base::Group;
use schoolgate_control::is_asked;
use schoolgate_policy::Agreement;
use schoolgate_records::Signature;

use crate::ctx::{Ctx, Signed, from_records};
use crate::failure::Failure;

/// An agreement that is missing.
pub(crate) struct Missing<'a> {
    pub(crate) agreement: &'a Agreement,
    /// When the gate closes; `None` when it does not, or when it is closed already.
    pub(crate) from: Option<Timestamp>,
    /// The agreement to the latest earlier version, if there is one.
    pub(crate) before: Option<Signature>,
}

/// All that is missing for somebody, those with a gate first.
pub(crate) async fn of<'a>(ctx: &'a Ctx, signed: &Signed) -> Result<Vec<Missing<'a>>, Failure> {
    let store = ctx.app.control.store();
    let signatures = store.signature_list_for_person(signed.id()).await.map_err(from_records)?;
    let groups: Vec<Group> = signed.groups.iter().cloned().collect();
    let snapshot = ctx.app.control.snapshot();
    let member = snapshot.member(signed.id(), signed.capacity);
    let mut missing = Vec::new();
    let mut seen = BTreeSet::new();
    for agreement in &ctx.in_force.built.compiled.agreements {
        let of_policy = || signatures.iter().filter(|one| one.policy == agreement.policy);
        let has_signed = of_policy().any(|one| one.version == agreement.version);
        if has_signed || !is_asked(agreement, &groups) || !seen.insert(&agreement.policy) {
            continue;
        }
        let must = member.iter().flat_map(|member| &member.must_sign).find(|must| must.policy == agreement.policy);
        missing.push(Missing {
            agreement,
            from: must.map(|must| must.from).filter(|from| ctx.now < *from),
            before: of_policy().next().cloned(),
        });
    }
    missing.sort_by_key(|missing| !missing.agreement.is_gate);
    Ok(missing)
}
