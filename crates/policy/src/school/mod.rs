//! `school.toml`: what several policies share.
//!
//! ```toml
//! [school]
//! id     = "riverside"
//! name   = "Riverside Primary"
//! portal = "portal.demo.test"             # always open
//! extends = ["../england-2026"]           # folders of packs whose documents hold here too
//!
//! [calendar]
//! zone       = "Europe/London"
//! terms      = ["2026-09-02 to 2026-12-18"]
//! holidays   = ["2026-10-26 to 2026-10-30", "2026-11-02"]
//! exceptions = { "2026-11-27" = "inset" } # a kind of day of the school's own
//!
//! [periods]                               # kinds of day or weekdays, then times; both may be left out
//! lessons = ["school-day 09:00-12:00", "school-day 13:00-15:15"]
//!
//! [groups.teachers]                       # capacities are groups already: staff, pupil, parent, …
//! within = "staff"
//! title  = "teachers"
//! age    = "18 and over"                  # in completed years: "under 18", "over 18", "18 and over", "11 to 16"
//!
//! [groups."year:6"]
//! within = "pupil"
//! apart  = true                           # nobody is in two of the groups directly within this one
//!
//! [roles.dsl]
//! title   = "designated safeguarding lead"
//! on_duty = "school-hours"                # when somebody of this office can be reached; left out: nobody knows
//!
//! [places.building]
//! networks     = ["10.20.0.0/16"]
//! trusts_ca    = true                     # only managed devices here: they trust the school's CA
//! device_class = "school-device"
//! acts_as      = "pupil"                  # who devices are here as long as nobody has signed in
//!
//! [device_classes]
//! personal-device = "devices of one's own"
//!
//! [categories.gambling]
//! title = "gambling sites"
//! lists = ["gambling", "betting"]         # names of categories in imported lists that mean the same
//! # locked, never_granted, never_inspect, help = true
//!
//! [classes]
//! personal = ["shopping", "social"]
//!
//! [keepers.county-filter]
//! title  = "the county's filter"
//! does   = ["web"]                        # kinds of control it carries out
//! known  = "statement"                    # probe, log or statement
//! stated = 2026-09-01                     # of a statement; it lapses after a year, or `lapses = "6 months"`
//!
//! [content.personal-data]                 # what can be in a text, a file or a message
//! title = "personal data"
//! found = "personal-data"                 # how; `phrases = [...]` for words of the school's own
//! # special = true     belief, union, health, orientation: only who writes it is ever shown it
//! # protected = true   criticism, complaints, disclosures: no rule acts on it
//! # sealed = true      suspected indecent images of children: stopped, never copied
//!
//! [stores.classwork]                      # where files lie
//! title = "the shared class folder"
//!
//! [systems.pupil-records]
//! title      = "the pupil records"
//! restricted = true                       # closed to whom no rule allows it
//!
//! [channels.website]                      # where things are published, and ways to reach people beside mail
//! title = "the school's website"
//!
//! [events]                                # what duties hang on
//! home-visit = "a home visit"
//!
//! [[always_open]]
//! host = "exams.example"                  # path = "/entry" narrows it
//! why  = "exam board"
//!
//! [help]
//! hosts   = ["help.example"]
//! engines = ["search.example"]            # search engines of the school's own, beside those everybody knows
//!
//! [help.topics]
//! self-harm = ["self harm", "hurt myself"]
//!
//! [defaults]                              # where no rule speaks; a capacity not named is blocked
//! staff = "allow"
//! ```

mod age;
mod calendar;
mod read;
mod stock;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, Capacity, DeviceClass, Group, HostName, Period, Role, SchoolId};
use schoolgate_decide::Verdict;
use schoolgate_decide::snapshot::{Help, OpenTarget, Place};

use crate::diagnostic::Span;
use crate::syntax::{Spanned, Word};

pub use age::Ages;
pub(crate) use age::check as check_ages;
pub(crate) use read::{SUGGESTED_MAX, parse, unknown};
pub use stock::{ContentEntry, KeeperEntry, KnownBy, SystemEntry};

