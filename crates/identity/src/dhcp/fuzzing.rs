//! What fuzz targets call: lease files and tables, each input in every format.

use crate::dhcp::{Lease, LeaseFormat, Reading};

/// Addresses are held once; problems are few, have a line of the file, and nothing in them that a terminal would obey; a
/// lease written in the plainest of the formats is read again as it was.
pub fn lease_file(data: &[u8]) {
    for format in [LeaseFormat::Kea, LeaseFormat::Isc, LeaseFormat::Dnsmasq, LeaseFormat::Table] {
        let reading = format.read(data);
        assert!(reading.leases.is_sorted_by(|one, next| one.address < next.address), "{:?}", reading.leases);
        check_problems(&reading, data);
        check_again(&reading.leases);
        for known in &reading.devices {
            assert_eq!(known.mac.to_string().parse(), Ok(known.mac));
        }
    }
}

fn check_problems(reading: &Reading, data: &[u8]) {
    // Some writers end their lines with a carriage return alone, and so reads the library.
    let lines = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    assert!(reading.problems.len() <= 100);
    for problem in &reading.problems {
        let line = usize::try_from(problem.line).unwrap_or(usize::MAX);
        assert!(1 <= line && line <= lines, "{problem} of {lines} lines");
        assert!(!problem.what.contains(char::is_control), "{problem:?}");
        assert!(problem.what.len() < 400, "{problem}");
    }
}

fn check_again(leases: &[Lease]) {
    let line = |lease: &Lease| {
        let until = lease.until.map_or(0, |until| until.as_second());
        format!("{until} {} {} * *\n", lease.mac, lease.address)
    };
    // There 0 is for good, so a lease that ended in that second cannot be written.
    let written: Vec<&Lease> =
        leases.iter().filter(|lease| lease.until.is_none_or(|until| until.as_second() != 0)).collect();
    let text: String = written.iter().map(|lease| line(lease)).collect();
    let again = LeaseFormat::Dnsmasq.read(text.as_bytes());
    assert!(again.leases.iter().eq(written) && again.problems.is_empty(), "{text} {again:?}");
}
