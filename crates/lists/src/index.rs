//! The index: which categories a host, an address or a URL is of, and who says so.
//!
//! An index works over bytes it is given, from memory or from a mapped file; it copies only names, sets and codes out
//! of them (some tens of kilobytes), so opening takes as long as one pass over the bytes for their checksum.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use schoolgate_base::{Host, HostName};

use crate::dictionary::{Alphabet, KeyHash, Parts};
use crate::entry::UrlPath;
use crate::key::{HostKey, url_key};
use crate::names::{Category, CategoryId, ListId, Names};
use crate::sets::{self, Pair};
use crate::wire::{Reader, checksum, put_section};

const MAGIC: &[u8; 8] = b"SGLISTS\n";
/// Changes with every change to what the bytes mean.
const FORMAT: u32 = 1;
/// Magic, format, length, checksum.
pub(crate) const HEADER_BYTES: usize = 8 + 4 + 8 + 8;

/// Bytes of an index file that stay put: a vector, or a mapped file.
pub type IndexBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Why bytes are not an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("this is not a list index")]
    Magic,
    #[error("the list index has format {found}, this program reads {FORMAT}")]
    Format { found: u32 },
    #[error("the list index has {found} bytes and should have {expected}")]
    Length { found: u64, expected: u64 },
    #[error("the list index is damaged: its checksum differs")]
    Checksum,
    #[error("the list index is damaged: {what}")]
    Corrupt { what: &'static str },
}

/// Categories of host names, addresses and URL prefixes. Cheap to clone.
#[derive(Clone)]
pub struct Index(Arc<Inner>);

struct Inner {
    bytes: IndexBytes,
    names: Names,
    sets: Vec<Box<[Pair]>>,
    hosts: Parts,
    urls: Parts,
}

/// One thing a list says of what was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// Labels of the entry's host: 2 for `example.com`; 0 for an address.
    pub labels: u8,
    /// Bytes of the entry's path in its compared form; 0 when the entry is a whole host.
    pub path_bytes: u16,
    pub category: CategoryId,
    pub list: ListId,
}

/// What was found, most specific entry first.
#[derive(Debug, Clone)]
pub struct Matches<'a> {
    sets: &'a [Box<[Pair]>],
    /// Entries found, the most specific last; mostly none, so mostly no allocation.
    hits: Vec<Hit>,
    /// How many pairs of the last hit were given out.
    given: usize,
}

#[derive(Debug, Clone, Copy)]
struct Hit {
    labels: u8,
    path_bytes: u16,
    set: u16,
}

impl Index {
    /// Checks and opens the bytes of an index file.
    pub fn open(bytes: IndexBytes) -> Result<Self, OpenError> {
        let file = (*bytes).as_ref();
        let mut reader = Reader::new(file, 0);
        check_header(&mut reader, file)?;
        let names = Names::read(&mut reader.section("names")?)?;
        let sets = sets::read(&mut reader.section("category sets")?, &names)?;
        let hosts = Parts::read(Alphabet::Host, &mut reader.section("hosts")?)?;
        let urls = Parts::read(Alphabet::Url, &mut reader.section("urls")?)?;
        Ok(Self(Arc::new(Inner { names, sets, hosts, urls, bytes })))
    }

