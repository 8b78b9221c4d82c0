//! Lease files of DHCP servers, and tables written by hand: which device holds which address.
//!
//! Every reader gives what it could read and says of the rest where and why it could not. The bytes are handed in:
//! whoever watches the files bounds their size.

mod dnsmasq;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod isc;
mod kea;
mod table;

use std::net::IpAddr;

use jiff::Timestamp;
use schoolgate_base::{DeviceClass, DeviceId};

use crate::mac::Mac;

/// Problems that are told of one file; a file of another kind has one in each line.
const PROBLEMS_MAX: usize = 100;

/// An address and the device that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub address: IpAddr,
    pub mac: Mac,
    /// `None`: for good.
    pub until: Option<Timestamp>,
}

/// A device that the school knows by its hardware address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    pub mac: Mac,
    pub device: DeviceId,
    pub class: Option<DeviceClass>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Problem {
    /// From 1.
    pub line: u64,
    pub what: Box<str>,
}

/// What a file says, and what of it could not be understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The latest of each address.
    pub leases: Vec<Lease>,
    pub devices: Vec<KnownDevice>,
    /// The first hundred.
    pub problems: Vec<Problem>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseFormat {
    /// Kea's `memfile`, for IPv4 or IPv6.
    Kea,
    /// `dhcpd.leases` of ISC DHCP, for IPv4.
    Isc,
    Dnsmasq,
    /// A table of our own: comma-separated, with a header of `address`, `mac`, `device`, `class` in any order.
    Table,
}

impl LeaseFormat {
    pub fn read(self, bytes: &[u8]) -> Reading {
        match self {
            Self::Kea => kea::read(bytes),
            Self::Isc => isc::read(bytes),
            Self::Dnsmasq => dnsmasq::read(bytes),
            Self::Table => table::read(bytes),
        }
    }
}

impl Reading {
    fn problem(&mut self, line: u64, what: impl Into<Box<str>>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { line, what: what.into() });
        }
    }
}

/// Leases by address, of which the later line holds: the servers append and tidy up now and then.
#[derive(Debug, Default)]
struct Latest(std::collections::BTreeMap<IpAddr, Option<Lease>>);

impl Latest {
    fn hold(&mut self, lease: Lease) {
        self.0.insert(lease.address, Some(lease));
    }

    fn free(&mut self, address: IpAddr) {
        self.0.insert(address, None);
    }

    fn into_leases(self) -> Vec<Lease> {
        self.0.into_values().flatten().collect()
    }
}

/// A piece of the file in a message: short, and without what a terminal would obey.
fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let mut shown: String = text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests;
