//! The agreement, clause by clause, and what follows it.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "agreement/show.html")]
pub(crate) struct AgreementPage {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) policy: String,
    pub(crate) version: String,
    /// The version signed before, when `effects` or `changed` is not empty.
    pub(crate) signed_version: String,
    pub(crate) minutes: String,
    /// The site somebody was on the way to; may be empty.
    pub(crate) wanted: String,
    /// What the rules do otherwise for the person.
    pub(crate) effects: Vec<EffectShown>,
    pub(crate) changed: Vec<ChangeShown>,
    pub(crate) unchanged_words: String,
    /// The rules that bind the person.
    pub(crate) parts: Vec<PartShown>,
    /// Those of the document that bind only others.
    pub(crate) others: Vec<PartShown>,
    /// The edition that is shown: what its rules do is agreed to as well.
    pub(crate) edition: u32,
    /// SHA-256 of the exact text, lower-case hex: signed is what was shown.
    pub(crate) text_hash: String,
    /// Sealed; where to go afterwards.
    pub(crate) onward: String,
}

/// What is different since the version signed last.
#[derive(Debug, Clone)]
pub(crate) struct ChangeShown {
    /// `New`, `Changed`, `Gone`.
    pub(crate) what: &'static str,
    pub(crate) number: String,
    pub(crate) html: String,
    pub(crate) before: String,
}

/// What a rule does otherwise, in words.
#[derive(Debug, Clone)]
pub(crate) struct EffectShown {
    /// "streaming at lunch".
    pub(crate) what: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A heading with its clauses.
#[derive(Debug, Clone)]
pub(crate) struct PartShown {
    pub(crate) heading: String,
    /// Safe HTML before the first clause; may be empty.
    pub(crate) intro: String,
    pub(crate) clauses: Vec<ClauseShown>,
}

#[derive(Debug, Clone)]
pub(crate) struct ClauseShown {
    pub(crate) anchor: String,
    pub(crate) number: String,
    /// From Markdown with raw HTML off.
    pub(crate) html: String,
}

/// How many clauses there are in all.
pub(crate) fn clauses_of(parts: &[PartShown]) -> usize {
    parts.iter().map(|part| part.clauses.len()).sum()
}

impl AgreementPage {
    pub(crate) fn clauses(&self) -> usize {
        clauses_of(&self.parts)
    }

    /// "7 rules of this policy are for others".
    fn others_words(&self) -> String {
        match clauses_of(&self.others) {
            1 => "One rule of this policy is for others".to_owned(),
            others => format!("{others} rules of this policy are for others"),
        }
    }
}

#[derive(Template)]
#[template(path = "agreement/question.html")]
pub(crate) struct QuestionPage {
    pub(crate) frame: Frame,
    pub(crate) whom: String,
    pub(crate) people: Vec<String>,
}

#[derive(Template)]
#[template(path = "agreement/done.html")]
pub(crate) struct SignedPage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) what: String,
    /// The address the person wanted; may be empty.
    pub(crate) onward: String,
    pub(crate) onward_host: String,
}

#[derive(Template)]
#[template(path = "agreement/list.html")]
pub(crate) struct AgreementsPage {
    pub(crate) frame: Frame,
    pub(crate) rows: Vec<AgreementRow>,
}

#[derive(Debug, Clone)]
pub(crate) struct AgreementRow {
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) version: String,
    pub(crate) when: String,
    pub(crate) hash: String,
}
