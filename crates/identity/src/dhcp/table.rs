//! A table by hand: fixed addresses, and devices that are known by their hardware address.
//!
//! ```csv
//! address,mac,device,class
//! 10.0.4.20,00:11:22:aa:bb:cc,library-pc-1,shared
//! ,00-11-22-aa-bb-dd,trolley-a-07,shared
//! 10.0.4.21,00:11:22:aa:bb:ee,,
//! ```

use std::collections::HashMap;
use std::net::IpAddr;

use csv::{ReaderBuilder, StringRecord, Trim};
use schoolgate_base::{DeviceClass, DeviceId};

use crate::dhcp::{KnownDevice, Latest, Lease, Reading, shown};
use crate::mac::Mac;

#[derive(Debug, Default)]
struct Columns {
    address: Option<usize>,
    mac: Option<usize>,
    device: Option<usize>,
    class: Option<usize>,
}

struct Row {
    lease: Option<Lease>,
    device: Option<KnownDevice>,
}

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    // Spreadsheets on Windows put a mark before the first column.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).comment(Some(b'#')).from_reader(bytes);
    let columns = match reader.headers().map_err(|_| "the first line is not text".to_owned()).and_then(columns) {
        Ok(columns) => columns,
        Err(what) => {
            reading.problem(1, what);
            return reading;
        }
    };
    let mut latest = Latest::default();
    let mut lines: HashMap<IpAddr, u64> = HashMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                reading.problem(error.position().map_or(0, csv::Position::line), "the line is not text");
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(&columns, &record) {
            Ok(Row { lease, device }) => {
                if let Some(lease) = lease {
                    if let Some(first) = lines.insert(lease.address, line) {
                        reading.problem(line, format!("{} is in line {first} too; this one holds", lease.address));
                    }
                    latest.hold(lease);
                }
                reading.devices.extend(device);
            }
            Err(what) => reading.problem(line, what),
        }
    }
    reading.leases = latest.into_leases();
    reading
}

fn columns(header: &StringRecord) -> Result<Columns, String> {
    let mut columns = Columns::default();
    for (place, name) in header.iter().enumerate() {
        let column = match name.to_ascii_lowercase().as_str() {
            "address" => &mut columns.address,
            "mac" => &mut columns.mac,
            "device" => &mut columns.device,
            "class" => &mut columns.class,
            _ => {
                let known = "`address`, `mac`, `device` and `class`";
                return Err(format!("{} is no column of this table; it has {known}", shown(name)));
            }
        };
        *column = Some(place);
    }
    match columns.mac {
        Some(_) => Ok(columns),
        None => Err("the first line has to name the columns, `mac` among them".to_owned()),
    }
}

fn row(columns: &Columns, record: &StringRecord) -> Result<Row, String> {
    let field = |place: Option<usize>| place.and_then(|place| record.get(place)).filter(|text| !text.is_empty());
    let mac = field(columns.mac).ok_or("the line has no hardware address")?;
    let mac: Mac = mac.parse().map_err(|error| format!("{} is no hardware address: {error}", shown(mac)))?;
    let lease = field(columns.address).map(|text| {
        let address: IpAddr = text.parse().map_err(|_| format!("{} is no address", shown(text)))?;
        Ok::<_, String>(Lease { address: address.to_canonical(), mac, until: None })
    });
    let device = field(columns.device).map(|text| {
        let device = DeviceId::new(text).map_err(|error| format!("{} is no device: {error}", shown(text)))?;
        Ok::<_, String>(KnownDevice { mac, device, class: field(columns.class).map(DeviceClass::new) })
    });
    match (lease.transpose()?, device.transpose()?) {
        (None, None) => Err("the line has neither an address nor a device".to_owned()),
        (_, None) if field(columns.class).is_some() => Err("a class is a device's, and the line has none".to_owned()),
        (lease, device) => Ok(Row { lease, device }),
    }
}
