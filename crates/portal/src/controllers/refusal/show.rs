//! Why a site is refused, in the school's words, and the form to ask for it.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use schoolgate_base::{ControlId, Role};
use schoolgate_cases::RequestDefinition;
use schoolgate_decide::redirect::{Because, Redirect};
use schoolgate_decide::{Reason, Verdict};

use crate::controllers::request::{prefilled, promise};
use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, see_other, shown};
use crate::forms::{School, requests_for};
use crate::once;
use crate::onward;
use crate::site_words;
use crate::views::refusal::{AskForm, BlockedPage, ClauseQuoted, StalePage, WarnPage};
use crate::words::either;

use super::Asked;

/// How long going past a warning lasts, in minutes; `control` holds it.
const CONTINUE_MINUTES: u32 = 15;

pub(crate) async fn refusal_show(ctx: Ctx, Query(asked): Query<Asked>) -> PageResult {
    let Some(redirect) = onward::either(&ctx, &asked.t) else { return stale(&ctx) };
    let Because::Decided { verdict, reason } = &redirect.because else {
        return see_other(&format!("/unreachable?t={}", onward::carry(&ctx, &redirect)?));
    };
    match verdict {
        Verdict::Warn => shown(&warning(&ctx, &redirect, reason)?),
        Verdict::Help => see_other("/help"),
        Verdict::Gate => see_other(&format!("/agree?t={}", onward::carry(&ctx, &redirect)?)),
        Verdict::Allow | Verdict::Block => shown(&refusal(&ctx, &redirect, reason).await?),
    }
}

/// The page of a redirect that is over.
pub(super) fn stale(ctx: &Ctx) -> PageResult {
    let page = StalePage { frame: ctx.frame("", "This page has gone out of date") };
    Ok((StatusCode::GONE, shown(&page)?).into_response())
}

fn warning(ctx: &Ctx, redirect: &Redirect, reason: &Reason) -> Result<WarnPage, Failure> {
    let spoken = spoken(ctx, reason);
    let site = redirect.host.to_string();
    Ok(WarnPage {
        frame: ctx.frame("", format!("Do you need {site} now?")),
        site,
        clause: spoken.clause,
        category: spoken.category,
        minutes: CONTINUE_MINUTES,
        sealed: onward::carry(ctx, redirect)?,
    })
}

async fn refusal(ctx: &Ctx, redirect: &Redirect, reason: &Reason) -> Result<BlockedPage, Failure> {
    // An entry of a locked list is named nowhere, and our own name in its place would be a riddle.
    let named = onward::site(ctx, redirect);
    let site = named.clone().unwrap_or_else(|| "This site".to_owned());
    let spoken = spoken(ctx, reason);
    let (ask, why_no_ask) = asking(ctx, &site, reason).await?;
    let helpers = helpers(ctx).await?;
    let heading = format!("{site} is not open to you here");
    Ok(BlockedPage {
        frame: ctx.frame("", heading.clone()),
        mistakes: Vec::new(),
        heading,
        because: spoken.because,
        clause: spoken.clause,
        site: named.unwrap_or_default(),
        category: spoken.category,
        list: spoken.list,
        until: spoken.until,
        who_helps: helpers,
        sealed: onward::carry(ctx, redirect)?,
        ask,
        why_no_ask,
    })
}

/// A reason in words.
#[derive(Default)]
struct Spoken {
    clause: Option<ClauseQuoted>,
    because: String,
    category: String,
    list: String,
    until: String,
}

fn spoken(ctx: &Ctx, reason: &Reason) -> Spoken {
    let because = |text: &str| Spoken { because: text.to_owned(), ..Spoken::default() };
    match reason {
        Reason::Rule { control, category, list } => Spoken {
            clause: quoted(ctx, control),
            because: "The school's rules do not open this site here and now.".to_owned(),
            category: category.as_deref().map(|name| site_words::category(ctx, name)).unwrap_or_default(),
            list: list.as_deref().unwrap_or_default().to_owned(),
            until: String::new(),
        },
        Reason::Urgent { until, .. } => Spoken {
            until: ctx.moments().until(*until),
            ..because("The school closed this site for everybody a short while ago.")
        },
        Reason::Locked { .. } => {
            because("This is blocked by law. Nobody in school can open it, and it is not held against you.")
        }
        Reason::Grant { .. } | Reason::AlwaysOpen { .. } | Reason::HelpList => {
            because("This was open a moment ago. Load it again.")
        }
        Reason::Default => because("No rule opens this site for you here."),
        Reason::Unsigned { .. } | Reason::NotSignedIn | Reason::HelpTopic { .. } => {
            because("The school's rules do not open this site here and now.")
        }
    }
}

fn quoted(ctx: &Ctx, control: &ControlId) -> Option<ClauseQuoted> {
    let clause = ctx.in_force.clause(&control.clause)?;
    let policy = ctx.in_force.view(&control.clause.policy)?;
    Some(ClauseQuoted {
        number: clause.number.clone(),
        text: clause.text.clone(),
        policy: policy.title.clone(),
        href: format!("/policies/{}#{}", policy.policy, control.clause.clause),
    })
}

/// The form to ask for the site, or why there is none.
async fn asking(ctx: &Ctx, site: &str, reason: &Reason) -> Result<(Option<AskForm>, String), Failure> {
    if matches!(reason, Reason::Locked { .. }) {
        return Ok((None, "Nobody in school can open it.".to_owned()));
    }
    if matches!(reason, Reason::Urgent { .. }) {
        return Ok((None, "It stays closed over every approval until the block ends.".to_owned()));
    }
    let category = match reason {
        Reason::Rule { category: Some(category), .. } => Some(category),
        _ => None,
    };
    let marks = &ctx.in_force.built.compiled.program.marks;
    if category.is_some_and(|category| marks.never_granted.contains(category)) {
        return Ok((None, "Sites of this kind are dangerous and are never opened.".to_owned()));
    }
    let Some(signed) = ctx.signed() else {
        return Ok((None, "Sign in to ask for this site.".to_owned()));
    };
    let Some(definition) = opening(ctx, signed) else {
        return Ok((None, "Ask a teacher, who can ask for this site.".to_owned()));
    };
    let school = School::load(ctx).await?;
    let raw = prefilled(ctx, signed, definition, site);
    let form = AskForm {
        action: format!("/requests/new/{}", definition.kind),
        once: once::minted(ctx, signed)?,
        inputs: school.inputs(&definition.form, &raw, &[]),
        promise: promise(ctx, definition).await?,
    };
    Ok((Some(form), String::new()))
}

/// The request that opens a site, where the person may make one: the plain `open-site` before any other that does.
fn opening<'a>(ctx: &'a Ctx, signed: &Signed) -> Option<&'a RequestDefinition> {
    let mut opens = requests_for(ctx, signed);
    opens.retain(|request| request.opens_site());
    opens.sort_by_key(|request| &*request.kind != "open-site");
    opens.into_iter().next()
}

async fn helpers(ctx: &Ctx) -> Result<String, Failure> {
    let names = ctx.holders(&[Role::new("it-technician"), Role::new("online-safety-lead")]).await?;
    Ok(if names.is_empty() { "The school office".to_owned() } else { either(&names) })
}
