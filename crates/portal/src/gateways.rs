//! What the portal shows of the school's gateways, and asks of them: told by whoever runs them.

use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::Host;

/// A school's gateways, wherever they run.
pub trait Gateways: Send + Sync {
    /// What is known of them now.
    fn view(&self, now: Timestamp) -> GatewaysView;

    /// Has a site that is left alone looked into again; `false` where nobody leaves it alone.
    fn forget(&self, host: &Host) -> bool;
}

/// As the program that runs this portal knows it.
pub type GatewaysPort = Arc<dyn Gateways>;

/// Everything about the gateways at one moment. Numbers and names of sites; never a person.
#[derive(Debug, Clone, Default)]
pub struct GatewaysView {
    /// Of one machine; empty where all is one process.
    pub processes: Vec<ProcessView>,
    /// Those that are there.
    pub gateways: Vec<GatewayView>,
    /// By name.
    pub left_alone: Vec<LeftAlone>,
}

/// One process of the program.
#[derive(Debug, Clone)]
pub struct ProcessView {
    /// `signer`, `control`, `gateway`.
    pub role: String,
    pub is_running: bool,
    /// Of this run.
    pub since: Timestamp,
    pub restarts: u64,
    /// How the run before ended.
    pub last_end: Option<String>,
}

/// One gateway.
#[derive(Debug, Clone, Default)]
pub struct GatewayView {
    /// Certificates of ours that are kept to be shown again.
    pub leaves: usize,
    pub requests: Requests,
    /// Roots by which sites are believed, and how many of them Mozilla's programme has.
    pub roots: usize,
    pub public_roots: usize,
    /// Roots of the store or the settings that are not believed: whose, and the word why.
    pub left_out: Vec<(String, String)>,
    pub withdrawn: Option<Withdrawn>,
}

/// The lists of withdrawn certificates, where the settings name a folder of them.
#[derive(Debug, Clone, Default)]
pub struct Withdrawn {
    /// In force, and when they were read.
    pub lists: usize,
    pub read_at: Option<Timestamp>,
    /// Why the folder as it is now was not taken.
    pub problem: Option<String>,
}

/// Requests since a gateway started, by what says whose they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requests {
    /// Proven on the connection itself.
    pub connection: u64,
    /// Said by the Wi-Fi or the lease.
    pub lease: u64,
    /// By a sign-in from the same address.
    pub address: u64,
    pub none: u64,
    /// Of all, those from an address with several people behind it.
    pub crowded: u64,
}

/// A site that is not looked into.
#[derive(Debug, Clone)]
pub struct LeftAlone {
    pub host: Host,
    /// It asks for a certificate that only its visitors can show; else devices refused ours.
    pub wants_certificate: bool,
    pub since: Timestamp,
    /// When it is tried again by itself.
    pub until: Timestamp,
}
