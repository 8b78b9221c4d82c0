//! The keys of `school.toml`, section by section.

use super::{Key, Takes, key, needed};

/// `name = "title"`, or `name = { title = "…" }`.
const TITLE: Takes = Takes::Or(&Takes::Text, &Takes::Table(&[key("title", Takes::Text, "As people read it.")]));
const TITLES: Takes = Takes::Map(&Takes::Text, &TITLE);

const KNOWN_BY: &[(&str, &str)] =
    &[("probe", "it is tried out"), ("log", "its log is read in"), ("statement", "somebody stated it on a day")];

const VERDICTS: &[(&str, &str)] = &[("allow", "open"), ("warn", "open after a reminder"), ("block", "closed")];

const IDENTITY: &[Key] = &[
    needed(key("id", Takes::Text, "The school's id: riverside.")),
    needed(key("name", Takes::Text, "Its name as people write it.")),
    key("portal", Takes::Text, "The host of the portal, which is always open."),
    key("extends", Takes::Words, "Folders of packs whose policies hold here too."),
];

const CALENDAR: &[Key] = &[
    needed(key("zone", Takes::Text, "The time zone: Europe/London.")),
    key("terms", Takes::Words, "Each from its first to its last day: 2026-09-02 to 2026-12-18."),
    key("holidays", Takes::Words, "Days, or from one day to another, within terms."),
    key(
        "exceptions",
        Takes::Map(&Takes::Text, &Takes::Text),
        "Days of a kind of the school's own: a date and the kind.",
    ),
];

const GROUP: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("within", Takes::One(&Takes::Groups), "The group it is part of."),
    key("age", Takes::Text, "How old they are: under 18, 18 and over, 11 to 16."),
    key("apart", Takes::Truth, "Nobody is in two of the groups directly within this one."),
];

const ROLE: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("on_duty", Takes::One(&Takes::Periods), "When somebody of this office can be reached."),
];

const PLACE: &[Key] = &[
    key("networks", Takes::Words, "Its networks: 10.20.0.0/16."),
    key("trusts_ca", Takes::Truth, "Whether only devices stand here that trust the school's CA."),
    key("device_class", Takes::One(&Takes::DeviceClasses), "The class of the devices that stand here."),
    key("acts_as", Takes::One(&Takes::Groups), "Who devices here are as long as nobody has signed in."),
];

const CATEGORY: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("lists", Takes::Words, "What imported lists call it."),
    key("locked", Takes::Truth, "Nothing inside the program lifts it."),
    key("never_granted", Takes::Truth, "No approval opens it."),
    key("never_inspect", Takes::Truth, "It is never looked into."),
    key("help", Takes::Truth, "It opens the help page."),
];

const CLASS: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("of", Takes::Categories, "The categories, or classes, in it."),
];

const KEEPER: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("does", Takes::Words, "The kinds of control it carries out."),
    key("known", Takes::OneOf(KNOWN_BY), "How it is known that it does."),
    key("stated", Takes::Date, "The day of a statement."),
    key("lapses", Takes::Length, "How long a statement holds; left out: a year."),
];

const CONTENT: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("found", Takes::Text, "How it is found: phrases, personal-data, credentials, malware, label, names, media."),
    key("phrases", Takes::Words, "With `found = \"phrases\"`: the words."),
    key("special", Takes::Truth, "Belief, union, health or orientation: only who writes it is ever shown it."),
    key("protected", Takes::Truth, "Criticism, complaints, union activity, disclosures: no rule acts on it."),
    key("sealed", Takes::Truth, "Suspected indecent images of children: stopped, never copied."),
];

const SYSTEM: &[Key] = &[
    key("title", Takes::Text, "As people read it."),
    key("restricted", Takes::Truth, "Closed to whom no rule allows it."),
    key("hosts", Takes::Words, "Its hosts."),
];

const OPEN: &[Key] = &[
    needed(key("host", Takes::Text, "The host, with everything below it.")),
    key("path", Takes::Text, "Narrows it to a part."),
    needed(key("why", Takes::Text, "The reason, as people read it.")),
];

const HELP: &[Key] = &[
    key("hosts", Takes::Words, "Sites that help: always open, and visits leave no trace."),
    key("engines", Takes::Words, "Search engines of the school's own."),
    key("topics", Takes::Map(&Takes::Text, &Takes::Words), "A topic, and phrases that open the help page."),
];

/// The sections of `school.toml`.
pub const SCHOOL: [Key; 18] = [
    needed(key("school", Takes::Table(IDENTITY), "Which school it is.")),
    needed(key("calendar", Takes::Table(CALENDAR), "Its days.")),
    key(
        "periods",
        Takes::Map(&Takes::Text, &Takes::Words),
        "Names of times, each with kinds of day or weekdays and hours: school-day 09:00-12:00.",
    ),
    key("groups", Takes::Map(&Takes::Text, &Takes::Table(GROUP)), "Audiences; capacities are there already."),
    key("roles", Takes::Map(&Takes::Text, &Takes::Table(ROLE)), "Offices."),
    key("places", Takes::Map(&Takes::Text, &Takes::Table(PLACE)), "Networks that rules name."),
    key("device_classes", TITLES, "Sorts of device."),
    key("categories", Takes::Map(&Takes::Text, &Takes::Table(CATEGORY)), "Sorts of site."),
    key(
        "classes",
        Takes::Map(&Takes::Text, &Takes::Or(&Takes::Words, &Takes::Table(CLASS))),
        "Several categories under one name.",
    ),
    key(
        "keepers",
        Takes::Map(&Takes::Text, &Takes::Or(&Takes::Text, &Takes::Table(KEEPER))),
        "Outside systems that keep what no door of ours does.",
    ),
    key("content", Takes::Map(&Takes::Text, &Takes::Table(CONTENT)), "What can be in a text, a file or a message."),
    key("stores", TITLES, "Where files lie."),
    key("systems", Takes::Map(&Takes::Text, &Takes::Table(SYSTEM)), "What people sign in to."),
    key("channels", TITLES, "Where things are published, and ways to reach people beside mail."),
    key("events", TITLES, "What duties hang on."),
    key("always_open", Takes::List(OPEN), "Sites that are open before any rule is asked."),
    key("help", Takes::Table(HELP), "Who to turn to."),
    key(
        "defaults",
        Takes::Map(&Takes::Text, &Takes::OneOf(VERDICTS)),
        "What holds for a capacity where no rule speaks.",
    ),
];
