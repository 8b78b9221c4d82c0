//! Paths of addresses in the one form in which they are compared.

use std::borrow::Cow;

/// Path and query in their normal form (RFC 3986 §6.2.2): escapes of unreserved bytes decoded, other bytes outside
/// printable ASCII escaped, hexadecimal digits in upper case, dot segments removed.
///
/// Repeated slashes count as one, and `\` in the path as `/` (WHATWG URL §4.4), since enough servers read them so. What
/// begins with neither `/` nor `?` is given its slash; the fragment is kept.
pub fn normal_path(path_and_query: &str) -> Cow<'_, str> {
    if is_normal(path_and_query) {
        return Cow::Borrowed(path_and_query);
    }
    let at = path_and_query.find(['?', '#']).unwrap_or(path_and_query.len());
    let (path, query) = path_and_query.split_at_checked(at).unwrap_or((path_and_query, ""));
    let mut normal = without_dots(&decoded(&path.replace('\\', "/")));
    normal.push_str(&decoded(query));
    Cow::Owned(normal)
}

/// Whether a path in its normal form is `prefix`, as people or lists wrote it, or below it: by whole segments and whole
/// parameters. `/a` holds `/a`, `/a/b`, `/a;b` and `/a?x`, not `/ab`; `/a?x=1` holds `/a?x=1&y`.
///
/// Slashes at the end of a path say nothing, nor do capitals: most lists are made in lower case, many servers read them
/// alike, and two pages that differ in nothing else are rare. What is taken for the same by mistake costs a page;
/// what is taken for another opens one that was closed.
pub fn path_is_below(path: &str, prefix: &str) -> bool {
    let prefix = normal_path(prefix);
    let ((path, query), (prefix, wanted)) = (parts(path), parts(&prefix));
    match (rest_after(path, prefix), wanted) {
        (Some(rest), "") => prefix.is_empty() || is_end(rest),
        (Some(""), wanted) => rest_after(query, wanted).is_some_and(is_end),
        (Some(_) | None, _) => false,
    }
}

/// As [`path_is_below`], and in whatever order the parameters stand: for what closes. What opens does not ask it, since
/// of a parameter that is there twice servers choose one or the other.
pub fn path_is_closed_by(path: &str, prefix: &str) -> bool {
    if path_is_below(path, prefix) {
        return true;
    }
    let prefix = normal_path(prefix);
    let ((path, query), (prefix, wanted)) = (parts(path), parts(&prefix));
    let is_given = |wanted: &str| parameters(query).any(|given| given.eq_ignore_ascii_case(wanted));
    !wanted.is_empty() && path.eq_ignore_ascii_case(prefix) && parameters(wanted).all(is_given)
}

/// Whether what is named may end before this byte of a path and query.
pub fn ends_part(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b'&' | b';')
}

/// The path with its escaped slashes, backslashes and semicolons as such, in its normal form; `None` where it has none.
/// RFC 3986 §2.2 keeps `/a%2Fb` and `/a/b` apart, but not every server does.
pub fn revealed_path(path_and_query: &str) -> Option<String> {
    let at = path_and_query.find(['?', '#']).unwrap_or(path_and_query.len());
    let (path, query) = path_and_query.split_at_checked(at)?;
    if !path.contains('%') {
        return None;
    }
    let normal = normal_path(path);
    let revealed = normal.replace("%2F", "/").replace("%5C", "/").replace("%3B", ";");
    (revealed != *normal).then(|| normal_path(&format!("{revealed}{query}")).into_owned())
}

/// Path without the slashes around it, and query.
fn parts(normal: &str) -> (&str, &str) {
    let text = normal.split('#').next().unwrap_or_default();
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    (path.trim_matches('/'), query)
}

fn parameters(query: &str) -> impl Iterator<Item = &str> {
    query.split(['&', ';']).filter(|parameter| !parameter.is_empty())
}

fn rest_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (begin, rest) = text.split_at_checked(start.len())?;
    begin.eq_ignore_ascii_case(start).then_some(rest)
}

fn is_end(rest: &str) -> bool {
    rest.bytes().next().is_none_or(ends_part)
}

/// Whether nothing is to be done; not the other way round.
fn is_normal(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    let has_odd_segment = path.contains("//") || path.contains("/.") || path.contains('\\');
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%');
    is_plain && !has_odd_segment && (path.is_empty() || path.starts_with('/'))
}

