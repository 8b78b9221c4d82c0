use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(format: LeaseFormat, text: &str, expected: &[&str]) {
    let reading = format.read(text.as_bytes());
    let leases = reading.leases.iter().map(|lease| match lease.until {
        Some(until) => format!("{} {} {until}", lease.address, lease.mac),
        None => format!("{} {} for good", lease.address, lease.mac),
    });
    let devices = reading.devices.iter().map(|device| {
        format!("{} is {} {}", device.mac, device.device, device.class.as_ref().map_or("-", |class| class.as_str()))
    });
    let problems = reading.problems.iter().map(ToString::to_string);
    let all: Vec<String> = leases.chain(devices).chain(problems).collect();
    assert_eq!(all, expected);
}

#[test]
fn keas_file_is_read_to_its_last_word() {
    let text = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n\
        10.0.0.5,00:11:22:aa:bb:01,01:00,3600,1795687200,1,0,0,pias-ipad,0,,0\n\
        10.0.0.6,00:11:22:aa:bb:02,,3600,1795687200,1,0,0,a&#x2cb,0,,0\n\
        10.0.0.5,00:11:22:aa:bb:03,,3600,1795690800,1,0,0,,0,,0\n\
        10.0.0.6,00:11:22:aa:bb:02,,0,1795687200,1,0,0,,0,,0\n\
        10.0.0.7,00:11:22:aa:bb:04,,3600,1795687200,1,0,0,,2,,0\n\
        10.0.0.8,,,3600,1795687200,1,0,0,,1,,0\n\
        10.0.0.9,00:11:22:aa:bb:09,,4294967295,6090654495,1,0,0,,0,,0\n";
    check(
        LeaseFormat::Kea,
        text,
        &["10.0.0.5 00:11:22:aa:bb:03 2026-11-26T11:00:00Z", "10.0.0.9 00:11:22:aa:bb:09 for good"],
    );
}

#[test]
fn keas_file_for_ipv6_names_addresses_and_not_prefixes() {
    let text = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n\
        2001:db8::5,00:01,3600,1795687200,1,3000,0,1,128,0,0,,00:11:22:aa:bb:01,0,,1,2,0\n\
        2001:db8:1::,00:02,3600,1795687200,1,3000,2,1,56,0,0,,00:11:22:aa:bb:02,0,,1,2,0\n\
        2001:db8::6,00:03,3600,1795687200,1,3000,0,1,128,0,0,,,0,,,,0\n";
    check(LeaseFormat::Kea, text, &["2001:db8::5 00:11:22:aa:bb:01 2026-11-26T10:00:00Z"]);
}

#[test]
fn keas_problems_name_line_and_what() {
    check(
        LeaseFormat::Kea,
        "lease 10.0.0.1 {\n",
        &["line 1: this is no lease file of Kea: its first line has no `address`"],
    );
    let text = "address,hwaddr,valid_lifetime,expire,state\n\
        10.0.0.300,00:11:22:aa:bb:01,3600,1795687200,0\n\
        10.0.0.4,0:1,3600,1795687200,0\n\
        address,hwaddr,valid_lifetime,expire,state\n\
        10.0.0.5,00:11:22:aa:bb:05,3600,soon,0\n";
    check(
        LeaseFormat::Kea,
        text,
        &[
            "line 2: `10.0.0.300` is no address",
            "line 3: `0:1` is no hardware address: a hardware address has six pairs of hexadecimal digits, such as 00:11:22:aa:bb:cc",
            "line 5: `soon` is no time",
        ],
    );
}

#[test]
fn isc_leases_are_read_to_the_last_block() {
    let text = "# The format of this file is documented in the dhcpd.leases(5) manual page.\n\
        authoring-byte-order little-endian;\n\
        server-duid \"\\000\\001\";\n\
        failover peer \"x\" state {\n  my state normal at 4 2026/11/26 09:00:00;\n}\n\
        lease 10.0.0.5 {\n  starts 4 2026/11/26 09:00:00;\n  ends 4 2026/11/26 10:00:00;\n  binding state active;\n\
        \x20 next binding state free;\n  hardware ethernet 00:11:22:aa:bb:01;\n  client-hostname \"pia}\";\n}\n\
        lease 10.0.0.6 {\n  ends never;\n  binding state active;\n  hardware ethernet 00:11:22:aa:bb:02;\n}\n\
        lease 10.0.0.7 {\n  ends epoch 1795687200; # Thu\n  binding state active;\n  hardware ethernet 00:11:22:aa:bb:03;\n}\n\
        lease 10.0.0.5 {\n  ends 4 2026/11/26 11:00:00;\n  binding state active;\n  hardware ethernet 00:11:22:aa:bb:04;\n}\n\
        lease 10.0.0.7 {\n  ends 4 2026/11/26 10:00:00;\n  binding state free;\n  hardware ethernet 00:11:22:aa:bb:03;\n}\n\
        lease 10.0.0.8 {\n  ends 4 2026/11/26 11:00:00;\n  binding state act";
    check(
        LeaseFormat::Isc,
        text,
        &["10.0.0.5 00:11:22:aa:bb:04 2026-11-26T11:00:00Z", "10.0.0.6 00:11:22:aa:bb:02 for good"],
    );
}

