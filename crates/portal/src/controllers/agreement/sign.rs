//! "I agree": one button. The signature is kept before the gate opens.

use schoolgate_control::Signing;
use schoolgate_policy::show::PartView;

use crate::changed::changed_since;
use crate::ctx::{Ctx, from_control};
use crate::failure::{Failure, PageResult, internal, see_other};
use crate::missing;
use crate::onward;
use crate::text;

pub(crate) async fn agreement_sign(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/agree")?;
    let missing = missing::of(&ctx, signed).await?;
    let policy = ctx.fields.get("policy");
    let sealed = onward::carried(&ctx, ctx.fields.get("t")).map(|redirect| onward::carry(&ctx, &redirect));
    let sealed = sealed.transpose()?.unwrap_or_default();
    let done = format!("/agree/done?policy={policy}&t={sealed}");
    let Some(missing) = missing.iter().find(|missing| missing.agreement.policy.as_str() == policy) else {
        // Agreed already, by a second press of the button or in another window.
        return see_other(if ctx.in_force.views.iter().any(|view| view.policy.as_str() == policy) {
            &done
        } else {
            "/"
        });
    };
    let view = ctx.in_force.view(&missing.agreement.policy).ok_or(Failure::NotFound)?;
    let hash = text::hash(&ctx, &missing.agreement.policy).ok_or(Failure::NotFound)?;
    let is_shown = ctx.fields.get("edition") == ctx.in_force.edition.to_string();
    if !is_shown || ctx.fields.get("text") != hash || ctx.fields.get("version") != &*missing.agreement.version {
        let words = "The rules changed while you were reading them. Go back, load the page again and read what is new.";
        return Err(Failure::MovedOn { words: words.to_owned() });
    }
    let difference = match &missing.before {
        Some(before) => changed_since(&ctx, signed, before).await?,
        None => None,
    };
    let difference = difference.map(|change| serde_json::to_string(&change)).transpose().map_err(internal)?;
    let compiled = &ctx.in_force.built.compiled;
    let clauses = view.parts.iter().filter_map(|part| match part {
        PartView::Clause(clause) => Some(&clause.id).filter(|id| compiled.is_bound(id, &signed.groups)),
        PartView::Heading { .. } | PartView::Prose { .. } => None,
    });
    let clauses = clauses.map(|id| id.clause.clone());
    let signing = Signing {
        person: signed.id().clone(),
        policy: missing.agreement.policy.clone(),
        version: missing.agreement.version.clone(),
        clauses: clauses.collect(),
        rendering_sha256: hash.into(),
        difference,
        language: "en".into(),
        address: ctx.client.address.to_string().into(),
        browser: ctx.browser.as_ref().into(),
    };
    ctx.app.control.sign(signing).await.map_err(from_control)?;
    see_other(&done)
}
