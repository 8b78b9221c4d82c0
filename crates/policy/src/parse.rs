//! From a pack to its tree: the school, the documents and every mistake in them.

use std::collections::BTreeMap;

use schoolgate_base::PolicyId;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::extend;
use crate::pack::{FileId, PACK_MAX_BYTES, Pack, SCHOOL_FILE};
use crate::replace::{self, ClauseKey};
use crate::school::{self, School};
use crate::syntax::document::{self, Document};
use crate::syntax::reader::Findings;

/// What a pack says. Broken text yields the tree of what could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub school: School,
    /// Without the clauses in whose place others stand.
    pub documents: Vec<Document>,
    /// Clauses that are replaced → the ones that replace them.
    pub(crate) replaced: BTreeMap<ClauseKey, ClauseKey>,
    /// What is wrong with the text, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads every file of a pack.
pub fn parse(pack: &Pack) -> Parsed {
    let mut findings: Findings = Vec::new();
    if pack.size_bytes() > PACK_MAX_BYTES {
        let message = format!("the pack has {} bytes, the most is {PACK_MAX_BYTES}", pack.size_bytes());
        findings.push(Diagnostic::new(Code::PackTooLarge, Span::new(FileId::MISSING, 0..0), message));
        return Parsed {
            school: School::empty(),
            documents: Vec::new(),
            replaced: BTreeMap::new(),
            diagnostics: findings,
        };
    }
    let mut school = match pack.files().find(|(_, path, _)| *path == SCHOOL_FILE) {
        Some((file, _, text)) => school::parse(file, text, &mut findings),
        None => {
            findings.push(
                Diagnostic::new(
                    Code::MissingSchoolFile,
                    Span::new(FileId::MISSING, 0..0),
                    "the pack has no school.toml",
                )
                .why("groups, roles, periods, places and categories are declared there")
                .help("add `school.toml` with `[school]` and `[calendar]`"),
            );
            School::empty()
        }
    };
    extend::take_names(pack, &mut school);
    let mut documents: Vec<Document> =
        pack.documents().map(|(file, _, text)| document::parse(file, text, &mut findings)).collect();
    if documents.is_empty() {
        findings.push(
            Diagnostic::new(Code::MissingDocument, Span::new(FileId::MISSING, 0..0), "the pack holds no policy")
                .help("add a Markdown file that begins with `+++`"),
        );
    }
    check_policy_ids(&documents, &mut findings);
    extend::check(pack, &school, &mut findings);
    let replaced = replace::apply(&mut documents, &mut findings);
    Parsed { school, documents, replaced, diagnostics: findings }
}

fn check_policy_ids(documents: &[Document], findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for document in documents {
        let id = &document.front.policy;
        if id.text.is_empty() {
            continue;
        }
        let Some(&earlier) = seen.get(id.text.as_str()) else {
            seen.insert(&id.text, id.span);
            continue;
        };
        findings.push(
            Diagnostic::new(Code::DuplicateName, id.span, format!("two policies are called `{}`", id.text))
                .help("give each document an id of its own")
                .other(earlier, "the other one"),
        );
    }
}

impl Parsed {
    pub fn document(&self, policy: &PolicyId) -> Option<&Document> {
        self.documents.iter().find(|document| document.front.policy.text == policy.as_str())
    }

    /// The clause that stands in the place of this one, where one does.
    pub(crate) fn in_place_of(&self, clause: ClauseKey) -> ClauseKey {
        let mut at = clause;
        // A clause that replaces another may be replaced itself; policies do not extend each other in circles.
        while let Some(next) = self.replaced.get(&at) {
            at = next.clone();
        }
        at
    }
}
