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