/// What `school.toml` says, checked as far as it stands alone.
#[derive(Debug, Clone, PartialEq)]
pub struct School {
    pub id: Option<SchoolId>,
    pub name: Box<str>,
    pub portal: Option<HostName>,
    /// Folders of packs whose documents hold here too.
    pub extends: Vec<Word>,
    pub calendar: Calendar,
    pub periods: BTreeMap<Box<str>, Period>,
    pub groups: BTreeMap<Group, GroupEntry>,
    pub roles: BTreeMap<Role, RoleEntry>,
    pub places: Vec<Place>,
    pub device_classes: BTreeMap<DeviceClass, Box<str>>,
    pub categories: BTreeMap<Box<str>, CategoryEntry>,
    /// Class → its categories, classes in it already resolved.
    pub classes: BTreeMap<Box<str>, ClassEntry>,
    pub keepers: BTreeMap<Box<str>, KeeperEntry>,
    pub content: BTreeMap<Box<str>, ContentEntry>,
    /// Where files lie: name → as people read it.
    pub stores: BTreeMap<Box<str>, Box<str>>,
    pub systems: BTreeMap<Box<str>, SystemEntry>,
    /// Where things are published, and ways to reach people: name → as people read it.
    pub channels: BTreeMap<Box<str>, Box<str>>,
    /// What duties hang on: name → as people read it.
    pub events: BTreeMap<Box<str>, Box<str>>,
    pub always_open: Vec<OpenTarget>,
    pub help: Help,
    pub defaults: BTreeMap<Capacity, Verdict>,
}

/// An audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEntry {
    /// Place of the declaration; capacities have none.
    pub span: Option<Span>,
    pub title: Box<str>,
    pub within: Option<Group>,
    /// Nobody is in two of the groups directly within this one.
    pub is_apart: bool,
    /// How old the people in it are.
    pub age: Option<Spanned<Ages>>,
}

/// An office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEntry {
    pub span: Span,
    pub title: Box<str>,
    /// The period in which somebody of this office can be reached.
    pub on_duty: Option<Box<str>>,
}

/// A category of sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryEntry {
    pub span: Span,
    pub title: Box<str>,
    /// Categories of imported lists that count as this one.
    pub lists: Vec<Box<str>>,
    pub is_locked: bool,
    pub is_never_granted: bool,
    pub is_never_inspected: bool,
    pub is_help: bool,
}

/// A class of categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassEntry {
    pub span: Span,
    pub title: Box<str>,
    pub categories: BTreeSet<Box<str>>,
}

impl School {
    /// A school that knows nothing but the capacities.
    pub fn empty() -> Self {
        let capacity = |capacity: Capacity| {
            let entry = GroupEntry {
                span: None,
                title: capacity_words(capacity).into(),
                within: None,
                is_apart: false,
                age: None,
            };
            (Group::new(capacity.as_str()), entry)
        };
        Self {
            id: None,
            name: "this school".into(),
            portal: None,
            extends: Vec::new(),
            calendar: Calendar {
                zone: TimeZone::UTC,
                terms: Vec::new(),
                holidays: Vec::new(),
                exceptions: BTreeMap::new(),
            },
            periods: BTreeMap::new(),
            groups: Capacity::ALL.into_iter().map(capacity).collect(),
            roles: BTreeMap::new(),
            places: Vec::new(),
            device_classes: BTreeMap::new(),
            categories: BTreeMap::new(),
            classes: BTreeMap::new(),
            keepers: BTreeMap::new(),
            content: BTreeMap::new(),
            stores: BTreeMap::new(),
            systems: BTreeMap::new(),
            channels: [("mail".into(), "mail".into())].into(),
            events: BTreeMap::new(),
            always_open: Vec::new(),
            help: Help::default(),
            defaults: BTreeMap::new(),
        }
    }