    /// All categories, in the order of their ids.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = (CategoryId, &Category)> {
        self.0.names.categories.iter().enumerate().map(|(id, category)| (CategoryId(id as u16), category))
    }

    /// All lists, in the order of their ids.
    pub fn lists(&self) -> impl ExactSizeIterator<Item = (ListId, &str)> {
        self.0.names.lists.iter().enumerate().map(|(id, list)| (ListId(id as u16), &**list))
    }

    /// The category of this name or other name.
    pub fn category_id(&self, name: &str) -> Option<CategoryId> {
        self.0.names.category_id(name)
    }

    /// The name of a category; empty for an id of another index.
    pub fn category_name(&self, id: CategoryId) -> &str {
        self.0.names.categories.get(usize::from(id.0)).map_or("", |category| &category.name)
    }

    /// The name of a list; empty for an id of another index.
    pub fn list_name(&self, id: ListId) -> &str {
        self.0.names.lists.get(usize::from(id.0)).map_or("", |list| list)
    }

    /// Host names and addresses, each counted once.
    pub fn host_count(&self) -> usize {
        self.0.hosts.keys()
    }

    /// URL prefixes, each counted once.
    pub fn url_count(&self) -> u64 {
        self.0.names.urls
    }

    /// Whether any URL prefix is listed on this host or a name it is within, so that seeing a path could add a match.
    pub fn has_urls(&self, host: &HostName) -> bool {
        self.has_urls_of(&HostKey::of_name(host))
    }

    /// As [`Index::has_urls`], for an address.
    pub fn has_address_urls(&self, address: IpAddr) -> bool {
        self.has_urls_of(&HostKey::of_address(address))
    }

    /// Whether a URL prefix that could add a match is listed in a category that `is_wanted` by name.
    pub fn has_urls_in(&self, host: &Host, is_wanted: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        self.for_each_url_host(&HostKey::of(host), |_, _, _, below| {
            let below = self.0.sets.get(usize::from(below));
            found |= match below.map(|set| &**set) {
                // Files of an earlier build say only that there are some.
                None | Some([]) => true,
                Some(below) => below.iter().any(|(category, _)| is_wanted(self.category_name(*category))),
            };
        });
        found
    }

    /// What lists say of a name: of itself and of every name it is within, whole labels only.
    pub fn lookup_host(&self, name: &HostName) -> Matches<'_> {
        self.lookup_key(&HostKey::of_name(name))
    }

    /// What lists say of an address itself.
    pub fn lookup_address(&self, address: IpAddr) -> Matches<'_> {
        self.lookup_key(&HostKey::of_address(address))
    }

    /// What lists say of a URL below its host: entries with a path. `path` is path and query as in the request. For
    /// entries of the host as a whole see [`Index::lookup_host`].
    pub fn lookup_url(&self, host: &HostName, path: &str) -> Matches<'_> {
        self.lookup_url_key(&HostKey::of_name(host), path)
    }

    /// As [`Index::lookup_url`], for a URL with an address for a host.
    pub fn lookup_address_url(&self, address: IpAddr, path: &str) -> Matches<'_> {
        self.lookup_url_key(&HostKey::of_address(address), path)
    }

    fn has_urls_of(&self, key: &HostKey) -> bool {
        let mut found = false;
        self.for_each_url_host(key, |_, _, _, _| found = true);
        found
    }

    fn lookup_key(&self, key: &HostKey) -> Matches<'_> {
        let dictionary = self.0.hosts.over((*self.0.bytes).as_ref());
        let mut matches = self.no_matches();
        for_each_parent(key, |parent, labels, hash| {
            if dictionary.may_contain(hash) {
                matches.add(labels, 0, dictionary.get(parent));
            }
        });
        matches
    }

    fn lookup_url_key(&self, key: &HostKey, path: &str) -> Matches<'_> {
        let dictionary = self.0.urls.over((*self.0.bytes).as_ref());
        let mut matches = self.no_matches();
        let mut folded = None;
        self.for_each_url_host(key, |parent, labels, mut hash, _| {
            let path = folded.get_or_insert_with(|| UrlPath::cut(path));
            let url = url_key(parent, path.as_str().as_bytes());
            let mut hashed = 0;
            for end in path.boundaries() {
                let added = path.as_str().as_bytes().get(hashed..end).unwrap_or_default();
                hash = added.iter().fold(hash, |hash, &byte| hash.push(byte));
                hashed = end;
                if dictionary.may_contain(hash) {
                    let prefix = url.get(..parent.len() + 1 + end).unwrap_or_default();
                    matches.add(labels, end as u16, dictionary.get(prefix));
                }
            }
        });
        matches
    }

    /// Visits the host's key and those of its parents that have URL prefixes, shortest first, with their label counts
    /// the hash up to the slash behind them and the set of what is said below them. Such hosts stand in the dictionary as keys of their own, so that no
    /// path is touched for any other.
    fn for_each_url_host(&self, key: &HostKey, mut visit: impl FnMut(&[u8], u8, KeyHash, u16)) {
        let dictionary = self.0.urls.over((*self.0.bytes).as_ref());
        for_each_parent(key, |parent, labels, hash| {
            let hash = hash.push(b'/');
            if dictionary.may_contain(hash)
                && let Some(below) = dictionary.get(&url_key(parent, &[]))
            {
                visit(parent, labels, hash, below);
            }
        });
    }

    fn no_matches(&self) -> Matches<'_> {
        Matches { sets: &self.0.sets, hits: Vec::new(), given: 0 }
    }
}

