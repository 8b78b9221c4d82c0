//! Looks at lease files now and then, and reads those that changed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schoolgate_runtime::{Clock, Metrics, Tasks};
use tracing::{error, info, warn};

use crate::Identities;
use crate::dhcp::{LeaseFormat, Reading};
use crate::leases::LeaseSource;

/// Between two looks. Lease files are on network mounts too, where no notice comes of a change.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// Longest file that is read: half a million leases, as Kea appends them between two clean-ups.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Problems of one file that are logged; all that are kept are counted.
const LOGGED_MAX: usize = 5;

/// A file to read leases or devices from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseFile {
    pub path: PathBuf,
    pub format: LeaseFormat,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum LeaseFileError {
    #[error("cannot read lease file `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("lease file `{path}` is longer than {FILE_BYTES_MAX} bytes")]
    TooLong { path: PathBuf },
}

/// Keeps the leases of [`Identities`] as the files have them.
pub struct LeaseFiles {
    watched: Vec<Watched>,
    identities: Arc<Identities>,
    clock: Clock,
    tasks: Tasks,
    metrics: Metrics,
}

#[derive(Debug, Clone)]
struct Watched {
    file: LeaseFile,
    /// Of each part; what is not there has none.
    seen: Vec<Option<Stamp>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// What a look found.
enum Look {
    Same,
    Read(Reading),
    Failed(LeaseFileError),
}

impl LeaseFiles {
    pub fn new(
        files: Vec<LeaseFile>,
        identities: Arc<Identities>,
        clock: Clock,
        tasks: Tasks,
        metrics: Metrics,
    ) -> Self {
        let watched = files.into_iter().map(|file| Watched { file, seen: Vec::new() }).collect();
        Self { watched, identities, clock, tasks, metrics }
    }

    /// Looks until the program stops.
    pub async fn run(mut self) {
        let shutdown = self.tasks.shutdown();
        loop {
            self.look_once().await;
            tokio::select! {
                () = self.clock.wait_for(LOOK_EVERY) => {}
                () = shutdown.begun() => return,
            }
        }
    }

    async fn look_once(&mut self) {
        for place in 0..self.watched.len() {
            let Some(mut watched) = self.watched.get(place).cloned() else { continue };
            let looking = move || {
                let look = watched.look();
                (watched, look)
            };
            let Ok((watched, look)) = self.tasks.run_blocking("lease file", looking).await else { continue };
            self.take(&watched.file.path, look, self.clock.now());
            if let Some(known) = self.watched.get_mut(place) {
                *known = watched;
            }
        }
    }

    fn take(&self, path: &Path, look: Look, now: Timestamp) {
        match look {
            Look::Same => {}
            Look::Read(reading) => {
                let left_out =
                    self.identities.leases.replace(LeaseSource(path.to_string_lossy().into()), &reading, now);
                self.tell(path, &reading, left_out);
            }
            // What it said last holds until its leases run out.
            Look::Failed(failure) => {
                let cause = std::error::Error::source(&failure).map(|cause| format!(": {cause}")).unwrap_or_default();
                error!("{failure}{cause}");
                self.count("failed", 1);
            }
        }
    }

    fn tell(&self, path: &Path, reading: &Reading, left_out: usize) {
        let (path, leases) = (path.display(), reading.leases.len());
        info!(leases.count = leases, "read {leases} leases from `{path}`");
        for problem in reading.problems.iter().take(LOGGED_MAX) {
            warn!("`{path}`, {problem}");
        }
        if left_out > 0 {
            warn!(leases.left_out = left_out, "there was no room for {left_out} leases of `{path}`");
        }
        self.count("read", 1);
        self.count("problem", reading.problems.len());
    }

