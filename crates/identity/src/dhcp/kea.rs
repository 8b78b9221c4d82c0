//! Kea's lease file (`memfile`): comma-separated, the columns named in the first line, appended to.

use std::net::IpAddr;

use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;

use crate::dhcp::{Latest, Lease, Reading, shown};
use crate::mac::Mac;

/// State of a lease that is held; 1 is declined, 2 reclaimed after it ran out, 3 released, 4 registered (held, by the
/// client's own choice of address).
const HELD: &[&str] = &["0", "4", ""];
/// Lease type of a delegated prefix, which is a router's (IPv6).
const PREFIX: &str = "2";

struct Columns {
    address: usize,
    mac: usize,
    expire: usize,
    lifetime: usize,
    state: usize,
    kind: Option<usize>,
}

enum Row {
    Held(Lease),
    Free(IpAddr),
    /// Nothing that says which device: a DUID alone does not.
    Nameless,
}

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut latest = Latest::default();
    // Kea writes a comma in a value as `&#x2c` and never quotes.
    let mut reader = ReaderBuilder::new().flexible(true).quoting(false).from_reader(bytes);
    let columns = match reader.headers().map(columns) {
        Ok(Ok(columns)) => columns,
        Ok(Err(missing)) => {
            reading.problem(1, format!("this is no lease file of Kea: its first line has no `{missing}`"));
            return reading;
        }
        Err(_) => {
            reading.problem(1, "this is no lease file of Kea: its first line is not text");
            return reading;
        }
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                reading.problem(line, "the line is not text");
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(&columns, &record) {
            Ok(Row::Held(lease)) => latest.hold(lease),
            Ok(Row::Free(address)) => latest.free(address),
            Ok(Row::Nameless) => {}
            // Again the header: the server wrote it when it began a file, and two files were put together.
            Err(_) if record.get(columns.address) == Some("address") => {}
            Err(what) => reading.problem(line, what),
        }
    }
    reading.leases = latest.into_leases();
    reading
}

fn columns(header: &StringRecord) -> Result<Columns, &'static str> {
    let place = |name: &'static str| header.iter().position(|column| column == name).ok_or(name);
    Ok(Columns {
        address: place("address")?,
        mac: place("hwaddr")?,
        expire: place("expire")?,
        lifetime: place("valid_lifetime")?,
        state: place("state")?,
        kind: place("lease_type").ok(),
    })
}

fn row(columns: &Columns, record: &StringRecord) -> Result<Row, String> {
    let field = |place: usize| record.get(place).unwrap_or_default();
    let kind = columns.kind.map(field).unwrap_or_default();
    if kind == PREFIX {
        return Ok(Row::Nameless);
    }
    let address = field(columns.address);
    let address: IpAddr = address.parse().map_err(|_| format!("{} is no address", shown(address)))?;
    let lifetime = field(columns.lifetime);
    // A lease that was given back is written with a lifetime of nothing.
    if !HELD.contains(&field(columns.state)) || lifetime == "0" {
        return Ok(Row::Free(address));
    }
    let mac = field(columns.mac);
    if mac.is_empty() {
        return Ok(Row::Nameless);
    }
    let mac: Mac = mac.parse().map_err(|error| format!("{} is no hardware address: {error}", shown(mac)))?;
    let expire = field(columns.expire);
    let seconds = expire.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let until = seconds.ok_or_else(|| format!("{} is no time", shown(expire)))?;
    // A lifetime of all ones is for good.
    let until = (lifetime != "4294967295").then_some(until);
    Ok(Row::Held(Lease { address, mac, until }))
}
