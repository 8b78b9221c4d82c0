//! Text in the form in which phrases are compared.

/// How much of a text is looked at, in bytes. Longer texts are cut: a search has a line, a page's words come in pieces.
pub(crate) const TEXT_MAX_BYTES: usize = 256 * 1024;

/// Lower-case words with one space before, between and behind them; empty for a text without words.
///
/// Apostrophes vanish (`don't` is `dont`, as people type it), all other punctuation separates words (`self-harm` is
/// `self harm`).
pub(crate) fn normalised(text: &str) -> String {
    let mut cut = text.len().min(TEXT_MAX_BYTES);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let text = text.get(..cut).unwrap_or_default();
    let mut words = String::with_capacity(text.len() + 2);
    let mut in_word = false;
    for character in text.chars() {
        if matches!(character, '\'' | '\u{2019}' | '\u{2bc}' | '`') {
            continue;
        }
        if !character.is_alphanumeric() {
            in_word = false;
            continue;
        }
        if !in_word {
            words.push(' ');
            in_word = true;
        }
        words.extend(character.to_lowercase());
    }
    if !words.is_empty() {
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(normalised(text), expected);
    }

    #[test]
    fn words_are_lower_case_and_single_spaced() {
        check("", "");
        check(" ?! ", "");
        check("Self-Harm", " self harm ");
        check("I don\u{2019}t  know...", " i dont know ");
        check("CAFÉ 24/7", " café 24 7 ");
    }
}
