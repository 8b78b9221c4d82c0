//! The parts of a snapshot as they are published: plain data, written by `control`, read by doors.
//!
//! Four parts with generations of their own: the lists (a mapped index, crate `lists`), the program (what the
//! policies say), the people (who is in which audience and has signed what) and live (what changes on a click).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use schoolgate_base::{
    Calendar, Capacity, ClauseId, ControlId, DeviceClass, DeviceId, GrantId, Group, Host, HostName, Network, Period,
    PersonId, PolicyId, SchoolId, SessionId,
};
use serde::{Deserialize, Serialize};

use crate::decision::{Conditions, Verdict};
use crate::scope::Scope;
use crate::things::{Leave, PasswordRule, ThingRule};

/// Format of the part payloads in this module; a door refuses parts of another.
pub const FORMAT: u32 = 1;

/// What names a snapshot as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    pub school: SchoolId,
    /// Counts up with each publish.
    pub number: u64,
    pub format: u32,
    pub made_at: Timestamp,
}

/// What the policies in force say, compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Program {
    pub calendar: Calendar,
    pub periods: BTreeMap<Box<str>, Period>,
    pub places: Vec<Place>,
    /// Direct inclusion as declared in `school.toml`: a group and what it is within.
    pub groups: BTreeMap<Group, Group>,
    /// Classes of categories, `personal` → `shopping`, `social`, …
    pub classes: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// What imported lists call a category → the school's category that it counts as, where the names differ.
    #[serde(default)]
    pub list_categories: BTreeMap<Box<str>, Box<str>>,
    pub marks: CategoryMarks,
    pub help: Help,
    pub always_open: Vec<OpenTarget>,
    pub rules: Vec<WebRule>,
    /// Rules about messages, files, drafts, sign-ins, devices and what is written.
    #[serde(default)]
    pub things: Vec<ThingRule>,
    #[serde(default)]
    pub passwords: Vec<PasswordRule>,
    /// Systems that are closed to everybody whom no rule lets in.
    #[serde(default)]
    pub restricted: BTreeSet<Box<str>>,
    /// Verdict where no rule speaks; capacities not named here are blocked.
    pub defaults: BTreeMap<Capacity, Verdict>,
    /// Texts that a block page quotes, by clause.
    pub clauses: BTreeMap<String, ClauseText>,
}

impl Program {
    /// A program that says nothing: everything is blocked.
    pub fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            periods: BTreeMap::new(),
            places: Vec::new(),
            groups: BTreeMap::new(),
            classes: BTreeMap::new(),
            list_categories: BTreeMap::new(),
            marks: CategoryMarks::default(),
            help: Help::default(),
            always_open: Vec::new(),
            rules: Vec::new(),
            things: Vec::new(),
            passwords: Vec::new(),
            restricted: BTreeSet::new(),
            defaults: BTreeMap::new(),
            clauses: BTreeMap::new(),
        }
    }
}

/// The words of a clause as a block page quotes them. Keyed by the written form of its [`ClauseId`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseText {
    pub id: ClauseId,
    /// `5.1`
    pub number: Box<str>,
    pub policy_title: Box<str>,
    /// Plain text, without markup.
    pub text: Box<str>,
}

/// Categories with a standing of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryMarks {
    /// Nothing inside the program lifts these.
    pub locked: Vec<Box<str>>,
    /// No grant opens these: malware, phishing, bypass.
    pub never_granted: Vec<Box<str>>,
    /// Never decrypted: banks, health, unions, legal advice.
    pub never_inspect: Vec<Box<str>>,
}

/// What opens the help page, and whose visits leave no trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// The help list: always open, counted by day, never recorded with a person or device.
    pub hosts: Vec<HostName>,
    /// A block in one of these categories opens the help page instead.
    pub categories: Vec<Box<str>>,
    /// Topic → phrases that, searched for, open the help page; beside those that always do (crate `inspect`).
    pub topics: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// Search engines of the school's own, beside those everybody knows.
    #[serde(default)]
    pub engines: Vec<HostName>,
}

