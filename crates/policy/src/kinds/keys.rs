//! The keys of the kinds of control as data: what the manual lists, what an editor completes, what is read.

use schoolgate_decide::things::{Action, Amount, Aspect};

/// One key of a control.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// A sentence for the manual and the editor.
    pub says: &'static str,
}

/// What stands behind a key.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// Any words.
    Text,
    Truth,
    Number,
    /// `14 days`
    Length,
    /// `every 3 years`
    Every,
    /// `3 times in 1 day`, `40 minutes in 1 day`
    After,
    Groups,
    /// Groups, `outside` and `private`.
    Parties,
    Roles,
    /// Roles, and `them`, `owner`, `manager`, `class-teacher`.
    Listeners,
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
    /// A table of names of the first sort to lists of the second.
    Map(&'static Takes, &'static Takes),
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
    Key { name, takes, says }
}

/// Keys that every control has.
pub const EVERY_CONTROL: [Key; 3] = [
    key("name", Takes::Text, "Tells two controls of one kind in one clause apart."),
    key("answers", Takes::Text, "Rows of the register of clauses that this control answers."),
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
