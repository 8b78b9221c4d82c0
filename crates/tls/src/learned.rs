//! Sites that cannot be looked into, learned from what happened: a client certificate is wanted, or their apps know
//! which certificate to expect.
//!
//! The list says how a site is carried, never whether: what is decided on its name holds all the same, and what only its
//! addresses could tell is decided as unseen. So nobody gains more by it than a connection that cannot be seen into. It
//! is of this process, bounded, forgets after a month, and names no person; that a device refused us is kept as a hash
//! under a key of this process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::Host;
use serde::{Deserialize, Serialize};

/// A site is tried again after so long: sites change.
pub const LEFT_ALONE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Devices that must have refused our certificate for a site within a day. One pupil has one or two; a whole class with
/// one app has thirty.
const DEVICES_MIN: usize = 3;
const DOUBT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Sites on the list, and sites on the way there; of more, those that end first make room.
pub const LEARNED_MAX: usize = 1_024;

/// Why a site is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WhyLeft {
    /// It asks for a certificate that only its visitors can show.
    ClientCertificate,
    /// Devices that trust our CA elsewhere refuse it here.
    Pinned,
}

impl WhyLeft {
    /// The word on pages and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCertificate => "client-certificate",
            Self::Pinned => "pinned",
        }
    }
}

/// A site on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedSite {
    pub host: Host,
    pub why: WhyLeft,
    /// When it was learned, and when it last showed.
    pub since: Timestamp,
    pub last: Timestamp,
}

impl LearnedSite {
    /// When it is tried again.
    pub fn until(&self) -> Timestamp {
        self.last.checked_add(LEFT_ALONE_FOR).unwrap_or(Timestamp::MAX)
    }
}

/// The list.
#[derive(Debug, Default)]
pub struct LearnedSites {
    inner: Mutex<Inner>,
    hashes: RandomState,
}

#[derive(Debug, Default)]
struct Inner {
    sites: HashMap<Host, LearnedSite>,
    doubts: HashMap<Host, Doubt>,
}

#[derive(Debug)]
struct Doubt {
    devices: Vec<u64>,
    until: Timestamp,
}

impl LearnedSites {
    /// `host` asked for a certificate of its visitor.
    pub fn note_client_certificate(&self, host: &Host, now: Timestamp) {
        self.lock().learn(host, WhyLeft::ClientCertificate, now);
    }

    /// A device that trusts our CA said of our certificate for `host` that it does not know who signed it.
    pub fn note_refusal(&self, host: &Host, device: IpAddr, now: Timestamp) {
        let device = self.hashes.hash_one(device);
        let mut inner = self.lock();
        inner.doubts.retain(|_, doubt| now < doubt.until);
        if LEARNED_MAX <= inner.doubts.len() && !inner.doubts.contains_key(host) {
            let first = inner.doubts.iter().min_by_key(|(_, doubt)| doubt.until).map(|(host, _)| host.clone());
            inner.doubts.retain(|host, _| Some(host) != first.as_ref());
        }
        let fresh = || Doubt { devices: Vec::new(), until: now + DOUBT_FOR };
        let doubt = inner.doubts.entry(host.clone()).or_insert_with(fresh);
        if !doubt.devices.contains(&device) {
            doubt.devices.push(device);
        }
        if DEVICES_MIN <= doubt.devices.len() {
            inner.doubts.remove(host);
            inner.learn(host, WhyLeft::Pinned, now);
        }
    }

    /// A device took our certificate for `host`: whatever refused it there is one app beside others.
    pub fn note_acceptance(&self, host: &Host) {
        self.lock().doubts.remove(host);
    }

    pub fn is_left_alone(&self, host: &Host, now: Timestamp) -> Option<WhyLeft> {
        let inner = self.lock();
        inner.sites.get(host).filter(|site| now < site.until()).map(|site| site.why)
    }

    /// All sites on the list, by name, for the technician.
    pub fn list(&self, now: Timestamp) -> Vec<LearnedSite> {
        let inner = self.lock();
        let mut sites: Vec<LearnedSite> = inner.sites.values().filter(|site| now < site.until()).cloned().collect();
        sites.sort_by_cached_key(|site| site.host.to_string());
        sites
    }

    /// Takes a site off the list; `false` where it was not on it.
    pub fn forget(&self, host: &Host) -> bool {
        self.lock().sites.remove(host).is_some()
    }

