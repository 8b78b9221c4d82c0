//! The folder layout of the lists of the Université Toulouse Capitole (UT1).
//!
//! `CATEGORY/domains` and `CATEGORY/urls` hold entries, `CATEGORY/usage` says what the category is for, and a file
//! with one word in it, beside the folders, is another name for that category (`ads` holds `publicite`).

use crate::Usage;

/// What a file of the folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ut1File<'a> {
    /// A plain list of a category.
    Entries {
        category: &'a str,
    },
    Usage {
        category: &'a str,
        usage: Usage,
    },
    Alias {
        alias: &'a str,
        category: &'a str,
    },
    /// Regular expressions over URLs, which are not matched.
    Expressions {
        category: &'a str,
    },
    /// Notes for people, or nothing we know.
    Other,
}

/// What the file at `path`, relative to the folder and with `/` between its parts, is.
pub fn ut1_file<'a>(path: &'a str, bytes: &'a [u8]) -> Ut1File<'a> {
    let path = path.strip_prefix("./").unwrap_or(path);
    match path.split_once('/') {
        Some((category, "domains" | "urls")) => Ut1File::Entries { category },
        Some((category, "usage")) => Ut1File::Usage { category, usage: usage(bytes) },
        Some((category, "expressions" | "very_restrictive_expression")) => Ut1File::Expressions { category },
        Some(_) => Ut1File::Other,
        None => alias(path, bytes).unwrap_or(Ut1File::Other),
    }
}

fn usage(bytes: &[u8]) -> Usage {
    let mut usage = Usage::default();
    for word in bytes.split(u8::is_ascii_whitespace) {
        usage.black |= word == b"black";
        usage.white |= word == b"white";
    }
    usage
}

fn alias<'a>(alias: &'a str, bytes: &'a [u8]) -> Option<Ut1File<'a>> {
    let category = std::str::from_utf8(bytes.get(..bytes.len().min(256))?).ok()?.trim();
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (is_name(alias) && is_name(category) && !category.is_empty() && bytes.len() < 256)
        .then_some(Ut1File::Alias { alias, category })
}