/// A host, with everything below it, that is open all the time; narrowed by a path where given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTarget {
    pub host: HostName,
    pub path: Option<Box<str>>,
    pub why: Box<str>,
}

/// A named network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub name: Box<str>,
    pub networks: Vec<Network>,
    /// All devices here are managed and trust the school's CA.
    pub trusts_ca: bool,
    /// The class of the devices that stand here, where they are all of one.
    pub device_class: Option<DeviceClass>,
    /// Devices here act as this group when nobody has signed in (shared and unattended devices).
    pub acts_as: Option<Group>,
}

/// One rule of a `web` control; a control that names several targets compiles to several rules of one id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebRule {
    pub control: ControlId,
    /// `None`: the rule sets conditions only.
    pub verdict: Option<Verdict>,
    pub conditions: Conditions,
    #[serde(flatten)]
    pub scope: Scope,
    pub target: Target,
    /// Controls this one is stated to win over.
    pub over: Vec<ControlId>,
}

/// Whom a rule or a grant binds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// Any of these; with `persons` empty too, everybody.
    pub groups: Vec<Group>,
    pub persons: Vec<PersonId>,
    pub except: Vec<Group>,
}

/// What a rule or a grant is about; the order is from least to most specific.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Any,
    Class(Box<str>),
    Category(Box<str>),
    /// The name and everything below it.
    Domain(HostName),
    /// This name (or address) alone.
    Host(Host),
    /// The host and everything below `path`, which starts with `/`.
    Url {
        host: HostName,
        path: Box<str>,
    },
}

/// Who is in which audience, and what they still have to agree to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct People {
    pub members: Vec<Member>,
    /// Who signs in elsewhere (802.1X, Kerberos) by a name, by the keyed hash of the name: a door is told names by others
    /// and has none of its own.
    #[serde(default)]
    pub logins: BTreeMap<Box<str>, (PersonId, Capacity)>,
}

/// One person in one capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub person: PersonId,
    pub capacity: Capacity,
    /// Closed over declared inclusion; holds the capacity's own group (`staff`) too.
    pub groups: Vec<Group>,
    /// What stands in events in place of the person.
    pub pseudonym: Box<str>,
    pub must_sign: Vec<MustSign>,
}

/// An agreement that is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MustSign {
    pub policy: PolicyId,
    pub version: Box<str>,
    /// The gate closes from this moment on.
    pub from: Timestamp,
}

/// What changes on a click.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub grants: Vec<Grant>,
    #[serde(default)]
    pub leaves: Vec<Leave>,
    pub urgent: Vec<UrgentBlock>,
    pub own_entries: Vec<OwnEntry>,
    pub sessions: Vec<AddressSession>,
    pub devices: Vec<DeviceToken>,
}

/// A dated exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    /// The request control it came from.
    pub control: ControlId,
    /// The rule whose verdict it lifts; `None`: whichever speaks.
    pub lifts: Option<ControlId>,
    pub target: Target,
    pub audience: Audience,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A block that one person made in one action, and that ends by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UrgentBlock {
    pub id: GrantId,
    pub target: Target,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The school's own word on a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnEntry {
    pub host: HostName,
    pub path: Option<Box<str>>,
    pub category: Box<str>,
    /// `false`: the site is *not* of this category, whatever the lists say. Never lifts a locked list.
    pub is_in: bool,
}

/// A portal sign-in that speaks for an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddressSession {
    pub session: SessionId,
    pub address: IpAddr,
    pub person: PersonId,
    pub capacity: Capacity,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// An enrolled device. Its password is random; only the SHA-256 of it is here, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceToken {
    pub device: DeviceId,
    pub secret_sha256: Box<str>,
    pub class: DeviceClass,
    /// Managed devices trust the school's CA.
    pub is_managed: bool,
    pub person: Option<(PersonId, Capacity)>,
}
