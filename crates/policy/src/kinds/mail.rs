//! `[[mail]]`: what becomes of a message, or of any contact, by sender, recipient, content and attachment.
//!
//! ```toml
//! [[mail]]
//! from     = ["staff"]           # groups, `outside`, or `private`: a private address of somebody of the school
//! to       = ["parent"]          # the same
//! by       = ["mail"]            # channels of school.toml; left out: mail
//! contains = ["personal-data"]   # content of school.toml
//! attached = ["executable"]
//! is       = ["private"]         # circumstances: see the words below
//! then     = "hold"
//! release  = ["office-manager"]  # with hold and quarantine: who lets it go
//! tell     = ["headteacher"]
//! copy     = ["headteacher"]     # who gets a copy
//! # recipients = 50              # that many, or more
//! # delay = "10 minutes"         # with delay; or until = "school-hours", the next minute of a period
//! # tag = "school footer"        # with tag
//! ```
//!
//! `outside` is whoever is not of the school's people. A parent, a pupil or a visitor is of their own group: a rule for
//! everybody who is not staff names those groups beside `outside`.
//!
//! `for` and `except` are the groups of the person of the school who acts: the sender, or for mail from outside the
//! recipient.

use schoolgate_decide::things::{Action, Amount, Aspect};

use super::keys::{Takes, Vocabulary, key};

const ATTACHED: &[(&str, &str)] = &[
    ("executable", "a program or a script"),
    ("macro", "a document that runs something"),
    ("archive", "an archive"),
    ("encrypted", "something that cannot be looked into"),
    ("picture", "a picture"),
    ("media", "music or film"),
    ("spreadsheet", "a table"),
    ("document", "a document"),
];

const IS: &[(&str, &str)] = &[
    ("private", "marked Personal/Private"),
    ("bulk", "the same to many, or many in a short time"),
    ("spoofed", "says that it comes from somebody it does not come from"),
    ("first-contact", "the first to this address"),
    ("look-alike", "to or from an address that looks like a known one"),
    ("forwarded", "passes on what somebody else wrote"),
    ("auto-forward", "passed on by a machine"),
    ("unencrypted", "goes out without encryption"),
    ("secure", "goes by the secure way"),
    ("one-to-one", "between one adult and one pupil"),
    ("out-of-class", "between an adult and a pupil they do not teach"),
    ("official", "in the school's name"),
    ("major", "marked as a major issue"),
    ("safeguarding", "marked as about a child's safety"),
    ("reported", "reported by whoever got it"),
    ("family", "between members of a declared family"),
    ("emergency", "in an emergency"),
    ("impersonated", "by somebody else than its sender says"),
    ("late", "at an hour at which pupils should sleep"),
    ("hostile", "after the other side asked to be left alone"),
    ("reply", "answers a message"),
    ("draft", "has not been sent yet"),
    ("promotion", "advertises or campaigns"),
];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (
            Aspect::From,
            key("from", Takes::Parties, "Who sends: groups, `outside`, or `private` for a private address."),
        ),
        (Aspect::To, key("to", Takes::Parties, "Who gets it: groups, `outside`, or `private`.")),
        (Aspect::By, key("by", Takes::Channels, "By which channels; left out: mail.")),
        (Aspect::Contains, key("contains", Takes::Content, "What is in it.")),
        (Aspect::Attached, key("attached", Takes::AnyOf(ATTACHED), "What hangs on it.")),
        (Aspect::Is, key("is", Takes::AnyOf(IS), "What it is, or its circumstances.")),
    ],
    needs: None,
    amounts: &[(key("recipients", Takes::Number, "That many recipients, or more."), Amount::Recipients)],
    actions: &[
        Action::Allow,
        Action::Note,
        Action::Report,
        Action::Tag,
        Action::Strip,
        Action::Ask,
        Action::Pause,
        Action::Delay,
        Action::Hold,
        Action::Quarantine,
        Action::Refuse,
    ],
};