    fn count(&self, outcome: &'static str, count: usize) {
        let counter = self.metrics.labelled_counter(
            "schoolgate_identity_lease_files_total",
            "Lease files that were read or could not be, and lines that were not understood.",
            ("outcome", outcome),
        );
        counter.add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

impl Watched {
    fn look(&mut self) -> Look {
        let parts = parts(&self.file);
        let stamps: Vec<_> = parts.iter().map(|part| stamp(part)).collect();
        if stamps == self.seen {
            return Look::Same;
        }
        // Taken before reading, so that what is written meanwhile is seen the next time; a failure is told once.
        self.seen = stamps;
        match read(&self.file.path, &parts) {
            Ok(bytes) => Look::Read(self.file.format.read(&bytes)),
            Err(failure) => Look::Failed(failure),
        }
    }
}

/// Kea moves its file away to tidy it up, and appends to a new one: what was is in `.2` and `.1`, or in `.completed`
/// in place of both (Kea ARM, "Lease File Cleanup").
fn parts(file: &LeaseFile) -> Vec<PathBuf> {
    let beside = |end: &str| {
        let mut path = file.path.clone().into_os_string();
        path.push(end);
        PathBuf::from(path)
    };
    let completed = beside(".completed");
    let before = match file.format {
        LeaseFormat::Kea if completed.exists() => vec![completed],
        LeaseFormat::Kea => vec![beside(".2"), beside(".1")],
        LeaseFormat::Isc | LeaseFormat::Dnsmasq | LeaseFormat::Table => Vec::new(),
    };
    before.into_iter().filter(|path| path.exists()).chain([file.path.clone()]).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    Some(Stamp { inode: metadata.ino(), length: metadata.len(), modified })
}

fn read(path: &Path, parts: &[PathBuf]) -> Result<Vec<u8>, LeaseFileError> {
    let mut bytes = Vec::new();
    for part in parts {
        let failed = |source| LeaseFileError::Read { path: part.clone(), source };
        let file = File::open(part).map_err(failed)?;
        let left = FILE_BYTES_MAX.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let length = file.take(left + 1).read_to_end(&mut bytes).map_err(failed)?;
        if left < u64::try_from(length).unwrap_or(u64::MAX) {
            return Err(LeaseFileError::TooLong { path: path.to_owned() });
        }
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n";

    struct Kit {
        folder: tempfile::TempDir,
        files: LeaseFiles,
    }

    impl Kit {
        fn new(format: LeaseFormat) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = LeaseFile { path: folder.path().join("leases"), format };
            let clock = Clock::frozen("2026-11-26T09:00:00Z".parse().unwrap());
            let identities = Arc::new(Identities::new(8));
            let files = LeaseFiles::new(vec![file], identities, clock, Tasks::new(), Metrics::new());
            Self { folder, files }
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join(name), text).unwrap();
        }

        /// Addresses that are held after a look, and how often a file was read.
        async fn look(&mut self) -> (usize, u64) {
            self.files.look_once().await;
            let metrics = &self.files.metrics;
            let read =
                metrics.labelled_counter("schoolgate_identity_lease_files_total", "", ("outcome", "read")).value();
            (self.files.identities.leases.counts(self.files.clock.now()).0, read)
        }
    }

    fn line(address: &str) -> String {
        format!("{address},00:11:22:aa:bb:01,,3600,1795687200,1,0,0,,0\n")
    }

    #[tokio::test]
    async fn a_file_is_read_when_it_changed() {
        let mut kit = Kit::new(LeaseFormat::Kea);
        assert_eq!(kit.look().await, (0, 0));
        kit.write("leases", &format!("{HEADER}{}", line("10.0.0.5")));
        assert_eq!(kit.look().await, (1, 1));
        assert_eq!(kit.look().await, (1, 1));
        kit.write("leases", &format!("{HEADER}{}{}", line("10.0.0.5"), line("10.0.0.6")));
        assert_eq!(kit.look().await, (2, 2));
        fs::remove_file(kit.folder.path().join("leases")).unwrap();
        assert_eq!(kit.look().await, (2, 2), "what it said last holds");
    }

    #[tokio::test]
    async fn what_kea_moved_away_still_holds() {
        let mut kit = Kit::new(LeaseFormat::Kea);
        kit.write("leases", &format!("{HEADER}{}", line("10.0.0.5")));
        kit.look().await;
        fs::rename(kit.folder.path().join("leases"), kit.folder.path().join("leases.1")).unwrap();
        kit.write("leases", &format!("{HEADER}{}", line("10.0.0.6")));
        assert_eq!(kit.look().await, (2, 2));
        kit.write("leases.completed", &format!("{HEADER}{}", line("10.0.0.5")));
        assert_eq!(kit.look().await, (2, 3));
        fs::rename(kit.folder.path().join("leases.completed"), kit.folder.path().join("leases.2")).unwrap();
        fs::remove_file(kit.folder.path().join("leases.1")).unwrap();
        assert_eq!(kit.look().await, (2, 3), "under another name the same");
    }
}