/// Visits a host's key and its parents, shortest first, with their label counts and hashes.
#[inline]
fn for_each_parent(key: &HostKey, mut visit: impl FnMut(&[u8], u8, KeyHash)) {
    let bytes = key.as_bytes();
    let mut hash = KeyHash::START;
    let mut labels = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if key.ends_label(byte) {
            labels += 1;
            visit(bytes.get(..at).unwrap_or_default(), labels, hash);
        }
        hash = hash.push(byte);
    }
    visit(bytes, labels + u8::from(key.is_name()), hash);
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("hosts", &self.host_count())
            .field("urls", &self.url_count())
            .finish_non_exhaustive()
    }
}

impl Matches<'_> {
    fn add(&mut self, labels: u8, path_bytes: u16, set: Option<u16>) {
        self.hits.extend(set.map(|set| Hit { labels, path_bytes, set }));
    }

    /// Whether nothing (more) was found.
    pub fn is_empty(&self) -> bool {
        self.clone().next().is_none()
    }
}

impl Iterator for Matches<'_> {
    type Item = Match;

    fn next(&mut self) -> Option<Match> {
        loop {
            let hit = *self.hits.last()?;
            let pair = self.sets.get(usize::from(hit.set)).and_then(|set| set.get(self.given));
            let Some(&(category, list)) = pair else {
                self.hits.pop();
                self.given = 0;
                continue;
            };
            self.given += 1;
            return Some(Match { labels: hit.labels, path_bytes: hit.path_bytes, category, list });
        }
    }
}

fn check_header(reader: &mut Reader<'_>, file: &[u8]) -> Result<(), OpenError> {
    if reader.take(MAGIC.len(), "magic").map_err(|_| OpenError::Magic)? != MAGIC {
        return Err(OpenError::Magic);
    }
    let found = reader.u32("format")?;
    if found != FORMAT {
        return Err(OpenError::Format { found });
    }
    let expected = reader.u64("length")?;
    if expected != file.len() as u64 {
        return Err(OpenError::Length { found: file.len() as u64, expected });
    }
    let sum = reader.u64("checksum")?;
    if sum != checksum(file.get(HEADER_BYTES..).unwrap_or_default()) {
        return Err(OpenError::Checksum);
    }
    Ok(())
}

/// The file: header, then each section behind its length.
pub(crate) fn file_bytes(sections: [&[u8]; 4]) -> Vec<u8> {
    let body_len: usize = sections.iter().map(|section| 8 + section.len()).sum();
    let mut file = Vec::with_capacity(HEADER_BYTES + body_len);
    file.extend_from_slice(&[0; HEADER_BYTES]);
    for section in sections {
        put_section(&mut file, section);
    }
    let header = file_header(file.get(HEADER_BYTES..).unwrap_or_default());
    if let Some(place) = file.first_chunk_mut() {
        *place = header;
    }
    file
}

/// Magic, format, length and checksum of a file with this body.
pub(crate) fn file_header(body: &[u8]) -> [u8; HEADER_BYTES] {
    let length = ((HEADER_BYTES + body.len()) as u64).to_le_bytes();
    let sum = checksum(body).to_le_bytes();
    let parts = [&MAGIC[..], &FORMAT.to_le_bytes(), &length, &sum];
    let mut header = [0; HEADER_BYTES];
    for (place, byte) in header.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    header
}

#[cfg(test)]
mod tests;
