//! Whether those for whom a policy is can read it: the Flesch–Kincaid grade of its clauses, and five for the age.
//!
//! J. P. Kincaid et al., *Derivation of new readability formulas*, 1975: 0.39 words a sentence, and 11.8 syllables a
//! word, less 15.59. Syllables are counted by groups of vowels, which is what most readers of this formula do.

use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Parsed;
use crate::show::plain_text;
use crate::syntax::reader::Findings;
use crate::syntax::{Clause, Document};

/// Under so many words the formula says nothing.
const WORDS_MIN: u32 = 30;
/// A clause of fewer words is not named as the hardest.
const CLAUSE_MIN: u32 = 8;

pub(super) fn check(parsed: &Parsed, findings: &mut Findings) {
    for document in &parsed.documents {
        let Some(wanted) = &document.front.reading_age else { continue };
        let all = document.clauses.iter().map(counted).fold(Counts::default(), Counts::plus);
        if all.words < WORDS_MIN || all.age() <= f64::from(wanted.value) {
            continue;
        }
        let message = format!("this reads like a text for people of {:.0}, not of {}", all.age().ceil(), wanted.value);
        let mut found = Diagnostic::new(Code::HardToRead, wanted.span, message)
            .why("a rule that somebody cannot read is a rule they cannot keep")
            .help("write shorter sentences, and shorter words");
        if let Some((clause, age)) = hardest(document) {
            found = found.other(clause.span, format!("the hardest: for people of {:.0}", age.ceil()));
        }
        findings.push(found);
    }
}

fn hardest(document: &Document) -> Option<(&Clause, f64)> {
    let counted = document.clauses.iter().map(|clause| (clause, counted(clause)));
    let long = counted.filter(|(_, counts)| CLAUSE_MIN <= counts.words).map(|(clause, counts)| (clause, counts.age()));
    long.max_by(|one, other| one.1.total_cmp(&other.1))
}

fn counted(clause: &Clause) -> Counts {
    Counts::of(&plain_text(&clause.text))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    words: u32,
    sentences: u32,
    syllables: u32,
}

impl Counts {
    /// A line ends a sentence too: an item of a list is read by itself.
    fn of(text: &str) -> Self {
        let mut counts = Self::default();
        for sentence in text.split(['.', '!', '?', ';', ':', '\n']) {
            let words = sentence.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '\'' | '’'));
            let mut own = 0_u32;
            for word in words.filter(|word| word.chars().any(char::is_alphanumeric)) {
                own = own.saturating_add(1);
                counts.syllables = counts.syllables.saturating_add(syllables(word));
            }
            counts.words = counts.words.saturating_add(own);
            counts.sentences = counts.sentences.saturating_add(u32::from(own > 0));
        }
        counts
    }

    fn plus(self, other: Self) -> Self {
        Self {
            words: self.words.saturating_add(other.words),
            sentences: self.sentences.saturating_add(other.sentences),
            syllables: self.syllables.saturating_add(other.syllables),
        }
    }

    /// The age at which people read such a text: the grade of an American school, and five.
    fn age(self) -> f64 {
        if self.words == 0 || self.sentences == 0 {
            return 0.0;
        }
        let (words, sentences) = (f64::from(self.words), f64::from(self.sentences));
        0.39 * words / sentences + 11.8 * f64::from(self.syllables) / words - 15.59 + 5.0
    }
}

/// Groups of vowels, without an `e` that only makes the vowel before it long.
fn syllables(word: &str) -> u32 {
    let letters: Vec<char> = word.to_lowercase().chars().filter(|letter| letter.is_alphabetic()).collect();
    let is_vowel = |letter: &char| "aeiouyàáâäèéêëìíîïòóôöùúûü".contains(*letter);
    let mut groups = 0_u32;
    let mut was_vowel = false;
    for letter in &letters {
        let is_now = is_vowel(letter);
        groups = groups.saturating_add(u32::from(is_now && !was_vowel));
        was_vowel = is_now;
    }
    let silent = match letters.as_slice() {
        [.., before, 'l', 'e'] if !is_vowel(before) => false,
        [.., before, 'e'] => !is_vowel(before),
        [.., 't' | 'd', 'e', 'd'] => false,
        [.., before, 'e', 'd'] => !is_vowel(before),
        [.., 's' | 'x' | 'z' | 'h' | 'c' | 'g', 'e', 's'] => false,
        [.., before, 'e', 's'] => !is_vowel(before),
        _ => false,
    };
    groups.saturating_sub(u32::from(silent)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_groups_of_vowels() {
        for (word, count) in [
            ("cat", 1),
            ("phone", 1),
            ("people", 2),
            ("table", 2),
            ("asked", 1),
            ("wanted", 2),
            ("pages", 2),
            ("phones", 1),
            ("teacher", 2),
            ("responsibility", 6),
            ("the", 1),
            ("be", 1),
            ("42", 1),
            ("café", 2),
        ] {
            assert_eq!(syllables(word), count, "{word}");
        }
    }

    #[test]
    fn words_and_sentences_are_counted() {
        let counts = Counts::of("Ask first. Don't share it!\nKeep it safe");
        assert_eq!((counts.words, counts.sentences), (8, 3));
        assert_eq!(Counts::of(" … \n"), Counts::default());
        assert_eq!(Counts::default().age().to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn long_words_in_long_sentences_are_for_older_people() {
        let easy = Counts::of("Ask first. Be kind. Tell a grown-up if you feel bad.").age();
        let hard = Counts::of(
            "Unauthorised dissemination of confidential information regarding individual pupils constitutes a disciplinary matter.",
        );
        assert!(easy < 8.0, "{easy}");
        assert!(20.0 < hard.age(), "{}", hard.age());
    }
}
