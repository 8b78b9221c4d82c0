//! Goes past a warning: open for this person, for a quarter of an hour.

use schoolgate_decide::redirect::Because;
use schoolgate_decide::{Reason, Verdict};

use crate::ctx::{Ctx, from_control};
use crate::failure::{PageResult, see_other};
use crate::onward;

use super::show::stale;

pub(crate) async fn warning_continue(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/")?;
    let Some(redirect) = onward::carried(&ctx, ctx.fields.get("t")) else { return stale(&ctx) };
    let Because::Decided { verdict: Verdict::Warn, reason: Reason::Rule { control, .. } } = &redirect.because else {
        return stale(&ctx);
    };
    let control_api = &ctx.app.control;
    control_api.warning_continue(signed.id(), &redirect.host, control).await.map_err(from_control)?;
    see_other(&format!("/onward?t={}", onward::carry(&ctx, &redirect)?))
}
