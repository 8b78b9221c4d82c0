//! `dhcpd.leases` of ISC DHCP (`man dhcpd.leases`): blocks of statements, appended to, the last of an address holds.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::dhcp::{Latest, Lease, Reading, shown};
use crate::mac::Mac;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut latest = Latest::default();
    let mut open: Option<Block> = None;
    // Blocks of other kinds (`failover peer …`, `subclass …`) are passed over.
    let mut foreign = 0_usize;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match (&mut open, line) {
            (Some(_), "}") => {
                if let Some(block) = open.take() {
                    block.close(&mut latest, &mut reading);
                }
            }
            (Some(block), statement) => {
                if let Err(what) = block.take(statement) {
                    reading.problem(number, what);
                }
            }
            (None, "}") => foreign = foreign.saturating_sub(1),
            (None, line) if foreign == 0 && line.starts_with("lease ") && line.ends_with('{') => {
                match Block::open(line, number) {
                    Ok(block) => open = Some(block),
                    Err(what) => {
                        reading.problem(number, what);
                        foreign = 1;
                    }
                }
            }
            (None, line) => foreign += usize::from(line.ends_with('{')),
        }
    }
    // A block that is being written while we read is complete the next time.
    reading.leases = latest.into_leases();
    reading
}

/// A `lease` block.
struct Block {
    line: u64,
    address: IpAddr,
    mac: Option<Mac>,
    until: Option<Option<Timestamp>>,
    is_active: bool,
}

impl Block {
    fn open(line: &str, number: u64) -> Result<Self, String> {
        let address = line.trim_start_matches("lease").trim_end_matches('{').trim();
        let address = address.parse().map_err(|_| format!("{} is no address", shown(address)))?;
        Ok(Self { line: number, address, mac: None, until: None, is_active: false })
    }

    fn take(&mut self, statement: &str) -> Result<(), String> {
        let statement = statement.trim_end_matches(';');
        if let Some(text) = statement.strip_prefix("hardware ethernet ") {
            let wrong = |error| format!("{} is no hardware address: {error}", shown(text));
            self.mac = Some(text.trim().parse().map_err(wrong)?);
        } else if let Some(text) = statement.strip_prefix("ends ") {
            let until = moment(text.trim()).ok_or_else(|| format!("{} is no time", shown(text)))?;
            self.until = Some(until);
        } else if let Some(state) = statement.strip_prefix("binding state ") {
            self.is_active = state.trim() == "active";
        }
        Ok(())
    }

    fn close(self, latest: &mut Latest, reading: &mut Reading) {
        let Self { line, address, mac, until, is_active } = self;
        match (is_active, mac, until) {
            (true, Some(mac), Some(until)) => latest.hold(Lease { address, mac, until }),
            (true, _, None) => reading.problem(line, format!("the lease of {address} does not say when it ends")),
            // Free, given back, abandoned; or held by something that is no network card.
            (true, None, Some(_)) | (false, ..) => latest.free(address),
        }
    }
}

/// `4 2026/11/26 10:00:00` (the day of the week first, in UTC), `epoch 1795687200; # …`, or `never`.
fn moment(text: &str) -> Option<Option<Timestamp>> {
    if text == "never" {
        return Some(None);
    }
    if let Some(seconds) = text.strip_prefix("epoch ") {
        let seconds = seconds.split(';').next()?.trim().parse().ok()?;
        return Some(Some(Timestamp::from_second(seconds).ok()?));
    }
    let (_, date) = text.split_once(' ')?;
    let date = DateTime::strptime("%Y/%m/%d %H:%M:%S", date.trim()).ok()?;
    Some(Some(TimeZone::UTC.to_timestamp(date).ok()?))
}
