//! What fuzz targets call: lists as their makers write them, and the index file.

use std::sync::Arc;

use schoolgate_base::Host;

use crate::index::{HEADER_BYTES, file_header};
use crate::{
    Entry, Import, Index, IndexBuilder, LINE_MAX_BYTES, ListFormat, Matches, PATH_MAX_BYTES, PROBLEMS_SHOWN, read_list,
    ut1_file,
};

/// Entries of one input in one format that are built into an index.
const ENTRIES_MAX: usize = 64;

/// Every line is counted as one thing; an entry reads as itself when it is written again, and an index built of the
/// entries finds each of them.
pub fn list_import(data: &[u8]) {
    let _ = (ListFormat::guess(data), ut1_file("games/usage", data), ut1_file("games", data));
    let mut all = Vec::new();
    for format in [ListFormat::Plain, ListFormat::Hosts, ListFormat::Misp] {
        let mut entries = Vec::new();
        let import = read_list(format, data, &mut |entry| entries.push(entry));
        check_counts(&import, entries.len());
        entries.iter().for_each(check_again);
        all.extend(entries.into_iter().take(ENTRIES_MAX));
    }
    // An index takes milliseconds, reading a line microseconds: one input in eight.
    if data.len().is_multiple_of(8) {
        check_found(all);
    }
}

fn check_counts(import: &Import, entries: usize) {
    assert_eq!(u64::try_from(entries), Ok(import.entries));
    let shown = usize::try_from(import.problem_count).unwrap_or(usize::MAX).min(PROBLEMS_SHOWN);
    assert_eq!(import.problems.len(), shown);
    assert!(import.problems.iter().all(|problem| problem.text.len() <= LINE_MAX_BYTES));
    let is_in = |line: u64| (1..=import.lines.max(1)).contains(&line);
    assert!(import.problems.iter().all(|problem| is_in(problem.line)), "{import:?}");
}

fn check_again(entry: &Entry) {
    let text = match entry {
        Entry::Host(name) => name.to_string(),
        Entry::Address(address) => address.to_string(),
        // With two slashes, so that `192.0.2.7//24` is no network.
        Entry::Url(host, path) => format!("{host}//{}", path.as_str()),
    };
    assert_eq!(Entry::parse(&text).as_ref(), Ok(entry), "{text}");
    if let Entry::Url(_, path) = entry {
        assert!(!path.is_root() && path.as_str().len() <= PATH_MAX_BYTES, "{text}");
    }
}

fn check_found(entries: Vec<Entry>) {
    if entries.is_empty() {
        return;
    }
    let mut builder = IndexBuilder::new();
    let (Ok(category), Ok(list)) = (builder.category("games"), builder.list("own")) else { return };
    for entry in &entries {
        assert!(builder.add(entry.clone(), category, list).is_ok());
    }
    let Ok(bytes) = builder.build() else { unreachable!("a few entries always fit") };
    let Ok(index) = Index::open(Arc::new(bytes)) else { unreachable!("what was built opens") };
    for entry in entries {
        let found = match &entry {
            Entry::Host(name) => index.lookup_host(name),
            Entry::Address(address) => index.lookup_address(*address),
            Entry::Url(Host::Name(name), path) => index.lookup_url(name, &format!("/{}", path.as_str())),
            Entry::Url(Host::Address(address), path) => {
                index.lookup_address_url(*address, &format!("/{}", path.as_str()))
            }
        };
        assert!(!found.is_empty(), "{entry:?} is listed and not found");
    }
}

/// Bytes with a right header and anything behind it open or do not; what opens answers every question with ids of its
/// own. The input is a file of which the header is made anew.
pub fn list_index(data: &[u8]) {
    let body = data.get(HEADER_BYTES..).unwrap_or_default();
    let file = [&file_header(body), body].concat();
    let Ok(index) = Index::open(Arc::new(file)) else { return };
    assert!(index.categories().all(|(id, category)| index.category_name(id) == &*category.name));
    let check = |matches: Matches<'_>| {
        let (categories, lists) = (index.categories().len(), index.lists().len());
        for found in matches.take(1_000) {
            assert!(usize::from(found.category.0) < categories && usize::from(found.list.0) < lists, "{found:?}");
        }
    };
    for host in ["example.com", "www.games.example", "a.b.c.d.e.f", "xn--bcher-kva.example", "192.0.2.7", "2001:db8::1"]
    {
        let Ok(host) = Host::parse(host) else { continue };
        let _ = index.has_urls_in(&host, |category| category == "games");
        match &host {
            Host::Name(name) => {
                check(index.lookup_host(name));
                check(index.lookup_url(name, "/play/now?level=1&x"));
            }
            Host::Address(address) => {
                check(index.lookup_address(*address));
                check(index.lookup_address_url(*address, "/play/now?level=1&x"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        // An index is built of each import.
        schoolgate_testkit::fuzz::hold(&[("list_import", super::list_import)], 20_000);
        schoolgate_testkit::fuzz::hold(&[("list_index", super::list_index)], 300_000);
    }
}