#[test]
fn isc_problems_name_line_and_what() {
    let text = "lease 10.0.0.500 {\n  binding state active;\n}\n\
        lease 10.0.0.5 {\n  ends tomorrow;\n  binding state active;\n  hardware ethernet 00:11:22:aa:bb:01;\n}\n";
    check(
        LeaseFormat::Isc,
        text,
        &[
            "line 1: `10.0.0.500` is no address",
            "line 5: `tomorrow` is no time",
            "line 4: the lease of 10.0.0.5 does not say when it ends",
        ],
    );
}

#[test]
fn dnsmasqs_lines_are_read() {
    let text = "1795687200 00:11:22:aa:bb:01 10.0.0.5 pias-ipad 01:00:11:22:aa:bb:01\n\
        0 00:11:22:aa:bb:02 10.0.0.6 * *\n\
        soon 00:11:22:aa:bb:03 10.0.0.7 * *\n\
        1795687200 06-00:11:22:aa:bb:03 10.0.0.8 * *\n\
        1795687200\n\
        duid 00:01:00:01\n\
        1795687200 1 2001:db8::5 * 00:01\n";
    check(
        LeaseFormat::Dnsmasq,
        text,
        &[
            "10.0.0.5 00:11:22:aa:bb:01 2026-11-26T10:00:00Z",
            "10.0.0.6 00:11:22:aa:bb:02 for good",
            "line 3: `soon` is no time",
            "line 4: `06-00:11:22:aa:bb:03` is no hardware address: a hardware address has six pairs of hexadecimal digits, such as 00:11:22:aa:bb:cc",
            "line 5: a lease has at least a time, a hardware address and an address",
        ],
    );
}

#[test]
fn a_table_names_addresses_and_devices() {
    let text = "\u{FEFF}address, mac ,device,class\r\n# the library\r\n\
        10.0.4.20,00:11:22:aa:bb:cc,library-pc-1,shared\r\n,00-11-22-aa-bb-dd,trolley-7,\r\n10.0.4.21,001122aabbee,,\r\n";
    check(
        LeaseFormat::Table,
        text,
        &[
            "10.0.4.20 00:11:22:aa:bb:cc for good",
            "10.0.4.21 00:11:22:aa:bb:ee for good",
            "00:11:22:aa:bb:cc is library-pc-1 shared",
            "00:11:22:aa:bb:dd is trolley-7 -",
        ],
    );
}

#[test]
fn a_tables_problems_name_line_and_what() {
    check(
        LeaseFormat::Table,
        "adress,mac\n",
        &["line 1: `adress` is no column of this table; it has `address`, `mac`, `device` and `class`"],
    );
    check(LeaseFormat::Table, "address\n", &["line 1: the first line has to name the columns, `mac` among them"]);
    let text = "address,mac,device,class\n10.0.0.1,,,\n10.0.0.x,00:11:22:aa:bb:cc,,\n,00:11:22:aa:bb:cc,,\n\
        10.0.0.2,00:11:22:aa:bb:cc,,shared\n10.0.0.3,00:11:22:aa:bb:01,,\n10.0.0.3,00:11:22:aa:bb:02,,\n";
    check(
        LeaseFormat::Table,
        text,
        &[
            "10.0.0.3 00:11:22:aa:bb:02 for good",
            "line 2: the line has no hardware address",
            "line 3: `10.0.0.x` is no address",
            "line 4: the line has neither an address nor a device",
            "line 5: a class is a device's, and the line has none",
            "line 7: 10.0.0.3 is in line 6 too; this one holds",
        ],
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), lines in "([a-z0-9:., {};#\\n]{0,60}\\n){0,20}") {
        for format in [LeaseFormat::Kea, LeaseFormat::Isc, LeaseFormat::Dnsmasq, LeaseFormat::Table] {
            for bytes in [&bytes[..], lines.as_bytes()] {
                prop_assert!(format.read(bytes).problems.len() <= PROBLEMS_MAX);
            }
        }
    }
}
