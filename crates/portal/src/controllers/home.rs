//! The first page: what is waiting, what was just refused, what is open.

use jiff::SignedDuration;
use schoolgate_decide::snapshot::Grant;
use schoolgate_event::Verdict;
use schoolgate_eventlog::{Filter, Range};

use crate::controllers::report::reports_waiting;
use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, internal, shown};
use crate::forms;
use crate::missing::{self, Missing};
use crate::site_words;
use crate::views::Link;
use crate::views::home::{HomePage, OpenedRow, RefusedRow, Task};
use crate::words::counted;

/// "Just refused" is what happened within this time.
const JUST: SignedDuration = SignedDuration::from_mins(10);
const REFUSED_MAX: usize = 3;
/// Events looked through for them.
const REFUSED_ROWS: u32 = 20;

pub(crate) async fn home_show(ctx: Ctx) -> PageResult {
    let in_force = format!("Rules in force since {}.", ctx.moments().since(ctx.in_force.since));
    let Some(signed) = ctx.signed() else {
        return shown(&HomePage {
            frame: ctx.frame("/", "Start"),
            refused: None,
            waiting: Vec::new(),
            opened: Vec::new(),
            links: Vec::new(),
            in_force,
        });
    };
    let mut waiting: Vec<Task> =
        missing::of(&ctx, signed).await?.iter().map(|missing| agreement_task(&ctx, missing)).collect();
    waiting.extend(concerns(&ctx, signed).await?);
    waiting.extend(decisions(&ctx, signed).await?);
    let refused = refused(&ctx, signed).await?;
    let links = links(&ctx, signed);
    shown(&HomePage {
        frame: ctx.frame("/", "Start"),
        refused: (!refused.is_empty()).then_some(refused),
        waiting,
        opened: opened(&ctx, signed),
        links,
        in_force,
    })
}

fn agreement_task(ctx: &Ctx, missing: &Missing<'_>) -> Task {
    let status = match missing.from {
        Some(from) if ctx.now < from => format!("By {}", ctx.moments().until(from)),
        _ => "The internet opens when you agree".to_owned(),
    };
    Task {
        href: format!("/agree?policy={}", missing.agreement.policy),
        name: missing.agreement.title.to_string(),
        hint: "Read it and agree".to_owned(),
        status,
    }
}

/// Says of reports only that there are some, and only to their recipients: for everybody else there is no such line.
async fn concerns(ctx: &Ctx, signed: &Signed) -> Result<Option<Task>, Failure> {
    let count = reports_waiting(ctx, signed).await?;
    Ok((0 < count).then(|| Task {
        href: "/reports".to_owned(),
        name: counted(count, "report to take on", "reports to take on"),
        hint: String::new(),
        status: "Waiting".to_owned(),
    }))
}

async fn decisions(ctx: &Ctx, signed: &Signed) -> Result<Option<Task>, Failure> {
    let queue = forms::queue(ctx, signed).await?;
    let count = queue.files.len();
    let name = counted(count, "request to decide", "requests to decide");
    Ok((0 < count).then(|| Task {
        href: "/requests/queue".to_owned(),
        name: if queue.is_cut { format!("at least {name}") } else { name },
        hint: String::new(),
        status: "Waiting".to_owned(),
    }))
}

async fn refused(ctx: &Ctx, signed: &Signed) -> Result<Vec<RefusedRow>, Failure> {
    let snapshot = ctx.app.control.snapshot();
    let Some(member) = snapshot.member(signed.id(), signed.capacity) else { return Ok(Vec::new()) };
    let range = Range {
        school: ctx.app.control.school().clone(),
        from: ctx.now - JUST,
        to: ctx.now + SignedDuration::from_secs(1),
    };
    let person = Some(member.pseudonym.as_ref().into());
    let filter = Filter { verdict: Some(Verdict::Block), person, ..Filter::default() };
    let rows = ctx.app.evidence.rows(&range, &filter, None, REFUSED_ROWS).await.map_err(internal)?.rows;
    let mut refused: Vec<RefusedRow> = Vec::new();
    for row in rows {
        let Some(host) = row.host else { continue };
        if REFUSED_MAX <= refused.len() || refused.iter().any(|one| one.host == host) {
            continue;
        }
        let category = row.category.map(|category| site_words::category(ctx, &category));
        let site: String = form_urlencoded::byte_serialize(host.as_bytes()).collect();
        refused.push(RefusedRow {
            when: ctx.moments().since(row.at),
            why: category.map_or_else(String::new, |category| format!("Kind of site: {category}.")),
            href: format!("/requests/new/open-site?site={site}"),
            host,
        });
    }
    Ok(refused)
}

fn opened(ctx: &Ctx, signed: &Signed) -> Vec<OpenedRow> {
    let snapshot = ctx.app.control.snapshot();
    let is_mine = |grant: &&Grant| {
        let audience = &grant.audience;
        grant.from <= ctx.now
            && ctx.now < grant.until
            && (audience.persons.contains(signed.id())
                || audience.groups.iter().any(|group| signed.groups.contains(group)))
    };
    let row = |grant: &Grant| OpenedRow {
        site: site_words::target(ctx, &grant.target),
        words: format!("until {}", ctx.moments().until(grant.until)),
    };
    snapshot.live.grants.iter().filter(is_mine).map(row).collect()
}

fn links(ctx: &Ctx, signed: &Signed) -> Vec<Link> {
    let mut links: Vec<Link> = forms::requests_for(ctx, signed)
        .into_iter()
        .map(|request| Link::new(format!("/requests/new/{}", request.kind), request.title.to_string()))
        .collect();
    links.push(Link::new("/requests", "See what I have asked for"));
    links.push(Link::new("/reports", "Report a concern"));
    if ctx.decides(signed) {
        links.push(Link::new("/grants", "See what is open now"));
    } else if signed.powers.blocks_at_once {
        links.push(Link::new("/grants", "Close a site at once"));
    }
    links
}
