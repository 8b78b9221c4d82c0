//! The answers of a posted form, read once, in bounds.

use std::collections::BTreeMap;

/// Most answers in one form; ours have a dozen.
const FIELDS_MAX: usize = 200;

/// Answers by name. Of one name twice the last counts, as browsers send a ticked box after a hidden one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn read(body: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(body).take(FIELDS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), normal_lines(&value))).collect())
    }

    /// Empty when the form has no such answer.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        !self.trimmed(name).is_empty()
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// Browsers send line ends as CR LF (HTML §4.10.21.8); texts of ours have LF.
fn normal_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_bounded() {
        let fields = Fields::read(b"a=1&b=x+y%21&a=2&text=one%0D%0Atwo");
        assert_eq!(fields.get("a"), "2");
        assert_eq!(fields.get("b"), "x y!");
        assert_eq!(fields.get("text"), "one\ntwo");
        assert_eq!(fields.get("none"), "");
        let many: String = (0..1_000).map(|number| format!("f{number}=1&")).collect();
        assert_eq!(Fields::read(many.as_bytes()).all().len(), FIELDS_MAX);
    }
}
