//! The help page: who to talk to. Holds nothing about who is reading.

use askama::Template;

use crate::views::frame::Frame;

#[derive(Template)]
#[template(path = "help.html")]
pub(crate) struct HelpPage {
    pub(crate) frame: Frame,
    pub(crate) leave_to: String,
    pub(crate) outside: &'static [HelpLine],
    pub(crate) inside: Vec<HelpPerson>,
}

/// A help line outside the school.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HelpLine {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) phone: &'static str,
    /// The number as it is dialled.
    pub(crate) dial: &'static str,
    pub(crate) text: &'static str,
    pub(crate) site: &'static str,
}

/// Somebody in school.
#[derive(Debug, Clone)]
pub(crate) struct HelpPerson {
    pub(crate) name: String,
    pub(crate) office: String,
}

/// Free from any phone in the United Kingdom.
pub(crate) const OUTSIDE: &[HelpLine] = &[
    HelpLine {
        name: "Childline",
        about: "for anyone under 19, about anything",
        phone: "0800 1111",
        dial: "08001111",
        text: "free, and not on the bill",
        site: "www.childline.org.uk",
    },
    HelpLine {
        name: "Shout",
        about: "by text message, for anyone",
        phone: "",
        dial: "",
        text: "Text SHOUT to 85258",
        site: "giveusashout.org",
    },
    HelpLine {
        name: "Papyrus HOPELINE247",
        about: "thoughts of suicide, for anyone under 35 or worried about them",
        phone: "0800 068 4141",
        dial: "08000684141",
        text: "",
        site: "www.papyrus-uk.org",
    },
    HelpLine {
        name: "Samaritans",
        about: "for anyone who needs somebody to listen",
        phone: "116 123",
        dial: "116123",
        text: "",
        site: "www.samaritans.org",
    },
    HelpLine {
        name: "National Domestic Abuse Helpline",
        about: "run by Refuge, for women and anyone worried about them",
        phone: "0808 2000 247",
        dial: "08082000247",
        text: "",
        site: "www.nationaldahelpline.org.uk",
    },
    HelpLine {
        name: "CEOP",
        about: "if somebody online is making you do things or sharing pictures of you",
        phone: "",
        dial: "",
        text: "Report it on the site",
        site: "www.ceop.police.uk",
    },
];
