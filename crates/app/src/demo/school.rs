//! The demo school: who is there, who holds which office, and what one may try as each of them.

/// A person one can be with one click.
pub(crate) struct Part {
    pub(crate) login: &'static str,
    pub(crate) says: &'static str,
}

/// Name of the school and its id.
pub(crate) const NAME: &str = "Riverside Primary";
pub(crate) const ID: &str = "riverside";

/// The people, as the school's management system would export them.
pub(crate) const PEOPLE_CSV: &str = include_str!("../../demo/people.csv");

/// The people one can be, in the order they are printed.
pub(crate) const PARTS: [Part; 9] = [
    Part { login: "tess.teacher", says: "teaches 6B and has not signed the policy yet" },
    Part { login: "ivy.tech", says: "the IT technician: answers requests, edits the policy and the lists" },
    Part { login: "helen.head", says: "the head, and a deputy safeguarding lead" },
    Part { login: "dora.lead", says: "the designated safeguarding lead" },
    Part { login: "carl.chair", says: "the chair of governors" },
    Part { login: "gina.governor", says: "a governor: sees evidence without names" },
    Part { login: "sam.supply", says: "teaches 4A, has signed" },
    Part { login: "olive.online", says: "the online-safety lead" },
    Part { login: "bea.business", says: "the business manager" },
];

/// One office: role, login, whether as a deputy.
pub(crate) type Office = (&'static str, &'static str, bool);

/// In this small school the head is a safeguarding deputy too, as in many: a report about her must notice.
pub(crate) const OFFICES: [Office; 17] = [
    ("headteacher", "helen.head", false),
    ("deputy-dsl", "helen.head", false),
    ("dsl", "dora.lead", false),
    ("it-technician", "ivy.tech", false),
    ("online-safety-lead", "olive.online", false),
    ("ict-leader", "olive.online", false),
    ("business-manager", "bea.business", false),
    ("chair-of-governors", "carl.chair", false),
    ("senior-leader", "dora.lead", false),
    ("senior-leader", "bea.business", false),
    ("trust-safeguarding-lead", "gina.governor", false),
    ("school-office", "priya.quinn", false),
    ("school-office", "bea.business", true),
    ("data-protection-lead", "rosa.reed", false),
    ("teacher-on-duty", "hana.irwin", false),
    ("clerk", "sean.stone", false),
    ("hr", "bea.business", false),
];

/// Staff who have not signed yet; everybody else has, in the first days of term.
pub(crate) const NOT_SIGNED: [&str; 5] = ["tess.teacher", "chidi.dunn", "jude.kerr", "otto.page", "sean.stone"];
