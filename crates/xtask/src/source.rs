//! Reads Rust source as far as house rules need: code without its comments and strings, functions with their length,
//! regions that are tests.
//!
//! Not a parser: text that rustc would refuse gets some answer, never a panic.

use std::ops::RangeInclusive;

/// One function: its name, the line it starts on, and how many lines it has from `fn` to its last brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// The text with every comment and the inside of every string and character literal turned to spaces. Lines and
/// columns stay where they were (columns counted in bytes).
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    while let Some(rest) = bytes.get(code.len()..).filter(|rest| !rest.is_empty()) {
        let before = code.last().copied();
        let length = match rest {
            [b'/', b'/', ..] => line_comment(rest),
            [b'/', b'*', ..] => block_comment(rest),
            [b'"', ..] => string(rest),
            [b'r', b'"' | b'#', ..] if !before.is_some_and(is_word) || before == Some(b'b') || before == Some(b'c') => {
                raw_string(rest)
            }
            [b'\'', ..] => character(rest),
            _ => 0,
        };
        match (length, rest.first()) {
            (0, Some(&byte)) => code.push(byte),
            (0, None) => break,
            _ => code.extend(rest.iter().take(length).map(|&byte| if byte == b'\n' { b'\n' } else { b' ' })),
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_comment(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" if depth == 1 => return at + 2,
            b"*/" => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`; 0 when it is something else, such as the raw name `r#type`.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest.iter().skip(1).take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    let inside = rest.get(hashes + 2..).unwrap_or_default();
    let length = inside.windows(end.len()).position(|window| window == end.as_slice());
    length.map_or(rest.len(), |length| hashes + 2 + length + end.len())
}

/// A character literal; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    match rest {
        // `'\u{1F600}'` is the longest: the closing quote is at most ten bytes on.
        [b'\'', b'\\', ..] => rest.iter().take(14).skip(3).position(|&byte| byte == b'\'').map_or(0, |at| at + 4),
        [b'\'', first, ..] => {
            let width = match first {
                0x00..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

/// Every function with a body, in order; `code` is what [`code_only`] returned.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|&byte| is_word(byte)) {
            continue;
        }
        let name: String =
            code.get(at + 3..).unwrap_or_default().chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
        if name.is_empty() {
            // A pointer type: `fn (…)` or `fn(…)`.
            continue;
        }
        if let Some(body) = body(bytes, at) {
            let lines = lines_between(code, at, *body.end()) + 1;
            found.push(Function { name, line: lines_between(code, 0, at) + 1, lines });
        }
    }
    found
}

/// Lines (from 1) that only exist in tests: items under `#[cfg(test)]`.
pub(crate) fn test_lines(code: &str) -> Vec<RangeInclusive<usize>> {
    let found = code.match_indices("#[cfg(test)]").filter_map(|(at, _)| {
        let body = body(code.as_bytes(), at)?;
        Some(lines_between(code, 0, at) + 1..=lines_between(code, 0, *body.end()) + 1)
    });
    found.collect()
}

/// Modules in files of their own that only exist in tests: `#[cfg(test)] mod name;`.
pub(crate) fn test_modules(code: &str) -> Vec<&str> {
    let after = code.match_indices("#[cfg(test)]").filter_map(|(at, mark)| code.get(at + mark.len()..));
    let named = after.filter_map(|rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("pub(crate) ").unwrap_or(rest);
        let (name, _) = rest.strip_prefix("mod ")?.split_once(';')?;
        name.bytes().all(is_word).then_some(name)
    });
    named.collect()
}

/// The braces of the item that starts at `from`; none when a semicolon ends it first.
fn body(bytes: &[u8], from: usize) -> Option<RangeInclusive<usize>> {
    let (mut round, mut curly, mut start) = (0_i32, 0_i32, 0);
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' if curly == 0 => round += 1,
            b')' | b']' if curly == 0 => round -= 1,
            b';' if curly == 0 && round == 0 => return None,
            b'{' if round == 0 => {
                if curly == 0 {
                    start = at;
                }
                curly += 1;
            }
            b'}' if round == 0 => {
                curly -= 1;
                if curly == 0 {
                    return Some(start..=at);
                }
            }
            _ => {}
        }
    }
    None
}

fn lines_between(text: &str, from: usize, to: usize) -> usize {
    text.as_bytes().get(from..to).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::{Function, code_only, functions, test_lines, test_modules};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let code = code_only(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn comments_and_strings_are_blank() {
        check("a // todo!\nb /* x /* y */ z */ c", "a b c");
        check(r#"f("a \" { b", 'c', '{', '\'', '\u{7d}')"#, "f( , , , , )");
        check("f(r#\"a \" }\"#, br\"\\\", b\"x\") }", "f( , b , b ) }");
    }

    #[test]
    fn lifetimes_and_raw_names_stay() {
        check("fn f<'a>(x: &'a str, r#type: u8)", "fn f<'a>(x: &'a str, r#type: u8)");
    }

    #[test]
    fn text_that_ends_too_early_is_no_trouble() {
        for text in ["\"", "r#\"", "/*", "'", "'\\", "fn", "fn f(", "fn f() {", "#[cfg(test)]"] {
            let code = code_only(text);
            functions(&code);
            test_lines(&code);
        }
    }

    #[test]
    fn functions_are_measured_from_name_to_brace() {
        let text = "trait T { fn open(&self); }\nfn long(\n  a: [u8; 2],\n) -> u8 {\n  { 1 }\n}\n";
        assert_eq!(functions(&code_only(text)), [Function { name: "long".to_owned(), line: 2, lines: 5 }]);
    }

    #[test]
    fn a_test_module_ends_at_its_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\n";
        assert_eq!(test_lines(&code_only(text)), [2..=5]);
    }

    #[test]
    fn a_test_module_in_a_file_is_named() {
        let text =
            "#[cfg(test)]\nmod samples;\n#[cfg(test)]\npub(crate) mod kit;\nmod real;\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(test_modules(&code_only(text)), ["samples", "kit"]);
    }
}
