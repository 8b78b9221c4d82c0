//! The first page: what is waiting, what was just refused, what is open.

use jiff::SignedDuration;
use schoolgate_base::{ControlId, Host};
use schoolgate_decide::Reason;
use schoolgate_decide::redirect::{Because, Redirect};
use schoolgate_decide::snapshot::{Grant, Target};
use schoolgate_event::Verdict;
use schoolgate_eventlog::{Filter, Range, Row};

use crate::controllers::report::reports_waiting;
use crate::ctx::{Ctx, Signed};
use crate::failure::{Failure, PageResult, internal, shown};
use crate::forms;
use crate::missing::{self, Missing};
use crate::onward;
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

/// What doors refused or warned of. A warning is listed too: to a tunnel it is no page but a refusal, and this is the
/// only way from there to the button that goes on.
async fn refused(ctx: &Ctx, signed: &Signed) -> Result<Vec<RefusedRow>, Failure> {
    let snapshot = ctx.app.control.snapshot();
    let Some(member) = snapshot.member(signed.id(), signed.capacity) else { return Ok(Vec::new()) };
    let range = Range {
        school: ctx.app.control.school().clone(),
        from: ctx.now - JUST,
        to: ctx.now + SignedDuration::from_secs(1),
    };
    let mut refused: Vec<RefusedRow> = Vec::new();
    for verdict in [Verdict::Block, Verdict::Warn] {
        let filter =
            Filter { verdict: Some(verdict), person: Some(member.pseudonym.as_ref().into()), ..Filter::default() };
        let rows = ctx.app.evidence.rows(&range, &filter, None, REFUSED_ROWS).await.map_err(internal)?.rows;
        let mut of_verdict = 0;
        for row in rows {
            if REFUSED_MAX <= of_verdict || refused.iter().any(|one| Some(&one.host) == row.host.as_ref()) {
                continue;
            }
            let shown = if verdict == Verdict::Warn { warned_row(ctx, signed, row)? } else { refused_row(ctx, row) };
            of_verdict += usize::from(shown.is_some());
            refused.extend(shown);
        }
    }
    Ok(refused)
}

fn refused_row(ctx: &Ctx, row: Row) -> Option<RefusedRow> {
    let host = row.host?;
    let site: String = form_urlencoded::byte_serialize(host.as_bytes()).collect();
    Some(RefusedRow {
        when: ctx.moments().since(row.at),
        why: kind_of_site(ctx, row.category.as_deref()),
        href: format!("/requests/new/open-site?site={site}"),
        link: "See why, or ask for it",
        host,
    })
}

/// `None` once the person has gone on.
fn warned_row(ctx: &Ctx, signed: &Signed, row: Row) -> Result<Option<RefusedRow>, Failure> {
    let host = row.host.as_deref().and_then(|host| Host::parse(host).ok());
    let control = row.control.as_deref().and_then(|control| control.parse::<ControlId>().ok());
    let (Some(host), Some(control)) = (host, control) else { return Ok(None) };
    if has_gone_on(ctx, signed, &host, &control) {
        return Ok(None);
    }
    let why = kind_of_site(ctx, row.category.as_deref());
    let reason = Reason::Rule { control, category: row.category.map(Into::into), list: row.list.map(Into::into) };
    let redirect = Redirect {
        because: Because::Decided { verdict: schoolgate_decide::Verdict::Warn, reason },
        scheme: "https".into(),
        port: None,
        path: "/".into(),
        snapshot: row.snapshot.unwrap_or_default(),
        made_at: ctx.now,
        // It never was a door's; what binds it to this browser is the seal.
        nonce: "".into(),
        host,
    };
    Ok(Some(RefusedRow {
        when: ctx.moments().since(row.at),
        host: redirect.host.to_string(),
        why,
        href: format!("{}?t={}", redirect.page(), onward::carry(ctx, &redirect)?),
        link: "Read the rule, and go on if you need it",
    }))
}

fn has_gone_on(ctx: &Ctx, signed: &Signed, host: &Host, control: &ControlId) -> bool {
    let snapshot = ctx.app.control.snapshot();
    snapshot.live.grants.iter().any(|grant| {
        let is_host = match (&grant.target, host) {
            (Target::Domain(open), Host::Name(name)) => open == name,
            (Target::Host(open), host) => open == host,
            _ => false,
        };
        let is_now = grant.from <= ctx.now && ctx.now < grant.until;
        is_host && is_now && grant.lifts.as_ref() == Some(control) && grant.audience.persons.contains(signed.id())
    })
}

fn kind_of_site(ctx: &Ctx, category: Option<&str>) -> String {
    category.map_or_else(String::new, |category| format!("Kind of site: {}.", site_words::category(ctx, category)))
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
    if !links.is_empty() {
        links.push(Link::new("/requests", "See what I have asked for"));
    }
    links.push(Link::new("/reports", "Report a concern"));
    if ctx.decides(signed) {
        links.push(Link::new("/grants", "See what is open now"));
    } else if signed.powers.blocks_at_once {
        links.push(Link::new("/grants", "Close a site at once"));
    }
    links
}
