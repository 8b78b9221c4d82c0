//! Sites that no approval opens, so that nobody asks for them, or approves them, for nothing.

use jiff::Timestamp;
use schoolgate_base::Host;

use crate::index::Snapshot;
use crate::snapshot::Target;

/// Why a grant for a site would change nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    #[error("nobody in school can open this site")]
    Locked,
    #[error("sites of this kind are dangerous and are never opened")]
    NeverGranted,
    #[error("this site is open already, at all times")]
    AlwaysOpen,
    #[error("an urgent block closes this site for everybody, over every approval; ask again when it has ended")]
    Urgent,
}

impl Snapshot {
    /// Whether something stronger than any grant speaks of this whole host at `now`.
    pub fn barred(&self, host: &Host, now: Timestamp) -> Option<Barred> {
        let hits = self.categories(host, None);
        let is_any = |marked: &[Box<str>]| hits.iter().any(|hit| marked.iter().any(|name| &**name == hit.category));
        let marks = &self.program.marks;
        if is_any(&marks.locked) {
            return Some(Barred::Locked);
        }
        if is_any(&marks.never_granted) {
            return Some(Barred::NeverGranted);
        }
        if let Host::Name(name) = host {
            let help = self.program.help.hosts.iter();
            let always = self.program.always_open.iter().filter(|open| open.path.is_none()).map(|open| &open.host);
            if help.chain(always).any(|open| name.is_within(open)) {
                return Some(Barred::AlwaysOpen);
            }
        }
        let is_closed = self.live.urgent.iter().any(|block| {
            let is_now = block.from <= now && now < block.until;
            is_now
                && match (&block.target, host) {
                    (Target::Domain(domain), Host::Name(name)) => name.is_within(domain),
                    (Target::Host(blocked), host) => blocked == host,
                    _ => false,
                }
        });
        is_closed.then_some(Barred::Urgent)
    }
}
