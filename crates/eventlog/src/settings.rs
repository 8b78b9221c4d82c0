//! The log's limits. The defaults are for one school on one machine.

use std::time::Duration;

use jiff::tz::TimeZone;

/// How much the log holds in memory and how often it writes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The school's time zone: files and series are by local day.
    pub zone: TimeZone,
    /// Events that may wait to be written; one more is dropped and counted.
    pub queue_events: usize,
    /// The longest an event waits for others before the disk is asked.
    pub commit_every: Duration,
    /// A batch of this size is written at once.
    pub commit_bytes: usize,
    /// A segment of this size is closed and converted; also bounds what a query reads from the spool.
    pub segment_bytes: u64,
    /// A segment that holds anything is closed after this time.
    pub segment_age: Duration,
    /// How often the help list's daily counts are written down.
    pub help_every: Duration,
    /// Memory that all queries together may take for sorting and grouping.
    pub query_bytes: usize,
}

impl Settings {
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            queue_events: 16_384,
            commit_every: Duration::from_millis(50),
            commit_bytes: 256 * 1024,
            segment_bytes: 8 * 1024 * 1024,
            segment_age: Duration::from_secs(300),
            help_every: Duration::from_secs(600),
            query_bytes: 256 * 1024 * 1024,
        }
    }
}
