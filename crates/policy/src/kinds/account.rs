//! `[[account]]`: sign-ins, systems, sessions, joiners and leavers; and passwords.
//!
//! ```toml
//! [[account]]
//! does   = ["sign-in"]           # see the words below
//! system = ["pupil-records"]     # systems of school.toml; a restricted one is closed to whom no rule allows it
//! is     = ["remote"]
//! needs  = ["second-factor"]     # the rule holds when one of these is not there
//! then   = "verify"
//! # idle = "10 minutes"          # without anybody touching it, that long or longer
//!
//! [[account]]
//! for      = "staff"
//! password = { length = 12, with = ["letter", "digit"], refuse = ["breached", "name"], change = "every 1 year", not_in = "holidays" }
//! ```
//!
//! Passwords that must change from time to time are weaker, not stronger (NCSC, *Password administration for system
//! owners*); the checker says so, and what falls due in `not_in` waits for the first day after it.

use schoolgate_base::Within;
use schoolgate_decide::things::{Action, Amount, Aspect, CharacterKind, Weakness};

use super::keys::{Key, Takes, Vocabulary, key};
use crate::diagnostic::Span;
use crate::syntax::reader::{Findings, Reader, choose};
use crate::syntax::{Spanned, Table, Word, front};

const DOES: &[(&str, &str)] = &[
    ("sign-in", "signs in"),
    ("use", "uses"),
    ("set-password", "sets the password"),
    ("idle", "is idle"),
    ("join", "joins"),
    ("leave", "leaves"),
    ("fail", "fails to sign in"),
    ("borrow", "borrows an account"),
    ("forward", "forwards her mail"),
    ("remote", "works remotely"),
    ("invite", "invites somebody"),
];

const IS: &[(&str, &str)] = &[
    ("two-places", "in two places at once"),
    ("absent", "while the person is away"),
    ("shared", "by more than one person"),
    ("generic", "an account of nobody in particular"),
    ("unknown-device", "on a device nobody has enrolled"),
    ("remote", "from outside the school"),
    ("personal-device", "on a device of one's own"),
    ("denied", "what was asked for was denied"),
    ("out-of-role", "for something that does not go with the person's work"),
    ("bulk", "a great deal at once"),
    ("odd-hours", "at an odd hour"),
    ("leaver", "the person has left"),
    ("expired", "its end date has passed"),
    ("guest", "a guest"),
    ("supervised", "somebody is sitting beside them"),
    ("admin", "with an administrator's rights"),
    ("delegated", "in somebody else's name, with leave"),
    ("breached", "its password has leaked"),
    ("withdrawn", "somebody has withdrawn it"),
];

const NEEDS: &[(&str, &str)] = &[
    ("second-factor", "a second factor"),
    ("agreement", "the agreement"),
    ("sponsor", "somebody who answers for it"),
    ("end-date", "an end"),
    ("training", "the training that goes with it, in date"),
    ("registered-device", "a registered device"),
    ("own-account", "an account of one's own"),
    ("entitlement", "a leave for this system"),
    ("quiz", "the questions, answered"),
    ("encryption", "an encrypted connection"),
];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (Aspect::Does, key("does", Takes::AnyOf(DOES), "What somebody does.")),
        (Aspect::System, key("system", Takes::Systems, "In which systems.")),
        (Aspect::Is, key("is", Takes::AnyOf(IS), "The circumstances.")),
    ],
    needs: Some(key("needs", Takes::AnyOf(NEEDS), "The rule holds when one of these is lacking.")),
    amounts: &[(key("idle", Takes::Length, "Without anybody touching it, that long or longer."), Amount::IdleSeconds)],
    actions: &[
        Action::Allow,
        Action::Note,
        Action::Report,
        Action::Ask,
        Action::Verify,
        Action::Change,
        Action::Lock,
        Action::Refuse,
        Action::Close,
    ],
};

const WITH: &[(&str, &str)] = &[
    ("letter", "a letter"),
    ("upper", "a capital letter"),
    ("lower", "a small letter"),
    ("digit", "a digit"),
    ("symbol", "a symbol"),
];

const REFUSE: &[(&str, &str)] = &[
    ("breached", "in a list of passwords that leaked"),
    ("dictionary", "a word, or one with a digit behind it"),
    ("name", "holds the person's name"),
    ("school-name", "holds the school's name"),
    ("used-before", "used before"),
    ("short-step", "the old one with another number"),
    ("elsewhere", "in use for another system"),
];

/// The keys of `password`.
pub(crate) const PASSWORD: &[Key] = &[
    key("length", Takes::Number, "The fewest characters."),
    key("with", Takes::AnyOf(WITH), "Kinds of characters that must be in it."),
    key("refuse", Takes::AnyOf(REFUSE), "Weak passwords that are turned down."),
    key("change", Takes::Every, "How often it must be another; better not at all."),
    key("not_in", Takes::One(&Takes::Periods), "What falls due in this period is due on the first day after it."),
];

/// `password = { … }` as written.
#[derive(Debug, Clone, PartialEq)]
pub struct PasswordSyntax {
    pub span: Span,
    pub length: u32,
    pub with: Vec<CharacterKind>,
    pub refuse: Vec<Weakness>,
    pub change: Option<Spanned<Within>>,
    pub not_in: Option<Word>,
}

pub(crate) fn password(table: &Table, span: Span, findings: &mut Findings) -> PasswordSyntax {
    let mut reader = Reader::new(table, span, "`password`", findings);
    let length = reader.number("length").unwrap_or(0);
    let length = u32::try_from(length).ok().filter(|length| *length <= 128).unwrap_or_else(|| {
        reader.wrong_type("length", span, "another number", "the fewest characters, 0 to 128");
        0
    });
    let with = reader.words("with").unwrap_or_default();
    let refuse = reader.words("refuse").unwrap_or_default();
    let with = with.iter().filter_map(|word| choose(word, "with", &CharacterKind::ALL, reader.findings));
    let with = with.map(|kind| kind.value).collect();
    let refuse = refuse.iter().filter_map(|word| choose(word, "refuse", &Weakness::ALL, reader.findings));
    let refuse = refuse.map(|weakness| weakness.value).collect();
    let change = reader.text("change").and_then(|word| front::every(&word, reader.findings));
    let not_in = reader.text("not_in");
    reader.finish();
    PasswordSyntax { span, length, with, refuse, change, not_in }
}