    /// The group and everything it is declared within, narrowest first; ends where the declaration turns in a circle.
    pub fn above(&self, group: &Group) -> Vec<Group> {
        let mut chain = vec![group.clone()];
        while let Some(parent) = chain.last().and_then(|last| self.groups.get(last)).and_then(|g| g.within.clone()) {
            if chain.contains(&parent) {
                break;
            }
            chain.push(parent);
        }
        chain
    }

    /// Whether `inner` is `outer` or declared within it.
    pub fn is_within(&self, inner: &Group, outer: &Group) -> bool {
        self.above(inner).contains(outer)
    }

    /// The capacity that a group belongs to, by declared inclusion.
    pub fn capacity_of(&self, group: &Group) -> Option<Capacity> {
        self.above(group).iter().rev().find_map(|group| Capacity::from_word(group.as_str()))
    }

    /// Whether nobody can be in both groups: of different capacities, or in two branches that are declared apart.
    pub fn are_apart(&self, one: &Group, other: &Group) -> bool {
        let (ones, others) = (self.above(one), self.above(other));
        if ones.contains(other) || others.contains(one) {
            return false;
        }
        match (self.capacity_of(one), self.capacity_of(other)) {
            (Some(a), Some(b)) if a != b => return true,
            _ => {}
        }
        // The lowest group that holds both: below it they went different ways.
        let Some(shared) = ones.iter().find(|group| others.contains(group)) else { return false };
        self.groups.get(shared).is_some_and(|entry| entry.is_apart)
    }

    /// Takes over the names of a pack that this school's extends, where it has none of its own.
    pub(crate) fn take_names(&mut self, base: Self) {
        fn fill<K: Ord, V>(own: &mut BTreeMap<K, V>, base: BTreeMap<K, V>) {
            for (name, entry) in base {
                own.entry(name).or_insert(entry);
            }
        }
        fill(&mut self.periods, base.periods);
        fill(&mut self.groups, base.groups);
        fill(&mut self.roles, base.roles);
        fill(&mut self.device_classes, base.device_classes);
        fill(&mut self.content, base.content);
        fill(&mut self.stores, base.stores);
        fill(&mut self.systems, base.systems);
        fill(&mut self.channels, base.channels);
        fill(&mut self.events, base.events);
        let is_free =
            |school: &Self, name: &str| !school.categories.contains_key(name) && !school.classes.contains_key(name);
        for (name, entry) in base.categories {
            if is_free(self, &name) {
                self.help.categories.extend(entry.is_help.then(|| name.clone()));
                self.categories.insert(name, entry);
            }
        }
        for (name, entry) in base.classes {
            if is_free(self, &name) {
                self.classes.insert(name, entry);
            }
        }
    }

    pub fn group_title(&self, group: &Group) -> String {
        self.groups.get(group).map_or_else(|| group.to_string(), |entry| entry.title.to_string())
    }

    pub fn role_title(&self, role: &Role) -> String {
        self.roles.get(role).map_or_else(|| role.to_string(), |entry| entry.title.to_string())
    }

    /// As people read it: "gambling sites".
    pub fn target_title(&self, name: &str) -> String {
        let category = self.categories.get(name).map(|entry| &entry.title);
        let class = self.classes.get(name).map(|entry| &entry.title);
        class.or(category).map_or_else(|| name.to_owned(), |title| title.to_string())
    }

    /// The categories behind a name of a category or class.
    pub fn categories_of(&self, name: &str) -> BTreeSet<Box<str>> {
        match self.classes.get(name) {
            Some(class) => class.categories.clone(),
            None => BTreeSet::from([name.into()]),
        }
    }

    pub fn period_names(&self) -> impl Iterator<Item = &str> {
        self.periods.keys().map(|name| &**name)
    }
}

/// A capacity as people read it.
pub fn capacity_words(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::Staff => "staff",
        Capacity::Pupil => "pupils",
        Capacity::Parent => "parents",
        Capacity::Governor => "governors",
        Capacity::Visitor => "visitors",
        Capacity::Device => "unattended devices",
    }
}
