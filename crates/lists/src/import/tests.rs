use super::*;
use crate::Usage;

/// Reads `bytes` and lists what came of it: entries, then problems as `line: reason`.
#[track_caller]
fn check(format: ListFormat, bytes: &[u8], expected: &[&str]) {
    let mut found = Vec::new();
    let import = read_list(format, bytes, &mut |entry| {
        found.push(match entry {
            Entry::Host(name) => name.to_string(),
            Entry::Address(address) => address.to_string(),
            Entry::Url(host, path) => format!("{host}/{}", path.as_str()),
        });
    });
    assert_eq!(import.entries, found.len() as u64);
    assert_eq!(import.problem_count, import.problems.len() as u64);
    found.extend(import.problems.iter().map(|problem| match problem.reason {
        LineError::Entry(reason) => format!("{}: {reason:?}", problem.line),
        reason => format!("{}: {reason:?}", problem.line),
    }));
    assert_eq!(found, expected);
}

#[test]
fn plain_lists_have_an_entry_a_line() {
    check(
        ListFormat::Plain,
        b"\xef\xbb\xbf# made today\r\nExample.COM.\r\n\r\n! note\n*.b.example # why\n192.0.2.1\nc.example/x#y\n",
        &["example.com", "b.example", "192.0.2.1", "c.example/x"],
    );
}

#[test]
fn bad_lines_are_counted_and_placed() {
    let mut bytes = b"good.example\na b\n\xff\xfe.example\nexample..com\n10.0.0.0/8\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'a', 1 << 20));
    bytes.extend(b"\nlast.example");
    check(
        ListFormat::Plain,
        &bytes,
        &[
            "good.example",
            "last.example",
            "2: Words",
            "3: NotText",
            "4: Host(Label)",
            "5: Range",
            "6: TooLong(1048576)",
        ],
    );
}

#[test]
fn hosts_files_skip_the_machine_itself() {
    let bytes = b"127.0.0.1 localhost\n::1\tip6-localhost ip6-loopback\n0.0.0.0 0.0.0.0\n\
        0.0.0.0 ads.example  track.example # both\nbare.example\nfe80::1%lo0 localhost\n";
    check(ListFormat::Hosts, bytes, &["ads.example", "track.example", "5: NotHosts"]);
    assert_eq!(read_list(ListFormat::Hosts, bytes, &mut |_| ()).local_names, 5);
}

#[test]
fn warning_lists_are_read() {
    let json = br#"{"name": "x", "type": "hostname", "list": [".dyn.example", "192.0.2.0/24", "a.example"]}"#;
    check(ListFormat::Misp, json, &["dyn.example", "a.example", "2: Range"]);
    check(ListFormat::Misp, b"{}", &["1: NotMisp"]);
}

#[test]
fn formats_are_guessed() {
    assert_eq!(ListFormat::guess(b"# x\n0.0.0.0 a.example\n"), ListFormat::Hosts);
    assert_eq!(ListFormat::guess(b"# x\na.example\n192.0.2.1\n"), ListFormat::Plain);
    assert_eq!(ListFormat::guess(b"\xef\xbb\xbf {\"list\": []}"), ListFormat::Misp);
    assert_eq!(ListFormat::guess(b""), ListFormat::Plain);
}

#[test]
fn only_the_first_problems_are_kept() {
    let bytes = "a b\n".repeat(1_000);
    let import = read_list(ListFormat::Plain, bytes.as_bytes(), &mut |_| ());
    assert_eq!((import.problem_count, import.problems.len()), (1_000, PROBLEMS_SHOWN));
    assert!(import.without_text().problems.iter().all(|problem| problem.text.is_empty()));
}

#[test]
fn ut1_folders_are_told_apart() {
    let file = |path, bytes| ut1_file(path, bytes);
    assert_eq!(file("gambling/domains", b"x"), Ut1File::Entries { category: "gambling" });
    assert_eq!(file("./games/urls", b"x"), Ut1File::Entries { category: "games" });
    assert_eq!(file("ads", b"publicite\n"), Ut1File::Alias { alias: "ads", category: "publicite" });
    assert_eq!(file("README", b"Read this\nfirst"), Ut1File::Other);
    let usage = Usage { black: true, white: false };
    assert_eq!(file("bank/usage", b"black\nbank\n"), Ut1File::Usage { category: "bank", usage });
    assert_eq!(file("adult/expressions", b"(x"), Ut1File::Expressions { category: "adult" });
}
