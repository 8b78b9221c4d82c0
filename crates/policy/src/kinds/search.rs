//! `[[search]]`: what raises an alert: words somebody writes, sites somebody tries or visits.
//!
//! ```toml
//! [[search]]
//! topics  = ["extremism"]        # content of school.toml
//! in      = ["search", "page"]   # where the words are seen; left out: wherever
//! for     = "pupil"
//! after   = "3 times in 1 day"
//! then    = "report"             # note, report, ask or pause; ask and pause speak to the person themself
//! tell    = ["dsl"]
//! within  = "same day"
//! # blocked = ["indecent"]       # or: tries at blocked categories or classes of sites
//! # visited = ["personal"]       # or: visits to them
//! ```

use schoolgate_decide::things::{Action, Aspect};

use super::keys::{Takes, Vocabulary, key};

const IN: &[(&str, &str)] = &[
    ("search", "typed into a search engine"),
    ("page", "on a page that was opened"),
    ("prompt", "typed to an assistant"),
    ("mail", "in mail"),
    ("message", "in a message"),
    ("upload", "in something uploaded"),
];

const IS: &[(&str, &str)] = &[
    ("lesson", "in a lesson"),
    ("supervised", "an adult is with them"),
    ("unsupervised", "no adult is with them"),
    ("own-device", "on a device of one's own"),
    ("new-site", "a site nobody had classified"),
];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (Aspect::Contains, key("topics", Takes::Content, "What was written about.")),
        (Aspect::In, key("in", Takes::AnyOf(IN), "Where it was written or read.")),
        (Aspect::Blocked, key("blocked", Takes::Categories, "Tries at sites of these categories or classes.")),
        (Aspect::Visited, key("visited", Takes::Categories, "Visits to sites of these categories or classes.")),
        (Aspect::Is, key("is", Takes::AnyOf(IS), "The circumstances.")),
    ],
    needs: None,
    amounts: &[],
    actions: &[Action::Note, Action::Report, Action::Ask, Action::Pause],
};
