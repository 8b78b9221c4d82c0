//! What the gateways know, for whoever looks after them.

use schoolgate_base::Host;

use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, see_other, shown};
use crate::gateways::{GatewayView, GatewaysView, LeftAlone, ProcessView, Requests, Withdrawn};
use crate::views::gateway::{GatewayCard, GatewayPage, LeftAloneRow, ProcessRow};
use crate::words::{Moments, counted};

use super::manager;

pub(crate) async fn gateway_show(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    let now = ctx.now;
    let view = ctx.app.gateways.as_ref().map(|gateways| gateways.view(now));
    let has_gateway = view.is_some();
    let GatewaysView { processes, gateways, left_alone } = view.unwrap_or_default();
    let moments = ctx.moments();
    shown(&GatewayPage {
        frame: ctx.frame("/manage", "The gateway"),
        has_gateway,
        processes: processes.iter().map(|process| process_row(process, &moments)).collect(),
        gateways: gateways.iter().map(|gateway| card(gateway, &moments)).collect(),
        left_alone: left_alone.iter().map(|site| left_alone_row(site, &moments)).collect(),
    })
}

/// Has a site looked into again.
pub(crate) async fn left_alone_forget(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    let host: Host = ctx.fields.trimmed("host").parse().map_err(|_| Failure::NotFound)?;
    match &ctx.app.gateways {
        Some(gateways) if gateways.forget(&host) => see_other("/manage/gateway?done=entered"),
        Some(_) | None => Err(Failure::NotFound),
    }
}

fn process_row(process: &ProcessView, moments: &Moments<'_>) -> ProcessRow {
    let ProcessView { role, is_running, since, restarts, last_end } = process;
    let (tag, style, state) = match is_running {
        true => ("Runs", "govuk-tag--green", format!("since {}", moments.since(*since))),
        false => ("Ended", "govuk-tag--red", "is being started again".to_owned()),
    };
    let before = match (restarts, last_end) {
        (0, _) => String::new(),
        (times, end) => {
            let times = counted(usize::try_from(*times).unwrap_or(usize::MAX), "restart", "restarts");
            let end = end.as_deref().map(|end| format!("; the last time it ended with “{end}”")).unwrap_or_default();
            format!("{times}{end}")
        }
    };
    let about = match role.as_str() {
        "signer" => "Holds the key of the school's certificates",
        "control" => "Records, policies and this portal",
        "gateway" => "Opens and refuses sites",
        _ => "",
    };
    ProcessRow { role: role.clone(), about, tag, style, state, before }
}

fn card(gateway: &GatewayView, moments: &Moments<'_>) -> GatewayCard {
    let GatewayView { leaves, requests, roots, public_roots, left_out, withdrawn } = gateway;
    let own = roots.saturating_sub(*public_roots);
    GatewayCard {
        known: shares(requests),
        crowded: match requests.crowded {
            0 => String::new(),
            count => format!(
                "{} came from addresses with several people behind them. There the strictest rules of all of them \
                 hold, and no name is written down.",
                share(count, total(requests))
            ),
        },
        leaves: counted(*leaves, "certificate", "certificates"),
        roots: format!(
            "{} of Mozilla's programme and {}",
            counted(*public_roots, "authority", "authorities"),
            counted(
                own,
                "of this machine or of the school's own choice",
                "of this machine or of the school's own choice"
            )
        ),
        withdrawn: withdrawn_words(withdrawn.as_ref(), moments),
        withdrawn_problem: withdrawn.as_ref().and_then(|lists| lists.problem.clone()).unwrap_or_default(),
        left_out: left_out.iter().map(|(whose, why)| (whose.clone(), why_left_out(why))).collect(),
    }
}

fn withdrawn_words(withdrawn: Option<&Withdrawn>, moments: &Moments<'_>) -> String {
    let Some(lists) = withdrawn else {
        return "No folder of lists of withdrawn certificates is set, so a certificate counts until it runs out"
            .to_owned();
    };
    let count = counted(lists.lists, "list", "lists");
    match lists.read_at {
        Some(read_at) => format!("{count} of withdrawn certificates, read {}", moments.at(read_at)),
        None => "No list of withdrawn certificates could be read yet".to_owned(),
    }
}

fn total(requests: &Requests) -> u64 {
    requests.connection + requests.lease + requests.address + requests.none
}

/// What says whose requests are, the strongest first; empty before the first request.
fn shares(requests: &Requests) -> Vec<(&'static str, String)> {
    let all = total(requests);
    if all == 0 {
        return Vec::new();
    }
    [
        ("The device proved it on the connection", requests.connection),
        ("The Wi-Fi or the list of leases said it", requests.lease),
        ("Somebody had signed in from the same address", requests.address),
        ("Nobody is known: the rules of the place hold", requests.none),
    ]
    .map(|(words, count)| (words, share(count, all)))
    .into()
}

fn share(count: u64, all: u64) -> String {
    let percent = count.saturating_mul(100) / all.max(1);
    match (count, percent) {
        (0, _) => "none".to_owned(),
        (_, 0) => "less than 1 %".to_owned(),
        (_, percent) => format!("{percent} %"),
    }
}

fn why_left_out(word: &str) -> String {
    match word {
        "known-bad" => "its key is in strangers' hands".to_owned(),
        "own-ca" => "it is the school's own, which proves nothing outside".to_owned(),
        other => other.replace('-', " "),
    }
}

fn left_alone_row(site: &LeftAlone, moments: &Moments<'_>) -> LeftAloneRow {
    let why = match site.wants_certificate {
        true => "It asks its visitors for a certificate of their own",
        false => "Its apps accept no certificate but their own",
    };
    LeftAloneRow {
        host: site.host.to_string(),
        why,
        since: moments.since(site.since),
        until: moments.last_day(site.until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_requests() {
        let requests = Requests { connection: 1, lease: 0, address: 599, none: 400, crowded: 0 };
        let words: Vec<String> = shares(&requests).into_iter().map(|(_, share)| share).collect();
        assert_eq!(words, ["less than 1 %", "none", "59 %", "40 %"]);
        assert!(shares(&Requests::default()).is_empty());
    }
}
