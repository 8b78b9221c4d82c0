//! The gateways as the portal shows them.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_portal::{GatewayView, Gateways, GatewaysView, LeftAlone, ProcessView, Requests, Withdrawn};
use schoolgate_tls::{LearnedSite, WhyLeft};

use crate::processes::{Standing, standings};
use crate::status::{GatewayReports, GatewayStatus};

/// What gateways report, and what a supervisor writes down of the processes.
pub(crate) struct Shown {
    pub(crate) reports: Arc<dyn GatewayReports>,
    /// `None` where all is one process.
    pub(crate) standing: Option<PathBuf>,
}

impl Gateways for Shown {
    fn view(&self, now: Timestamp) -> GatewaysView {
        let processes = self.standing.as_deref().map(standings).unwrap_or_default();
        GatewaysView {
            processes: processes.into_iter().map(process).collect(),
            gateways: self.reports.statuses().into_iter().map(gateway).collect(),
            left_alone: self.reports.left_alone(now).into_iter().map(left_alone).collect(),
        }
    }

    fn forget(&self, host: &Host) -> bool {
        self.reports.forget(host)
    }
}

fn process(standing: Standing) -> ProcessView {
    ProcessView {
        role: standing.role,
        is_running: standing.pid.is_some(),
        since: standing.since,
        restarts: standing.restarts,
        last_end: standing.last_end,
    }
}

fn gateway(status: GatewayStatus) -> GatewayView {
    let requests = status.requests;
    GatewayView {
        leaves: status.leaves,
        requests: Requests {
            connection: requests.connection,
            lease: requests.lease,
            address: requests.address,
            none: requests.none,
            crowded: requests.crowded,
        },
        roots: status.roots.believed,
        public_roots: status.roots.public,
        withdrawn: status.revocations.is_set.then_some(Withdrawn {
            lists: status.revocations.lists,
            read_at: status.revocations.read_at,
            problem: status.revocations.problem,
        }),
        left_out: status.roots.left_out.into_iter().map(|root| (root.subject, root.why)).collect(),
    }
}

fn left_alone(site: LearnedSite) -> LeftAlone {
    LeftAlone {
        until: site.until(),
        wants_certificate: site.why == WhyLeft::ClientCertificate,
        host: site.host,
        since: site.since,
    }
}
