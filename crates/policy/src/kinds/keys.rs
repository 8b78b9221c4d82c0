//! The keys of the kinds of control as data: what the manual lists, what an editor completes, what is read.

mod documents;
mod fields;
mod school;
#[cfg(test)]
mod tests;

use schoolgate_base::ControlKind;
use schoolgate_decide::things::{Action, Amount, Aspect};

use super::things::vocabulary;

pub use documents::{HEAD, NOTES};
pub use fields::FIELD;
pub use school::SCHOOL;

/// One key of a control.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// A sentence for the manual and the editor.
    pub says: &'static str,
    /// Nothing can be read without it.
    pub is_needed: bool,
}

/// What stands behind a key.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// Any words.
    Text,
    /// Several texts, or one.
    Words,
    /// One of what could be several.
    One(&'static Takes),
    /// `2026-09-01`
    Date,
    Truth,
    Number,
    /// `14 days`
    Length,
    /// `every 3 years`
    Every,
    /// `school day`, `2 weeks`, `term`
    Turn,
    /// `3 times in 1 day`, `40 minutes in 1 day`
    After,
    Groups,
    /// Groups, `outside` and `private`.
    Parties,
    Roles,
    /// Roles, and `them`, `owner`, `manager`, `class-teacher`.
    Listeners,
    /// Roles, and `them`: whom it is about, or who has to do it.
    RolesAndThem,
    /// Roles and groups.
    RolesAndGroups,
    /// Roles, groups and `them`.
    Readers,
    Periods,
    Places,
    DeviceClasses,
    Clauses,
    Keepers,
    Content,
    Stores,
    Systems,
    Channels,
    /// Categories and classes of sites.
    Categories,
    /// Categories, classes and sites.
    Sites,
    Registers,
    Events,
    /// One of these actions.
    OneAction(&'static [Action]),
    /// One of these, each with its meaning.
    OneOf(&'static [(&'static str, &'static str)]),
    /// Any of these, each with its meaning.
    AnyOf(&'static [(&'static str, &'static str)]),
    /// The questions of a form.
    Form,
    /// A table with keys of its own.
    Table(&'static [Key]),
    /// One such table, or a list of them.
    Tables(&'static [Key]),
    /// Several tables with these keys, in a list.
    List(&'static [Key]),
    /// A table of names of the first sort to what the second says.
    Map(&'static Takes, &'static Takes),
    /// Either of two.
    Or(&'static Takes, &'static Takes),
}

/// What one kind of rule about things can say.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary {
    /// Keys that name marks of a thing.
    pub marks: &'static [(Aspect, Key)],
    /// What a rule may want to be there.
    pub needs: Option<Key>,
    /// Keys that measure: their name, what they measure, and in which unit they are written.
    pub amounts: &'static [(Key, Amount)],
    pub actions: &'static [Action],
}

pub(crate) const fn key(name: &'static str, takes: Takes, says: &'static str) -> Key {
    Key { name, takes, says, is_needed: false }
}

/// A key that has to be there.
pub(crate) const fn needed(key: Key) -> Key {
    Key { is_needed: true, ..key }
}

/// Keys that every control has.
pub const EVERY_CONTROL: [Key; 3] = [
    key("name", Takes::Text, "Tells two controls of one kind in one clause apart."),
    key("answers", Takes::Words, "Rows of the register of clauses that this control answers."),
    key("kept_by", Takes::Keepers, "Who keeps this control where no door of ours does."),
];

/// Keys that say whom a rule binds, when and where.
pub const SCOPE: [Key; 6] = [
    key("for", Takes::Groups, "Whom it binds; left out: everybody."),
    key("except", Takes::Groups, "Whom it does not bind."),
    key("when", Takes::Periods, "Only in these periods."),
    key("outside", Takes::Periods, "All the time but in these periods."),
    key("at", Takes::Places, "Only in these places."),
    key("on", Takes::DeviceClasses, "Only on these classes of devices."),
];

/// Keys that all rules about things have beside their scope and their own.
pub const OUTCOME: [Key; 8] = [
    key("after", Takes::After, "Only from so many times, or so long, in a stretch of time."),
    key("tell", Takes::Listeners, "Who hears of it; never the person it is about, unless named as `them`."),
    key(
        "about",
        Takes::Map(&Takes::Roles, &Takes::Roles),
        "Who hears instead when it is about the holder of an office.",
    ),
    key("within", Takes::Length, "By when somebody has looked."),
    key("over", Takes::Clauses, "Goes before the rules of these clauses."),
    key("release", Takes::Roles, "Who lets go what is held."),
    key("says", Takes::Text, "A sentence for the person who acts."),
    key("copy", Takes::Roles, "Who gets a copy."),
];

/// All keys of a kind, its own first.
pub fn of(kind: ControlKind) -> Vec<Key> {
    let own: Vec<Key> = match kind {
        ControlKind::Web => [&WEB[..], &SCOPE[..]].concat(),
        ControlKind::Request => REQUEST.to_vec(),
        ControlKind::Report => REPORT.to_vec(),
        ControlKind::Register => REGISTER.to_vec(),
        ControlKind::Duty => DUTY.to_vec(),
        ControlKind::Sign => SIGN.to_vec(),
        ControlKind::Remind => REMIND.to_vec(),
        _ => vocabulary(kind).map(of_things).unwrap_or_default(),
    };
    own.into_iter().chain(EVERY_CONTROL).collect()
}

fn of_things(known: &Vocabulary) -> Vec<Key> {
    let marks = known.marks.iter().map(|(_, key)| *key);
    let amounts = known.amounts.iter().map(|(key, _)| *key);
    let then = key("then", Takes::OneAction(known.actions), "What is done.");
    let tag = key("tag", Takes::Text, "What it is marked with.");
    let tag = Some(tag).filter(|_| known.actions.contains(&Action::Tag));
    let wait = WAIT.iter().filter(|_| known.actions.contains(&Action::Delay)).copied();
    let has_systems = known.marks.iter().any(|(aspect, _)| *aspect == Aspect::System);
    // What passwords must be says by itself what happens to those that are not.
    let then = if has_systems { then } else { needed(then) };
    let passwords = key("password", Takes::Table(super::account::PASSWORD), "What passwords must be.");
    let passwords = has_systems.then_some(passwords);
    let own = marks.chain(known.needs).chain(amounts).chain([then]).chain(tag).chain(wait).chain(passwords);
    own.chain(SCOPE).chain(OUTCOME).collect()
}

const WAIT: [Key; 2] = [
    key("delay", Takes::Length, "How long it waits."),
    key("until", Takes::One(&Takes::Periods), "It waits until the next minute of this period."),
];

const WEB: [Key; 9] = [
    key("allow", Takes::Sites, "What may be opened."),
    key("warn", Takes::Sites, "What opens only after a reminder."),
    key("block", Takes::Sites, "What stays closed."),
    key("sites", Takes::Sites, "What conditions are about, where there is no verdict."),
    key("inspect", Takes::Truth, "Whether it is looked into."),
    key("safe_search", Takes::Truth, "Search engines show their safe results."),
    key("rate_kbit", Takes::Number, "The most kilobits in a second."),
    key("log", Takes::OneOf(&[("full", "the address"), ("host", "the name of the site alone")]), "What is recorded."),
    key("over", Takes::Clauses, "Goes before the rules of these clauses."),
];

const DECIDE: &[Key] = &[
    key("any", Takes::Roles, "Any of these."),
    key("all", Takes::Roles, "Each of these."),
    key("in_order", Takes::Roles, "Each of these, one after the other."),
    key("stand_in", Takes::Roles, "Who decides when none of them can."),
    key("count", Takes::Number, "How many different persons must approve."),
];

const EFFECT: &[Key] = &[
    key("web", Takes::OneOf(&[("allow", "opens the site of the form")]), "Opens the site of the form."),
    key("group", Takes::One(&Takes::Groups), "Puts somebody into a group until the end."),
    key("lifts", Takes::One(&Takes::Clauses), "Lifts the rules of a clause until the end."),
    key("task", Takes::One(&Takes::Clauses), "Begins a duty."),
    key("opens", Takes::OneOf(STORES), "Opens what is somebody's own, until the end."),
    key("for", Takes::Text, "For whom: asker, person, class, or a group."),
    key(
        "of",
        Takes::OneOf(&[("person", "the form's person"), ("asker", "whoever asks")]),
        "Whose; left out: the form's person.",
    ),
    key("to", Takes::OneOf(&[("person", "the form's person")]), "Only towards the form's person."),
];

const STORES: &[(&str, &str)] = &[
    ("mailbox", "a mailbox"),
    ("content", "what was written or opened"),
    ("logs", "what a door recorded of somebody"),
    ("files", "somebody's own files"),
];

const REQUEST: [Key; 9] = [
    needed(key("kind", Takes::Text, "What is asked for, in one word: open-site.")),
    key("title", Takes::Text, "As people read it."),
    key("ask", Takes::Groups, "Who may ask; left out: everybody."),
    needed(key("decide", Takes::Table(DECIDE), "Who decides; never whoever asks.")),
    key("form", Takes::Form, "The questions of the form."),
    key("longest", Takes::Length, "The longest time an approval lasts."),
    key("effect", Takes::Tables(EFFECT), "What an approval does."),
    key("answer_within", Takes::Length, "By when an answer is given."),
    key("keep", Takes::Length, "How long it is kept."),
];

const ESCALATE: &[Key] =
    &[needed(key("after", Takes::Length, "Unread for so long.")), needed(key("to", Takes::Roles, "Who hears then."))];

const REPORT: [Key; 14] = [
    needed(key("kind", Takes::Text, "What is reported, in one word: concern-about-adult.")),
    key("title", Takes::Text, "As people read it."),
    key("ask", Takes::Groups, "Who may report; left out: everybody."),
    needed(key("to", Takes::Roles, "Who hears.")),
    key(
        "about",
        Takes::Map(&Takes::Roles, &Takes::Roles),
        "Who hears instead when it is about the holder of an office.",
    ),
    key("also", Takes::Map(&Takes::Text, &Takes::Roles), "Who hears as well when a box is ticked."),
    key("outside", Takes::Map(&Takes::Text, &Takes::Text), "The way out of the school when a box is ticked."),
    key("within", Takes::Length, "By when somebody acts."),
    key("form", Takes::Form, "The questions of the form."),
    key("escalate", Takes::Table(ESCALATE), "Who hears when nobody has read it."),
    key("steps", Takes::Words, "What must be done before it can be closed."),
    key("outcomes", Takes::Words, "One of these is chosen at closing."),
    key("files", Takes::Truth, "Whether the form takes files."),
    key("keep", Takes::Length, "How long it is kept."),
];

const REGISTER: [Key; 11] = [
    needed(key("kind", Takes::Text, "What is kept, in one word: kit-on-loan.")),
    key("title", Takes::Text, "As people read it."),
    needed(key("fields", Takes::Form, "What is entered.")),
    key("add", Takes::RolesAndGroups, "Roles or groups who enter; left out: whoever keeps it."),
    key("keeps", Takes::Roles, "Who answers for it."),
    key("see", Takes::Readers, "Who may read it beside those; `them` is whom an entry is about."),
    key("due", Takes::Text, "The field that says when something must happen, or a length after the entry."),
    key("warn", Takes::Length, "How long before it is due somebody hears."),
    key("tell", Takes::RolesAndThem, "Who hears when it is due and nothing happened."),
    key("once", Takes::Text, "One open entry for each answer to this field."),
    key("keep", Takes::Length, "How long an entry stays."),
];

const DUTY: [Key; 14] = [
    needed(key("kind", Takes::Text, "What is to be done, in one word: filter-test.")),
    key("title", Takes::Text, "As people read it."),
    key("who", Takes::Roles, "Who does it."),
    key("each", Takes::Groups, "Everybody of these groups does it for themselves."),
    key("every", Takes::Turn, "How often."),
    key("before", Takes::One(&Takes::Events), "Before this."),
    key("upon", Takes::One(&Takes::Events), "After this event, request or report."),
    key("by", Takes::Text, "By this day of each year."),
    key("within", Takes::Length, "So long before or after it."),
    key("done", Takes::Text, "What counts as done."),
    key("warn", Takes::Length, "How long before it is due somebody hears."),
    key("tell", Takes::RolesAndThem, "Who hears when it is late."),
    key("erases", Takes::One(&Takes::Registers), "The kind of register whose entries it erases."),
    key("keep", Takes::Length, "How long its record stays."),
];

const FORMS: &[(&str, &str)] = &[
    ("click", "with one button"),
    ("paper", "on paper, which the office files"),
    ("items", "clause by clause"),
    ("quiz", "after some questions"),
];

pub(crate) const SIGN: [Key; 7] = [
    key("gate", Takes::Truth, "No agreement, no internet."),
    key("who", Takes::Groups, "Who agrees; left out: the policy's audience."),
    key("within", Takes::Length, "How long the gate stays open after a version comes into force."),
    key("again", Takes::Text, "any change, material change, every year, every log-in or once"),
    key("form", Takes::OneOf(FORMS), "How people agree."),
    key("with", Takes::One(&Takes::Groups), "Somebody of this group agrees with them: parent."),
    key("receipt", Takes::One(&Takes::Roles), "The office that files it."),
];

const MOMENTS: &[(&str, &str)] = &[
    ("sign-in", "on the first page after signing in"),
    ("warning", "before a site of a warned category opens"),
    ("request", "beside the form of any request"),
    ("report", "beside the form of any report"),
    ("download", "where something is downloaded"),
    ("upload", "before something is published or uploaded"),
    ("mail", "before a message leaves the school"),
    ("own-device", "when an own device is registered"),
    ("trip", "when a trip is asked for"),
    ("visit", "when a visit to a home is planned"),
    ("loan", "when something is lent"),
    ("social", "before somebody writes on social media for the school, or about it"),
    ("term", "on the first days of a term"),
    ("year", "on the first days of a school year"),
    ("entry", "when a visitor comes in"),
    ("photo", "before a picture is taken"),
    ("phone", "when a phone may be used"),
];

const REMIND: [Key; 3] = [
    needed(key("at", Takes::OneOf(MOMENTS), "The moment at which the clause is shown.")),
    key("for", Takes::Groups, "To whom; left out: everybody."),
    key("text", Takes::Text, "Other words than the clause's."),
];
