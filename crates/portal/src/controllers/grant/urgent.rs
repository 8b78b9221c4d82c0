//! Closes a site for everybody at once, and ends such a block.

use axum::extract::Path;
use schoolgate_base::{GrantId, Host};
use schoolgate_cases::{Field, Site, Value, is_shared};
use schoolgate_decide::snapshot::Target;

use crate::ctx::{Ctx, Signed, from_control};
use crate::failure::{Failure, PageResult, see_other, shown_again};
use crate::forms::{self, School};
use crate::site_words;
use crate::views::input::Mistake;

use super::list::page;

pub(crate) async fn urgent_create(ctx: Ctx) -> PageResult {
    let signed = who(&ctx)?;
    let Some(field) = Field::known("site") else { return Err(Failure::NotFound) };
    let text = ctx.fields.trimmed("site");
    let raw = [("site".to_owned(), text.to_owned())].into();
    match School::load(&ctx).await?.check(&ctx, &[field], &raw) {
        Ok(values) => {
            let Some(Value::Site(site)) = values.get("site") else { return Err(Failure::NotFound) };
            if let Some(mistake) = stays_open(&ctx, &site.host) {
                return shown_again(&page(&ctx, signed, text, vec![mistake]).await?);
            }
            let target = target(site.clone());
            // A second press is not a second block.
            if !ctx
                .app
                .control
                .snapshot()
                .live
                .urgent
                .iter()
                .any(|block| block.target == target && ctx.now < block.until)
            {
                ctx.app.control.urgent_block(signed.id(), target).await.map_err(from_control)?;
            }
            see_other("/grants?done=blocked")
        }
        Err(problems) => shown_again(&page(&ctx, signed, text, forms::mistakes(&problems)).await?),
    }
}

pub(crate) async fn urgent_end(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = who(&ctx)?;
    let id = GrantId::new(&id).map_err(|_| Failure::NotFound)?;
    if !ctx.app.control.snapshot().live.urgent.iter().any(|block| block.id == id) {
        return Err(Failure::NotFound);
    }
    ctx.app.control.urgent_end(&id, signed.id()).await.map_err(from_control)?;
    see_other("/grants?done=unblocked")
}

fn who(ctx: &Ctx) -> Result<&Signed, Failure> {
    let signed = ctx.person("/grants")?;
    if signed.powers.blocks_at_once { Ok(signed) } else { Err(Failure::NotForYou) }
}

/// What no block closes: it would say that it had, and the site would go on opening.
fn stays_open(ctx: &Ctx, host: &Host) -> Option<Mistake> {
    let Host::Name(name) = host else { return None };
    if site_words::is_portal(ctx, host) {
        return Some(Mistake::new("site", "This is the portal itself, which is never closed"));
    }
    if is_shared(name) {
        return Some(Mistake::new("site", format!("Thousands of unrelated sites end in “{name}”. Enter the one site")));
    }
    let snapshot = ctx.app.control.snapshot();
    if snapshot.program.help.hosts.iter().any(|help| name.is_within(help)) {
        return Some(Mistake::new("site", "This is a help line, and help lines are always open"));
    }
    let open = snapshot.program.always_open.iter().find(|open| open.path.is_none() && name.is_within(&open.host))?;
    let words = format!("{} is always open ({}), and no block closes it", open.host, open.why);
    Some(Mistake::new("site", words))
}

/// A site with everything below it; a page with everything below that.
fn target(site: Site) -> Target {
    match (site.host, site.path) {
        (Host::Name(host), Some(path)) => Target::Url { host, path },
        (Host::Name(host), None) => Target::Domain(host),
        (host @ Host::Address(_), _) => Target::Host(host),
    }
}
