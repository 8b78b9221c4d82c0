//! `[[file]]`: what to look for where, and who is told. The program never deletes a file by itself.
//!
//! ```toml
//! [[file]]
//! in       = ["classwork"]       # stores of school.toml
//! contains = ["personal-data"]   # content of school.toml
//! is       = ["stale"]           # see the words below
//! does     = ["delete"]          # what somebody does with it; left out: it is just found there
//! by       = "other"             # owner or other: whose file it is to whoever does it
//! then     = "report"
//! tell     = ["owner", "it-technician"]
//! # older_than = "2 years"  unopened_for = "1 year"  larger_than = 100   (megabytes)
//! ```

use schoolgate_decide::things::{Action, Amount, Aspect};

use super::keys::{Takes, Vocabulary, key};

const IS: &[(&str, &str)] = &[
    ("media", "music, film or pictures"),
    ("executable", "a program or a script"),
    ("unlicensed", "nobody has entered a licence for it"),
    ("duplicate", "the same as another file"),
    ("stale", "nobody seems to need it any more"),
    ("unencrypted", "lies open on something that can be carried away"),
    ("foreign-camera", "a picture from a camera that is not the school's"),
    ("unowned", "nobody is known to own it"),
    ("labelled", "carries a label that not everybody may read"),
    ("open-to-all", "everybody can read it"),
    ("expired", "kept longer than its rule says"),
    ("unregistered", "no register says why it is kept"),
    ("archive", "an archive"),
    ("located", "says where it was made"),
    ("infected", "holds something harmful"),
    ("misplaced", "belongs into another store"),
    ("unusual", "of a sort, or used in a way, that does not go with this store"),
];

const DOES: &[(&str, &str)] = &[
    ("read", "reads"),
    ("write", "writes"),
    ("delete", "deletes"),
    ("rename", "renames"),
    ("copy", "copies"),
    ("export", "exports"),
    ("print", "prints"),
    ("admin-read", "administers"),
    ("denied", "is denied"),
    ("upload", "uploads"),
    ("record", "records"),
];

/// What a rule without `does` is about: nobody does anything, the file is found.
pub(crate) const FOUND: &str = "found";

const BY: &[(&str, &str)] = &[("owner", "its owner"), ("other", "somebody else than the owner")];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (Aspect::In, key("in", Takes::Stores, "Where it lies.")),
        (Aspect::Contains, key("contains", Takes::Content, "What is in it.")),
        (Aspect::Is, key("is", Takes::AnyOf(IS), "What it is.")),
        (Aspect::Does, key("does", Takes::AnyOf(DOES), "What somebody does with it; left out: it is found.")),
        (Aspect::By, key("by", Takes::AnyOf(BY), "Whose it is to whoever does it.")),
    ],
    needs: None,
    amounts: &[
        (key("older_than", Takes::Length, "Made longer ago than that."), Amount::AgeDays),
        (key("unopened_for", Takes::Length, "Opened by nobody for that long."), Amount::UnopenedDays),
        (key("larger_than", Takes::Number, "That many megabytes, or more."), Amount::Megabytes),
    ],
    actions: &[
        Action::Allow,
        Action::Note,
        Action::Report,
        Action::Strip,
        Action::Ask,
        Action::Hold,
        Action::ReadOnly,
        Action::Quarantine,
        Action::Refuse,
    ],
};