    /// Takes up what an earlier process had learned; what this one knows already stays as it is.
    pub fn restore(&self, sites: impl IntoIterator<Item = LearnedSite>, now: Timestamp) {
        let mut inner = self.lock();
        for site in sites.into_iter().take(LEARNED_MAX) {
            let has_room = inner.sites.len() < LEARNED_MAX;
            let site = LearnedSite { last: site.last.min(now), ..site };
            if has_room && now < site.until() {
                inner.sites.entry(site.host.clone()).or_insert(site);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn learn(&mut self, host: &Host, why: WhyLeft, now: Timestamp) {
        self.sites.retain(|_, site| now < site.until());
        if LEARNED_MAX <= self.sites.len() && !self.sites.contains_key(host) {
            let first = self.sites.values().min_by_key(|site| site.last).map(|site| site.host.clone());
            self.sites.retain(|host, _| Some(host) != first.as_ref());
        }
        let site = LearnedSite { host: host.clone(), why, since: now, last: now };
        self.sites.entry(host.clone()).or_insert(site).last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        "2026-11-24T09:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    fn device(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    #[test]
    fn v34_three_devices_within_a_day_make_a_site_pinned() {
        let (learned, app) = (LearnedSites::default(), host("app.example"));
        for hour in 0..50 {
            learned.note_refusal(&app, device(1), at(hour));
        }
        assert_eq!(learned.is_left_alone(&app, at(50)), None, "one device says nothing, however often");
        learned.note_refusal(&app, device(2), at(50));
        learned.note_acceptance(&app);
        learned.note_refusal(&app, device(3), at(50));
        assert_eq!(learned.is_left_alone(&app, at(50)), None, "a browser took it in between");
        for number in [1, 2] {
            learned.note_refusal(&app, device(number), at(51));
        }
        assert_eq!(learned.is_left_alone(&app, at(51)), Some(WhyLeft::Pinned));
        assert_eq!(learned.is_left_alone(&app, at(51 + 30 * 24)), None, "it is tried again");
        let listed = learned.list(at(52));
        assert_eq!((listed.len(), &listed[0].host, listed[0].since), (1, &app, at(51)));
        assert!(learned.forget(&app) && !learned.forget(&app));
        assert_eq!(learned.list(at(52)), []);
    }

    #[test]
    fn p11_a_site_that_asks_for_a_client_certificate_is_left_alone_at_once() {
        let (learned, site) = (LearnedSites::default(), host("tax.example"));
        learned.note_client_certificate(&site, at(0));
        learned.note_client_certificate(&site, at(5));
        let listed = learned.list(at(6));
        assert_eq!((listed[0].why, listed[0].since), (WhyLeft::ClientCertificate, at(0)));
        assert_eq!((listed[0].last, listed[0].until()), (at(5), at(5) + LEFT_ALONE_FOR));
    }

    #[test]
    fn v34_the_list_is_bounded() {
        let learned = LearnedSites::default();
        for number in 0..LEARNED_MAX as i64 + 50 {
            learned.note_client_certificate(&host(&format!("s{number}.example")), at(number / 100));
            learned.note_refusal(&host(&format!("s{number}.example")), device(1), at(0));
        }
        assert_eq!(learned.list(at(12)).len(), LEARNED_MAX);
        assert_eq!(learned.lock().doubts.len(), LEARNED_MAX);
    }

    #[test]
    fn a_process_that_follows_another_knows_what_that_one_had_learned() {
        let (before, after) = (LearnedSites::default(), LearnedSites::default());
        before.note_client_certificate(&host("old.example"), at(0));
        before.note_client_certificate(&host("tax.example"), at(24));
        after.note_client_certificate(&host("tax.example"), at(25));
        let later = at(30 * 24);
        after.restore(before.list(at(24)), later);
        let known: Vec<_> = after.list(later).into_iter().map(|site| (site.host, site.since)).collect();
        assert_eq!(known, [(host("tax.example"), at(25))], "the other one's time was over");
        let from_tomorrow =
            LearnedSite { host: host("new.example"), why: WhyLeft::Pinned, since: at(0), last: at(9_000) };
        after.restore([from_tomorrow], later);
        assert_eq!(after.is_left_alone(&host("new.example"), later + LEFT_ALONE_FOR), None);
        let many = (0..3_000).map(|number| LearnedSite {
            host: host(&format!("s{number}.example")),
            why: WhyLeft::Pinned,
            since: later,
            last: later,
        });
        after.restore(many, later);
        assert_eq!(after.list(later).len(), LEARNED_MAX);
    }
}
