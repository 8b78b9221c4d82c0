//! `[[publish]]`: what must hold before something leaves for the public.
//!
//! ```toml
//! [[publish]]
//! to       = ["website"]         # channels of school.toml
//! contains = ["personal-data"]   # content of school.toml
//! shows    = ["pupils"]          # see the words below
//! needs    = ["consent"]         # the rule holds when one of these is not there
//! then     = "refuse"            # or hold, with release = [...]
//! ```

use schoolgate_decide::things::{Action, Aspect};

use super::keys::{Takes, Vocabulary, key};

const SHOWS: &[(&str, &str)] = &[
    ("pupils", "pupils in pictures"),
    ("staff", "members of staff in pictures"),
    ("work", "pupils' work"),
    ("first-names", "first names"),
    ("full-names", "full names of pupils"),
    ("contact-details", "addresses or numbers of people"),
    ("location", "where a picture was made"),
    ("children-alone", "one child alone"),
    ("incident", "something that happened to somebody"),
    ("opinion", "an opinion in the school's name"),
    ("politics", "party politics"),
    ("advertising", "advertising"),
    ("pictures", "any pictures"),
    ("names", "names of people"),
];

const NEEDS: &[(&str, &str)] = &[
    ("consent", "everybody shown has consented to this channel, and nobody said no"),
    ("approval", "an office has approved this very version"),
    ("second-reader", "somebody else has read it"),
    ("source", "it is said where it comes from"),
    ("licence", "it is said why it may be used"),
    ("alt-text", "pictures have a text"),
    ("author-line", "it says who speaks"),
    ("style", "it keeps to the school's style"),
    ("official-account", "it goes out by a registered account"),
    ("listed-author", "its author is one of those who may"),
    ("caption", "pictures have a caption without surnames"),
    ("purpose", "it is said what for"),
    ("checklist", "every point of the list has been ticked"),
    ("release", "whoever owns the data has let it go"),
    ("lawful-ground", "it is said on which lawful ground"),
    ("image-store", "pictures come from the school's store"),
];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (Aspect::To, key("to", Takes::Channels, "Where it is published.")),
        (Aspect::Contains, key("contains", Takes::Content, "What is in it.")),
        (Aspect::Shows, key("shows", Takes::AnyOf(SHOWS), "What it shows.")),
    ],
    needs: Some(key("needs", Takes::AnyOf(NEEDS), "The rule holds when one of these is lacking.")),
    amounts: &[],
    actions: &[
        Action::Allow,
        Action::Note,
        Action::Report,
        Action::Tag,
        Action::Strip,
        Action::Ask,
        Action::Pause,
        Action::Hold,
        Action::Refuse,
    ],
};
