//! `[[device]]`: what a device must be to be let in, and what is done when it is not.
//!
//! ```toml
//! [[device]]
//! for   = "staff"                # the holder
//! on    = "personal-device"      # classes of devices of school.toml
//! does  = ["join"]               # see the words below
//! needs = ["registered", "lock-code"]   # the rule holds when one of these is not there
//! then  = "portal-only"
//! # is = ["lost"]   unseen_for = "30 days"   idle = "5 minutes"
//! ```

use schoolgate_decide::things::{Action, Amount, Aspect};

use super::keys::{Takes, Vocabulary, key};

const DOES: &[(&str, &str)] = &[
    ("join", "joins"),
    ("sign-in", "signs in"),
    ("mail", "opens mail"),
    ("data", "opens data"),
    ("install", "installs"),
    ("plug-in", "is plugged in"),
    ("check-in", "checks in"),
    ("lend", "is lent"),
    ("return", "is returned"),
    ("leave-site", "leaves the site"),
    ("copy", "copies"),
    ("upload", "uploads"),
    ("record", "records"),
    ("book", "is booked"),
    ("found", "is found"),
    ("browse", "browses"),
];

const IS: &[(&str, &str)] = &[
    ("lost", "lost"),
    ("stolen", "stolen"),
    ("damaged", "damaged"),
    ("infected", "holds something harmful"),
    ("bypassing", "tries to get round the filter"),
    ("silent", "its agent has fallen silent"),
    ("unknown", "nobody knows it"),
    ("shared", "used by several people"),
    ("old", "no longer kept up by its maker"),
    ("overdue", "should have been back"),
    ("held-by-other", "in the hands of somebody else than its holder"),
    ("personal-use", "used for oneself"),
    ("untested", "not tested when it should have been"),
];

const NEEDS: &[(&str, &str)] = &[
    ("registered", "it is in the register of devices"),
    ("encrypted", "what is on it is encrypted"),
    ("lock-code", "it locks itself"),
    ("protected", "it is protected against harmful programs"),
    ("up-to-date", "its updates are in"),
    ("agreement", "its holder has agreed"),
    ("approved", "what is to be installed is approved"),
    ("licensed", "there is a licence"),
    ("holder", "it has a holder"),
    ("sign-out", "it is signed out to whoever has it"),
    ("personal-login", "people sign in to it as themselves"),
    ("monitored", "what it does is recorded as for every device"),
    ("insured", "it is insured"),
    ("assessed", "somebody has looked at its risks"),
    ("purpose", "it is said what for"),
    ("trusted-ca", "it trusts the school's CA"),
    ("backed-up", "its data are saved elsewhere"),
];

pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    marks: &[
        (Aspect::Does, key("does", Takes::AnyOf(DOES), "What happens with it.")),
        (Aspect::Is, key("is", Takes::AnyOf(IS), "What is known of it.")),
    ],
    needs: Some(key("needs", Takes::AnyOf(NEEDS), "The rule holds when one of these is lacking.")),
    amounts: &[
        (key("unseen_for", Takes::Length, "Seen by nobody for that long."), Amount::UnseenDays),
        (key("idle", Takes::Length, "Touched by nobody for that long."), Amount::IdleSeconds),
    ],
    actions: &[
        Action::Allow,
        Action::Note,
        Action::Report,
        Action::Ask,
        Action::ReadOnly,
        Action::PortalOnly,
        Action::Lock,
        Action::Quarantine,
        Action::Refuse,
    ],
};
