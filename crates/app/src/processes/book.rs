//! What gateways say of themselves, as control keeps it: for pages, and for a gateway that is started again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_tls::{LEARNED_MAX, LearnedSite};
use tokio::sync::broadcast;
use tracing::warn;

use crate::status::{GatewayReports, GatewayStatus};

/// Sites to forget that a gateway has not heard of yet; beyond that it goes on leaving them alone, and says so.
const FORGOTTEN_MAX: usize = 256;

/// The book, and the file in which the learned sites outlive this process.
pub(crate) struct GatewayBook {
    path: PathBuf,
    inner: Mutex<Inner>,
    forgotten: broadcast::Sender<Host>,
}

#[derive(Default)]
struct Inner {
    /// By connection, of gateways that are there.
    statuses: BTreeMap<u64, GatewayStatus>,
    /// By name; of the last gateway while there is none.
    left_alone: Vec<LearnedSite>,
    /// Sites that were taken off the list, with when each had last shown: a gateway that was not there to hear it still
    /// has them.
    taken_off: HashMap<Host, Timestamp>,
}

impl Inner {
    /// Of what a gateway has, the sites that were taken off the list and have not shown since.
    fn outdated(&self, status: &GatewayStatus) -> Vec<Host> {
        let is_outdated = |site: &&LearnedSite| self.taken_off.get(&site.host).is_some_and(|last| site.last <= *last);
        status.left_alone.iter().filter(is_outdated).map(|site| site.host.clone()).collect()
    }
}

impl GatewayBook {
    /// Begins with what `path` holds. A list that cannot be read is learned again.
    pub(crate) fn open(path: PathBuf) -> Self {
        let left_alone = read(&path).unwrap_or_else(|error| {
            warn!(%error, path = %path.display(), "the sites left alone are learned again: their list cannot be read");
            Vec::new()
        });
        let inner = Mutex::new(Inner { left_alone, ..Inner::default() });
        Self { path, inner, forgotten: broadcast::channel(FORGOTTEN_MAX).0 }
    }

    /// Told of each site that a technician takes off the list.
    pub(super) fn forgotten(&self) -> broadcast::Receiver<Host> {
        self.forgotten.subscribe()
    }

    /// For a gateway that comes: the list as it was left.
    pub(super) fn kept(&self) -> Vec<LearnedSite> {
        self.lock().left_alone.clone()
    }

    pub(super) fn note(&self, connection: u64, status: GatewayStatus) {
        let mut inner = self.lock();
        let outdated = inner.outdated(&status);
        let mut status = status;
        status.left_alone.retain(|site| !outdated.contains(&site.host));
        inner.statuses.insert(connection, status);
        self.keep_union(&mut inner);
        for host in outdated {
            let _ = self.forgotten.send(host);
        }
    }

    pub(super) fn note_gone(&self, connection: u64) {
        let mut inner = self.lock();
        inner.statuses.remove(&connection);
        if !inner.statuses.is_empty() {
            self.keep_union(&mut inner);
        }
    }

    fn keep_union(&self, inner: &mut Inner) {
        let mut all: Vec<LearnedSite> = inner.statuses.values().flat_map(|one| one.left_alone.clone()).collect();
        all.sort_by_cached_key(|site| (site.host.to_string(), std::cmp::Reverse(site.last)));
        all.dedup_by(|later, first| later.host == first.host);
        all.truncate(LEARNED_MAX);
        if inner.left_alone != all {
            inner.left_alone = all;
            self.write(&inner.left_alone);
        }
    }

    fn write(&self, left_alone: &[LearnedSite]) {
        if let Err(error) = write(&self.path, left_alone) {
            warn!(%error, path = %self.path.display(), "the list of sites left alone cannot be written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GatewayReports for GatewayBook {
    fn statuses(&self) -> Vec<GatewayStatus> {
        self.lock().statuses.values().cloned().collect()
    }

    fn left_alone(&self, now: Timestamp) -> Vec<LearnedSite> {
        self.lock().left_alone.iter().filter(|site| now < site.until()).cloned().collect()
    }

    fn forget(&self, host: &Host) -> bool {
        let mut inner = self.lock();
        let Some(at) = inner.left_alone.iter().position(|site| site.host == *host) else { return false };
        let site = inner.left_alone.remove(at);
        if FORGOTTEN_MAX <= inner.taken_off.len() {
            inner.taken_off.clear();
        }
        inner.taken_off.insert(site.host, site.last);
        self.write(&inner.left_alone);
        // Without a gateway there is nobody to tell: one that comes is given the list, and one that comes again says
        // what it has.
        let _ = self.forgotten.send(host.clone());
        true
    }
}

fn read(path: &Path) -> io::Result<Vec<LearnedSite>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, left_alone: &[LearnedSite]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, serde_json::to_vec_pretty(left_alone)?)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use schoolgate_tls::WhyLeft;

    use super::*;

    const NOW: &str = "2026-11-24T09:00Z";

    fn status(sites: &[(&str, &str)]) -> GatewayStatus {
        let site = |(host, last): &(&str, &str)| LearnedSite {
            host: host.parse().unwrap(),
            why: WhyLeft::Pinned,
            since: last.parse().unwrap(),
            last: last.parse().unwrap(),
        };
        GatewayStatus { left_alone: sites.iter().map(site).collect(), ..GatewayStatus::default() }
    }

    #[track_caller]
    fn check(book: &GatewayBook, expected: &[(&str, &str)]) {
        assert_eq!(book.left_alone(NOW.parse().unwrap()), status(expected).left_alone);
    }

    #[test]
    fn what_gateways_have_learned_outlives_them_and_control() {
        let folder = tempfile::tempdir().unwrap();
        let open = || GatewayBook::open(folder.path().join("left-alone.json"));
        let book = open();
        let (early, late) = ("2026-11-20T09:00Z", "2026-11-23T09:00Z");
        book.note(1, status(&[("app.example", early), ("bank.example", early)]));
        // Its successor is there before it has gone.
        book.note(2, status(&[("app.example", late)]));
        check(&book, &[("app.example", late), ("bank.example", early)]);
        assert_eq!(book.statuses().len(), 2);
        book.note_gone(1);
        check(&book, &[("app.example", late)]);
        book.note_gone(2);
        check(&open(), &[("app.example", late)]);
        let mut forgotten = book.forgotten();
        let host = "app.example".parse().unwrap();
        assert!(book.forget(&host) && !book.forget(&host));
        assert_eq!(forgotten.try_recv().unwrap(), host);
        check(&open(), &[]);
        // A gateway whose link was broken has not heard it.
        book.note(4, status(&[("app.example", late)]));
        check(&book, &[]);
        assert_eq!(forgotten.try_recv().unwrap(), host);
        let later = "2026-11-24T08:00Z";
        book.note(4, status(&[("app.example", later)]));
        check(&book, &[("app.example", later)]);
        book.note_gone(4);
        book.note(3, status(&[("old.example", "2026-10-20T09:00Z")]));
        check(&book, &[]);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_learned_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("left-alone.json");
        fs::write(&path, "[{").unwrap();
        check(&GatewayBook::open(path), &[]);
    }
}
