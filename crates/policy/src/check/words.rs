//! The words of a text with their places, for checks that look for what is said rather than what is bound.

use crate::diagnostic::Span;

/// A word in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) word: String,
    pub(super) span: Span,
    /// A sentence ends before the next word.
    pub(super) ends_sentence: bool,
}

/// The words of these stretches of one file, as one text: what is broken over two lines is found.
pub(super) fn tokens(text: &str, stretches: &[Span]) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    for stretch in stretches {
        let content = text.get(stretch.start..stretch.end).unwrap_or("");
        let mut start = None;
        for (at, letter) in content.char_indices().chain([(content.len(), ' ')]) {
            let is_inside = letter.is_alphanumeric() || (matches!(letter, '\'' | '’') && start.is_some());
            match (start, is_inside) {
                (None, true) => start = Some(at),
                (Some(from), false) => {
                    let word = content.get(from..at).unwrap_or("").trim_end_matches(['\'', '’']);
                    let span = stretch.part(from..from + word.len());
                    found.push(Token { word: lower(word), span, ends_sentence: false });
                    start = None;
                }
                _ => {}
            }
            if matches!(letter, '.' | '!' | '?' | ';')
                && let Some(last) = found.last_mut()
            {
                last.ends_sentence = true;
            }
        }
    }
    found
}

fn lower(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// The words of a name, without places.
pub(super) fn words(name: &str) -> Vec<String> {
    let pieces = name.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '\'' | '’'));
    pieces.filter(|piece| !piece.is_empty()).map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::FileId;

    #[test]
    fn words_know_their_place_and_their_sentence() {
        let text = "1.1 Don’t *mention*\nthe school. Ask!";
        let all = [Span::new(FileId::MISSING, 4..text.len())];
        let found = tokens(text, &all);
        let said: Vec<&str> = found.iter().map(|token| token.word.as_str()).collect();
        assert_eq!(said, ["don't", "mention", "the", "school", "ask"]);
        let ends: Vec<bool> = found.iter().map(|token| token.ends_sentence).collect();
        assert_eq!(ends, [false, false, false, true, true]);
        let place = found[1].span;
        assert_eq!(&text[place.start..place.end], "mention");
    }
}
