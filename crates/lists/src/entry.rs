//! One entry of a list: a host name, an address or a URL prefix, as people and list makers write them.
//!
//! Entries are brought into the one form in which requests are compared with them, so that a list written with
//! capitals, `http://`, a trailing dot or `%7E` means what its maker meant.

use std::net::IpAddr;

use schoolgate_base::{Host, HostName, HostNameError, ends_part, normal_path};

use crate::PATH_MAX_BYTES;

/// What a list can name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// The host and everything below it.
    Host(HostName),
    /// Exactly this address.
    Address(IpAddr),
    /// The path and everything below it, on the host and everything below that.
    Url(Host, UrlPath),
}

/// Why a text is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("nothing stands here")]
    Empty,
    #[error("this is not a host name")]
    Host(#[source] HostNameError),
    #[error("network ranges are not matched; only single addresses are")]
    Range,
    #[error("entries with a port are not matched")]
    Port,
    #[error("an entry is one word; this line has several")]
    Words,
    #[error("the path is longer than {PATH_MAX_BYTES} bytes")]
    PathTooLong,
}

impl Entry {
    /// Reads `example.com`, `*.example.com`, `.example.com`, `192.0.2.1`, `example.com/path`,
    /// `https://example.com/path?query`.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            return Err(EntryError::Words);
        }
        let text = without_scheme(text);
        let at = text.find(['/', '?', '#']).unwrap_or(text.len());
        let (authority, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let authority = authority.strip_prefix("*.").or_else(|| authority.strip_prefix('.')).unwrap_or(authority);
        if authority.is_empty() {
            return Err(EntryError::Empty);
        }
        let host = Host::parse(authority).map_err(|error| host_error(authority, error))?;
        let path = UrlPath::new(rest).ok_or(EntryError::PathTooLong)?;
        match host {
            Host::Address(_) if is_prefix_length(rest) => Err(EntryError::Range),
            Host::Name(name) if path.is_root() => Ok(Self::Host(name)),
            Host::Address(address) if path.is_root() => Ok(Self::Address(address)),
            host => Ok(Self::Url(host, path)),
        }
    }
}

fn without_scheme(text: &str) -> &str {
    match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => rest,
        _ => text,
    }
}

/// Whether what follows an address makes it a network: `/24`.
fn is_prefix_length(rest: &str) -> bool {
    rest.strip_prefix('/').is_some_and(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= 128))
}

fn host_error(authority: &str, error: HostNameError) -> EntryError {
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => EntryError::Port,
        _ => EntryError::Host(error),
    }
}

/// A path with its query in the form paths are compared in, without the leading slash.
///
/// [`normal_path`], and letters are folded to lower case; trailing slashes and the fragment are removed. What is below
/// what is the same as in [`schoolgate_base::path_is_below`], which says why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UrlPath(Box<str>);

impl UrlPath {
    /// `None` when the path is longer than [`PATH_MAX_BYTES`] in this form.
    pub fn new(path_and_query: &str) -> Option<Self> {
        let folded = fold(path_and_query);
        (folded.len() <= PATH_MAX_BYTES).then(|| Self(folded.into()))
    }

    /// As [`UrlPath::new`], but a longer one is cut: an entry cannot be longer, so nothing is missed.
    pub fn cut(path_and_query: &str) -> Self {
        let mut folded = fold(path_and_query);
        folded.truncate(PATH_MAX_BYTES);
        Self(folded.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the site itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Lengths of the prefixes at which an entry may end, shortest first: whole segments and whole parameters.
    pub(crate) fn boundaries(&self) -> impl Iterator<Item = usize> {
        let bytes = self.0.as_bytes();
        let inner = bytes.iter().enumerate().filter(|(_, byte)| ends_part(**byte));
        inner.map(|(at, _)| at).chain([bytes.len()]).filter(|&at| at > 0)
    }
}

fn fold(path_and_query: &str) -> String {
    // A request may carry megabytes of path; an escape takes three bytes for one that counts.
    let mut cut = path_and_query.len().min(8 * PATH_MAX_BYTES);
    while !path_and_query.is_char_boundary(cut) {
        cut -= 1;
    }
    let text = path_and_query.get(..cut).unwrap_or_default();
    let text = text.split('#').next().unwrap_or_default();
    let normal = normal_path(text).to_ascii_lowercase();
    let (path, query) = normal.split_once('?').unwrap_or((&normal, ""));
    let path = path.trim_matches('/');
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use schoolgate_base::path_is_below;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match Entry::parse(text) {
            Ok(Entry::Host(host)) => format!("host {host}"),
            Ok(Entry::Address(address)) => format!("address {address}"),
            Ok(Entry::Url(host, path)) => format!("url {host} {}", path.as_str()),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn hosts_are_read_as_lists_write_them() {
        check("Example.COM.", "host example.com");
        check("*.example.com", "host example.com");
        check(".dyndns.example", "host dyndns.example");
        check("https://example.com/", "host example.com");
        check("bücher.example", "host xn--bcher-kva.example");
        check("192.0.2.7", "address 192.0.2.7");
        check("2001:db8::1", "address 2001:db8::1");
    }

    #[test]
    fn urls_are_brought_into_one_form() {
        check("http://Example.com/A/../%7euser//x/?q=%2F#top", "url example.com ~user/x?q=%2f");
        check("example.com/caf\u{e9}", "url example.com caf%c3%a9");
        check("example.com?page=1", "url example.com ?page=1");
        check("192.0.2.7/bin.sh", "url 192.0.2.7 bin.sh");
        check("[2001:db8::1]/x", "url [2001:db8::1] x");
        check("example.com/%2e%2e/secret", "url example.com secret");
    }

    #[test]
    fn other_things_are_named() {
        check("", "Empty");
        check("*.", "Empty");
        check("192.0.2.0/24", "Range");
        check("2001:db8::/48", "Range");
        check("example.com:8080", "Port");
        check("two words", "Words");
        check("||example.com^", "Host(Character)");
        check(&format!("example.com/{}", "a".repeat(2_000)), "PathTooLong");
    }

    #[test]
    fn boundaries_are_whole_segments_and_parameters() {
        let ends = |text: &str| UrlPath::cut(text).boundaries().collect::<Vec<_>>();
        assert_eq!(ends("/a/bc?x=1&y"), [1, 4, 8, 10]);
        assert_eq!(ends("/"), Vec::<usize>::new());
    }

    #[test]
    fn an_entry_holds_what_a_rule_for_the_same_path_holds() {
        let texts = [
            "/games",
            "/games/",
            "/Games/1",
            "/games;x",
            "/games?",
            "/games?x=1",
            "/games/?x=1&y",
            "/games?x=1;y",
            "/gamesy",
            "/?x=1",
            "/a/../games//",
            "/g%61mes&x",
            "/games%2Fx",
            "/games?x=1/2",
            "/games?x?y",
            "/games#x",
        ];
        for prefix in texts {
            for path in texts {
                let (entry, seen) = (UrlPath::cut(prefix), UrlPath::cut(path));
                let held = seen.boundaries().any(|end| seen.as_str().get(..end) == Some(entry.as_str()));
                assert_eq!(held, path_is_below(&normal_path(path), prefix), "{path} below {prefix}");
            }
        }
    }
}
