//! Between columns and the words of `base`: ids, microseconds, JSON text, folded text for look-up.

use std::error::Error;
use std::str::FromStr;

use jiff::Timestamp;
use schoolgate_base::{Capacity, EventId};
use schoolgate_keys::random_bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RecordsError;
use crate::error::keys;

/// Microseconds since 1970 UTC; what is finer is cut off.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn time(column: &'static str, micros: i64) -> Result<Timestamp, RecordsError> {
    Timestamp::from_microsecond(micros).map_err(corrupt(column))
}

pub(crate) fn time_opt(column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>, RecordsError> {
    micros.map(|micros| time(column, micros)).transpose()
}

pub(crate) fn parse<T>(column: &'static str, text: &str) -> Result<T, RecordsError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    text.parse().map_err(corrupt(column))
}

pub(crate) fn parse_opt<T>(column: &'static str, text: Option<&str>) -> Result<Option<T>, RecordsError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    text.map(|text| parse(column, text)).transpose()
}

pub(crate) fn capacity(column: &'static str, word: &str) -> Result<Capacity, RecordsError> {
    Capacity::from_word(word)
        .ok_or_else(|| RecordsError::Corrupt { column, source: format!("no capacity is called `{word}`").into() })
}

pub(crate) fn from_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, RecordsError> {
    serde_json::from_str(text).map_err(corrupt(column))
}

pub(crate) fn to_json<T: Serialize + ?Sized>(operation: &'static str, value: &T) -> Result<String, RecordsError> {
    serde_json::to_string(value).map_err(|source| RecordsError::Encode { operation, source })
}

pub(crate) fn corrupt<E: Error + Send + Sync + 'static>(column: &'static str) -> impl Fn(E) -> RecordsError {
    move |source| RecordsError::Corrupt { column, source: Box::new(source) }
}

/// An id nobody can guess or count.
pub(crate) fn fresh_id(operation: &'static str) -> Result<String, RecordsError> {
    Ok(EventId::from_random(random_bytes().map_err(keys(operation))?).into())
}

/// At most `bytes` bytes of `text`, cut between characters: for what a peer chose the length of.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// The form names and log-ins are looked up in: lower case, no accents, single spaces, no apostrophes.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.trim().chars().flat_map(char::to_lowercase) {
        match character {
            'à'..='å' | 'ā' | 'ă' | 'ą' => folded.push('a'),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => folded.push('c'),
            'ď' | 'đ' | 'ð' => folded.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => folded.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'į' | 'ı' => folded.push('i'),
            'ł' | 'ľ' | 'ĺ' | 'ļ' => folded.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => folded.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => folded.push('o'),
            'ŕ' | 'ř' => folded.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => folded.push('s'),
            'ţ' | 'ť' | 'ț' => folded.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            // A combining accent after its letter, and the apostrophes of O'Brien.
            '\u{300}'..='\u{36f}' | '\'' | '’' | '`' => {}
            space if space.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_what_people_type() {
        for (name, folded) in [
            ("Zoë O’Brien", "zoe obrien"),
            ("  Łukasz   Kowalski ", "lukasz kowalski"),
            ("GROẞ", "gross"),
            ("Jose\u{301}", "jose"),
            ("李小龙", "李小龙"),
        ] {
            assert_eq!(fold(name), folded);
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("naïve", 3), "na");
        assert_eq!(cut("ab", 3), "ab");
    }
}
