//! dnsmasq's lease file: the time it runs out, hardware address, address, name and client id, one lease in a line.
//!
//! Rewritten as a whole by the server. After a line `duid` come IPv6 leases, which name no hardware address.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::dhcp::{Latest, Lease, Reading, shown};
use crate::mac::Mac;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut latest = Latest::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else {
            reading.problem(number, "the line is not text");
            continue;
        };
        if line.starts_with("duid ") {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        match lease(line) {
            Ok(lease) => latest.hold(lease),
            Err(what) => reading.problem(number, what),
        }
    }
    reading.leases = latest.into_leases();
    reading
}

fn lease(line: &str) -> Result<Lease, String> {
    let mut words = line.split_ascii_whitespace();
    let (Some(until), Some(mac), Some(address)) = (words.next(), words.next(), words.next()) else {
        return Err("a lease has at least a time, a hardware address and an address".to_owned());
    };
    let seconds = until.parse::<i64>().map_err(|_| format!("{} is no time", shown(until)))?;
    // 0: for good.
    let until = match seconds {
        0 => None,
        seconds => Some(Timestamp::from_second(seconds).map_err(|_| format!("{} is no time", shown(until)))?),
    };
    // Anything but Ethernet has its kind before it: `06-00:11:…`.
    let mac: Mac = mac.parse().map_err(|error| format!("{} is no hardware address: {error}", shown(mac)))?;
    let address: IpAddr = address.parse().map_err(|_| format!("{} is no address", shown(address)))?;
    Ok(Lease { address, mac, until })
}