fn without_dots(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 1);
    if path.is_empty() {
        return out;
    }
    let mut ends_in_slash = false;
    for segment in path.split('/') {
        ends_in_slash = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            segment => {
                out.push('/');
                out.push_str(segment);
            }
        }
    }
    if ends_in_slash {
        out.push('/');
    }
    out
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escape = after.first_chunk::<2>().filter(|_| byte == b'%').and_then(hex);
        match escape {
            Some(decoded) => {
                rest = after.get(2..).unwrap_or_default();
                if decoded.is_ascii_alphanumeric() || b"-._~".contains(&decoded) {
                    out.push(char::from(decoded));
                } else {
                    push_escaped(&mut out, decoded);
                }
            }
            None if byte.is_ascii_graphic() && byte != b'%' => out.push(char::from(byte)),
            None => push_escaped(&mut out, byte),
        }
    }
    out
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = *digits;
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn push_escaped(out: &mut String, byte: u8) {
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let normal = normal_path(text);
        assert_eq!(normal, expected, "{text}");
        assert_eq!(normal_path(&normal), normal, "{text} twice");
    }

    #[test]
    fn every_spelling_of_a_path_is_one() {
        for spelling in
            ["/live", "/%6Cive", "/%6cive", "/./live", "//live", "/x/../live", "/%2e%2E/live", "/\\live", "live"]
        {
            check(spelling, "/live");
        }
        check("/exam/../games", "/games");
        check("/exam/..", "/");
        check("/exam/.", "/exam/");
        check("/exam//", "/exam/");
        check("/../../a", "/a");
    }

    #[track_caller]
    fn check_below(path: &str, prefix: &str, expected: bool) {
        assert_eq!(path_is_below(&normal_path(path), prefix), expected, "{path} below {prefix}");
    }

    #[test]
    fn below_means_whole_segments_and_parameters() {
        for prefix in ["/games", "/games/", "games", "/Games//", "/x/../games"] {
            for path in ["/games", "/games/", "/games/1", "/games;x", "/games?x", "/GAMES", "/games&x", "/games/?x#y"] {
                check_below(path, prefix, true);
            }
            for path in ["/gamesy", "/game", "/", "/a/games", "/?games"] {
                check_below(path, prefix, false);
            }
        }
        for path in ["/watch?v=abc", "/watch/?v=abc&t=1", "/watch?v=abc;t=1"] {
            check_below(path, "/watch?v=abc", true);
        }
        for path in ["/watch", "/watch?v=abcd", "/watch/x?v=abc"] {
            check_below(path, "/watch?v=abc", false);
        }
        check_below("/anything?x", "/", true);
        check_below("/?page=1", "?page=1", true);
    }

    #[test]
    fn what_closes_holds_in_any_order_of_parameters() {
        for path in ["/watch?v=abc", "/watch?t=1&v=abc", "/Watch/?a;b&v=abc;c"] {
            assert!(path_is_closed_by(path, "/watch?v=abc"), "{path}");
        }
        for path in ["/watch?t=1", "/watch?t=v=abc", "/watch?v=abcd&t", "/x?t&v=abc", "/watch"] {
            assert!(!path_is_closed_by(path, "/watch?v=abc"), "{path}");
        }
        assert!(path_is_closed_by("/p?c=3&b=2&a=1", "/p?a=1&c=3"));
        assert!(!path_is_closed_by("/p?b=2&a=1", "/p?a=1&c=3"));
    }

    #[test]
    fn hidden_separators_are_revealed() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(revealed_path(path).as_deref(), expected, "{path}");
        check("/games%2Fplay?a=%2F", Some("/games/play?a=%2F"));
        check("/%2fgames", Some("/games"));
        check("/games%5cplay", Some("/games/play"));
        check("/games%3bx", Some("/games;x"));
        check("/exam/..%2Fgames", Some("/games"));
        check("/games?a=%2F", None);
        check("/caf%C3%A9", None);
        check("/games", None);
    }

    #[test]
    fn what_differs_stays_apart() {
        check("", "");
        check("/", "/");
        check("/Live", "/Live");
        check("/.well-known/x", "/.well-known/x");
        check("/a%2fb", "/a%2Fb");
        check("/100%", "/100%25");
        check("/%%36%31", "/%2561");
        check("/caf\u{e9}", "/caf%C3%A9");
        check("?%71=//..\\x", "?q=//..\\x");
        check("/a?b=/../c#d", "/a?b=/../c#d");
    }
}
