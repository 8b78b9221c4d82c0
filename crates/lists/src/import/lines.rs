//! Lists with an entry a line: plain ones and hosts files.

use std::net::IpAddr;

use crate::entry::{Entry, EntryError};
use crate::import::{Import, LINE_MAX_BYTES, LineError};

/// What some editors write before the first line.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// How many lines [`looks_like_hosts`] judges by.
const LINES_GUESSED_BY: usize = 200;

/// Names that stand for the machine itself in nearly every hosts file.
const LOCAL_NAMES: [&str; 9] = [
    "localhost",
    "localhost.localdomain",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-allnodes",
    "ip6-allrouters",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    Plain,
    Hosts,
}

pub(super) fn read(bytes: &[u8], grammar: Grammar, sink: &mut dyn FnMut(Entry)) -> Import {
    let mut import = Import::default();
    for (number, line) in (1_u64..).zip(lines(bytes)) {
        import.lines += 1;
        match content(line) {
            Ok("") => import.comments += 1,
            Ok(content) => read_line(number, content, grammar, &mut import, sink),
            Err(reason) => import.note(number, &beginning(line), reason),
        }
    }
    import
}

/// The lines of a file, without its byte order mark and without an empty one after the last line end.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let is_empty = bytes.is_empty();
    bytes.split(|byte| *byte == b'\n').filter(move |_| !is_empty)
}

/// What a line holds besides spaces, line end and comment.
fn content(line: &[u8]) -> Result<&str, LineError> {
    if LINE_MAX_BYTES < line.len() {
        return Err(LineError::TooLong(line.len()));
    }
    let text = std::str::from_utf8(line).map_err(|_| LineError::NotText)?.trim();
    if text.starts_with(['#', '!', ';']) {
        return Ok("");
    }
    // Inside a line only a `#` behind a space opens a comment: URLs may hold one.
    let comment =
        text.match_indices('#').find(|(at, _)| text.get(..*at).is_some_and(|before| before.ends_with([' ', '\t'])));
    Ok(comment.map_or(text, |(at, _)| text.get(..at).unwrap_or(text).trim_end()))
}

fn beginning(line: &[u8]) -> String {
    String::from_utf8_lossy(line.get(..LINE_MAX_BYTES.min(line.len())).unwrap_or_default()).into_owned()
}

fn read_line(number: u64, text: &str, grammar: Grammar, import: &mut Import, sink: &mut dyn FnMut(Entry)) {
    let mut take = |import: &mut Import, word: &str| match Entry::parse(word) {
        Ok(entry) => {
            import.entries += 1;
            sink(entry);
        }
        Err(reason) => import.note(number, text, LineError::Entry(reason)),
    };
    if grammar == Grammar::Plain {
        return take(import, text);
    }
    let Some(names) = hosts_names(text) else {
        return import.note(number, text, LineError::NotHosts);
    };
    for name in names.split_whitespace() {
        if is_local(name) {
            import.local_names += 1;
        } else if name.contains('/') {
            import.note(number, text, LineError::Entry(EntryError::Words));
        } else {
            take(import, name);
        }
    }
}

/// The names on a line of a hosts file; `None` when it is none.
fn hosts_names(text: &str) -> Option<&str> {
    let (address, names) = text.split_once([' ', '\t'])?;
    // `fe80::1%lo0` has a zone, which the address type does not read.
    let address = address.split('%').next()?;
    address.parse::<IpAddr>().ok().map(|_| names)
}

fn is_local(name: &str) -> bool {
    name == "0.0.0.0" || LOCAL_NAMES.iter().any(|local| local.eq_ignore_ascii_case(name))
}

pub(super) fn looks_like_hosts(bytes: &[u8]) -> bool {
    let contents = lines(bytes).filter_map(|line| content(line).ok()).filter(|content| !content.is_empty());
    let mut hosts = 0;
    let mut others = 0;
    for content in contents.take(LINES_GUESSED_BY) {
        match hosts_names(content) {
            Some(_) => hosts += 1,
            None => others += 1,
        }
    }
    others < hosts
}
