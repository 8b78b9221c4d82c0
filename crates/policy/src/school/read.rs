//! Reads `school.toml`.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{
    Calendar, Capacity, DayKind, DeviceClass, Group, HostName, Network, NetworkError, Period, Role, SchoolId,
};
use schoolgate_decide::Verdict;
use schoolgate_decide::snapshot::{Help, OpenTarget, Place, Target};

use super::{CategoryEntry, ClassEntry, GroupEntry, RoleEntry, School, age, calendar, stock, time};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::web;
use crate::nearest::nearest;
use crate::pack::FileId;
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::value::{self, Source};
use crate::syntax::{Table, Value, ValueKind, Word};

/// Reads the file; what cannot be read is left out and reported.
pub(crate) fn parse(file: FileId, text: &str, findings: &mut Findings) -> School {
    let source = Source::whole(file, text, 0);
    let table = value::parse(&source, findings);
    let start = Span::new(file, 0..0);
    let mut school = School::empty();
    let mut top = Reader::new(&table, start, "school.toml", findings);
    let sections = Sections {
        school: top.table("school"),
        calendar: top.table("calendar"),
        periods: top.table("periods"),
        groups: top.table("groups"),
        roles: top.table("roles"),
        places: top.table("places"),
        device_classes: top.table("device_classes"),
        categories: top.table("categories"),
        classes: top.table("classes"),
        keepers: top.table("keepers"),
        content: top.table("content"),
        stores: top.table("stores"),
        systems: top.table("systems"),
        channels: top.table("channels"),
        events: top.table("events"),
        help: top.table("help"),
        defaults: top.table("defaults"),
        always_open: top.get("always_open"),
    };
    let place = top.key_span("school").unwrap_or(start);
    if sections.school.is_none() {
        top.missing("school", "a section `[school]` with `id` and `name`");
    }
    if sections.calendar.is_none() {
        top.missing("calendar", "a section `[calendar]` with `zone` and `terms`");
    }
    top.finish();
    sections.read(&mut school, place, findings);
    school
}

struct Sections<'t> {
    school: Option<&'t Table>,
    calendar: Option<&'t Table>,
    periods: Option<&'t Table>,
    groups: Option<&'t Table>,
    roles: Option<&'t Table>,
    places: Option<&'t Table>,
    device_classes: Option<&'t Table>,
    categories: Option<&'t Table>,
    classes: Option<&'t Table>,
    keepers: Option<&'t Table>,
    content: Option<&'t Table>,
    stores: Option<&'t Table>,
    systems: Option<&'t Table>,
    channels: Option<&'t Table>,
    events: Option<&'t Table>,
    help: Option<&'t Table>,
    defaults: Option<&'t Table>,
    always_open: Option<&'t Value>,
}

impl Sections<'_> {
    /// In an order in which each section finds the names it refers to.
    fn read(&self, school: &mut School, place: Span, findings: &mut Findings) {
        if let Some(table) = self.school {
            read_school(table, place, school, findings);
        }
        if let Some(table) = self.calendar {
            school.calendar = calendar::read(table, findings);
        }
        if let Some(table) = self.periods {
            school.periods = read_periods(table, &school.calendar, findings);
        }
        if let Some(table) = self.groups {
            read_groups(table, school, findings);
        }
        if let Some(table) = self.roles {
            read_roles(table, school, findings);
        }
        if let Some(table) = self.device_classes {
            school.device_classes =
                titles(table, findings).into_iter().map(|(name, title)| (DeviceClass::new(&name), title)).collect();
        }
        if let Some(table) = self.places {
            read_places(table, school, findings);
        }
        if let Some(table) = self.categories {
            read_categories(table, school, findings);
        }
        if let Some(table) = self.classes {
            read_classes(table, school, findings);
        }
        if let Some(table) = self.keepers {
            school.keepers = stock::keepers(table, findings);
        }
        if let Some(table) = self.content {
            school.content = stock::content(table, findings);
        }
        if let Some(table) = self.stores {
            school.stores = titles(table, findings);
        }
        if let Some(table) = self.systems {
            school.systems = stock::systems(table, findings);
        }
        if let Some(table) = self.channels {
            school.channels.extend(titles(table, findings));
        }
        if let Some(table) = self.events {
            school.events = titles(table, findings);
        }
        if let Some(value) = self.always_open {
            school.always_open = read_always_open(value, findings);
        }
        if let Some(table) = self.help {
            school.help = read_help(table, findings);
        }
        if let Some(table) = self.defaults {
            school.defaults = read_defaults(table, findings);
        }
        let helping = school.categories.iter().filter(|(_, entry)| entry.is_help);
        school.help.categories = helping.map(|(name, _)| name.clone()).collect();
    }
}

fn read_school(table: &Table, place: Span, school: &mut School, findings: &mut Findings) {
    let mut reader = Reader::new(table, place, "`[school]`", findings);
    if let Some(word) = reader.needed("id", "\"riverside\"") {
        school.id = SchoolId::new(&word.text).ok();
        if let Err(error) = SchoolId::new(&word.text) {
            reader.findings.push(Diagnostic::new(Code::BadName, word.span, error.to_string()));
        }
    }
    if let Some(word) = reader.needed("name", "\"Riverside Primary\"") {
        school.name = word.text.as_str().into();
    }
    if let Some(word) = reader.text("portal") {
        school.portal = host(&word, reader.findings);
    }
    school.extends = reader.words("extends").unwrap_or_default();
    reader.finish();
}

fn read_periods(table: &Table, calendar: &Calendar, findings: &mut Findings) -> BTreeMap<Box<str>, Period> {
    let own = calendar.exceptions.values().map(|kind| kind.as_str().into());
    let fixed = [DayKind::SCHOOL_DAY, DayKind::WEEKEND, DayKind::HOLIDAY].map(Box::from);
    let kinds: BTreeSet<Box<str>> = own.chain(fixed).collect();
    let mut periods = BTreeMap::new();
    for (name, value) in &table.entries {
        let mut reader = Reader::new(table, table.span, "`[periods]`", findings);
        let words = match &value.kind {
            ValueKind::Text(word) => vec![word.clone()],
            ValueKind::List(items) => reader.list(&name.text, items),
            other => {
                reader.wrong_type(&name.text, value.span, other.name(), "a list of spans");
                continue;
            }
        };
        let spans = words.iter().filter_map(|word| time::period_span(word, &kinds, findings)).collect();
        let key: Box<str> = name.text.as_str().into();
        periods.insert(key.clone(), Period { name: key, spans });
    }
    periods
}

/// Each entry of a section, as a table of its own.
pub(super) fn tables<'t>(table: &'t Table, what: &str, findings: &mut Findings) -> Vec<(&'t Word, &'t Table)> {
    let mut found = Vec::new();
    for (name, value) in &table.entries {
        match &value.kind {
            ValueKind::Table(inner) => found.push((name, inner)),
            other => findings.push(
                Diagnostic::new(
                    Code::WrongType,
                    value.span,
                    format!("`{}` wants a table, this is {}", name.text, other.name()),
                )
                .help(format!("write a section `[{what}.{}]`", name.text)),
            ),
        }
    }
    found
}

/// Name = "title", or name = { title = "…" }.
fn titles(table: &Table, findings: &mut Findings) -> BTreeMap<Box<str>, Box<str>> {
    let mut found = BTreeMap::new();
    for (name, value) in &table.entries {
        let title = match &value.kind {
            ValueKind::Text(word) => Some(word.text.clone()),
            ValueKind::Table(inner) => {
                let mut reader = Reader::new(inner, name.span, "this entry", findings);
                let title = reader.text("title").map(|word| word.text);
                reader.finish();
                title
            }
            other => {
                findings.push(Diagnostic::new(
                    Code::WrongType,
                    value.span,
                    format!("`{}` wants a title, this is {}", name.text, other.name()),
                ));
                None
            }
        };
        found.insert(name.text.as_str().into(), title.unwrap_or_else(|| name.text.clone()).into());
    }
    found
}

fn read_groups(table: &Table, school: &mut School, findings: &mut Findings) {
    let mut parents: Vec<(Group, Word)> = Vec::new();
    for (name, inner) in tables(table, "groups", findings) {
        let mut reader = Reader::new(inner, name.span, "a group", findings);
        let title = reader.text("title").map_or_else(|| name.text.clone(), |word| word.text);
        let within = reader.text("within");
        let is_apart = reader.truth("apart").unwrap_or(false);
        let age = reader.text("age").and_then(|word| age::ages(&word, reader.findings));
        let group = Group::new(&name.text);
        if within.is_none() && Capacity::from_word(&name.text).is_none() && reader.key_span("within").is_none() {
            reader.missing("within", "\"staff\"");
        }
        reader.finish();
        let parent = within.as_ref().map(|word| Group::new(&word.text));
        parents.extend(within.map(|word| (group.clone(), word)));
        let entry = GroupEntry { span: Some(name.span), title: title.into(), within: parent, is_apart, age };
        school.groups.insert(group, entry);
    }
    for (group, word) in parents {
        if !school.groups.contains_key(&Group::new(&word.text)) {
            unknown(Code::UnknownGroup, "group", &word, school.groups.keys().map(Group::as_str), findings);
            forget_parent(school, &group);
        } else if is_circle(school, &group) {
            findings.push(
                Diagnostic::new(Code::GroupCycle, word.span, format!("group `{group}` is within itself"))
                    .help("groups form a tree: leave this `within` out or name a wider group"),
            );
            forget_parent(school, &group);
        }
    }
}

fn forget_parent(school: &mut School, group: &Group) {
    if let Some(entry) = school.groups.get_mut(group) {
        entry.within = None;
    }
}

fn is_circle(school: &School, group: &Group) -> bool {
    let mut at = school.groups.get(group).and_then(|entry| entry.within.clone());
    for _ in 0..=school.groups.len() {
        match at {
            Some(parent) if &parent == group => return true,
            Some(parent) => at = school.groups.get(&parent).and_then(|entry| entry.within.clone()),
            None => return false,
        }
    }
    false
}

fn read_roles(table: &Table, school: &mut School, findings: &mut Findings) {
    for (name, inner) in tables(table, "roles", findings) {
        let mut reader = Reader::new(inner, name.span, "a role", findings);
        let title = reader.text("title").map_or_else(|| name.text.clone(), |word| word.text);
        let on_duty = reader.text("on_duty");
        reader.finish();
        let on_duty = on_duty.filter(|word| {
            let is_known = school.periods.contains_key(word.text.as_str());
            if !is_known {
                unknown(Code::UnknownPeriod, "period", word, school.period_names(), findings);
            }
            is_known
        });
        let on_duty = on_duty.map(|word| word.text.into());
        school.roles.insert(Role::new(&name.text), RoleEntry { span: name.span, title: title.into(), on_duty });
    }
}

fn read_places(table: &Table, school: &mut School, findings: &mut Findings) {
    for (name, inner) in tables(table, "places", findings) {
        let mut reader = Reader::new(inner, name.span, "a place", findings);
        let networks = reader.words("networks").unwrap_or_default();
        let networks = networks.iter().filter_map(|word| network(word, reader.findings)).collect();
        let trusts_ca = reader.truth("trusts_ca").unwrap_or(false);
        let device_class = reader.text("device_class");
        let acts_as = reader.text("acts_as");
        reader.finish();
        if let Some(word) = &device_class
            && !school.device_classes.contains_key(&DeviceClass::new(&word.text))
        {
            let names = school.device_classes.keys().map(DeviceClass::as_str);
            unknown(Code::UnknownDeviceClass, "class of devices", word, names, findings);
        }
        if let Some(word) = &acts_as
            && !school.groups.contains_key(&Group::new(&word.text))
        {
            unknown(Code::UnknownGroup, "group", word, school.groups.keys().map(Group::as_str), findings);
        }
        school.places.push(Place {
            name: name.text.as_str().into(),
            networks,
            trusts_ca,
            device_class: device_class.map(|word| DeviceClass::new(&word.text)),
            acts_as: acts_as.map(|word| Group::new(&word.text)),
        });
    }
}

fn network(word: &Word, findings: &mut Findings) -> Option<Network> {
    let (message, help) = match word.text.parse() {
        Ok(network) => return Some(network),
        Err(NetworkError::NotOne) => {
            (format!("`{}` is not a network", word.text), "write it as `10.20.0.0/16` or `2001:db8::/48`".to_owned())
        }
        Err(NetworkError::Ambiguous { network, address }) => (
            format!("`{}` is an address with the prefix of its network", word.text),
            format!("write the one that is meant: `{network}` or `{address}`"),
        ),
    };
    findings.push(Diagnostic::new(Code::BadNetwork, word.span, message).help(help));
    None
}

fn read_categories(table: &Table, school: &mut School, findings: &mut Findings) {
    for (name, inner) in tables(table, "categories", findings) {
        let mut reader = Reader::new(inner, name.span, "a category", findings);
        let entry = CategoryEntry {
            span: name.span,
            title: reader.text("title").map_or_else(|| name.text.clone(), |word| word.text).into(),
            lists: reader.words("lists").unwrap_or_default().into_iter().map(|word| word.text.into()).collect(),
            is_locked: reader.truth("locked").unwrap_or(false),
            is_never_granted: reader.truth("never_granted").unwrap_or(false),
            is_never_inspected: reader.truth("never_inspect").unwrap_or(false),
            is_help: reader.truth("help").unwrap_or(false),
        };
        reader.finish();
        school.categories.insert(name.text.as_str().into(), entry);
    }
}

/// Deeper than this nobody can follow what a class holds.
const CLASS_DEPTH_MAX: usize = 8;

/// A class as written: its name's place, its title, its members.
type Members = (Span, Box<str>, Vec<Word>);

fn read_classes(table: &Table, school: &mut School, findings: &mut Findings) {
    let mut members: BTreeMap<Box<str>, Members> = BTreeMap::new();
    for (name, value) in &table.entries {
        let (title, words) = match &value.kind {
            ValueKind::List(items) => {
                let mut reader = Reader::new(table, name.span, "a class", findings);
                (name.text.clone(), reader.list(&name.text, items))
            }
            ValueKind::Table(inner) => {
                let mut reader = Reader::new(inner, name.span, "a class", findings);
                let title = reader.text("title").map_or_else(|| name.text.clone(), |word| word.text);
                let words = reader.words("of").unwrap_or_default();
                reader.finish();
                (title, words)
            }
            other => {
                findings.push(Diagnostic::new(
                    Code::WrongType,
                    value.span,
                    format!("a class is a list of categories, this is {}", other.name()),
                ));
                continue;
            }
        };
        if let Some(category) = school.categories.get(name.text.as_str()) {
            findings.push(
                Diagnostic::new(Code::DuplicateName, name.span, format!("`{}` is a category already", name.text))
                    .why("rules could not tell the class from the category")
                    .other(category.span, "the category"),
            );
            continue;
        }
        members.insert(name.text.as_str().into(), (name.span, title.into(), words));
    }
    for (name, (span, title, _)) in &members {
        let categories = resolve(name, &members, school, findings);
        let entry = ClassEntry { span: *span, title: title.clone(), categories };
        school.classes.insert(name.clone(), entry);
    }
}

/// The categories of a class and of the classes in it. What is wrong inside those is reported where it stands.
fn resolve(
    class: &str,
    members: &BTreeMap<Box<str>, Members>,
    school: &School,
    findings: &mut Findings,
) -> BTreeSet<Box<str>> {
    let mut categories = BTreeSet::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    // Each word with the one of this class by way of which it was reached.
    let words = |name: &str| members.get(name).map_or(&[][..], |(_, _, words)| words.as_slice());
    let mut level: Vec<(&Word, &Word)> = words(class).iter().map(|word| (word, word)).collect();
    for depth in 0..CLASS_DEPTH_MAX {
        let mut next = Vec::new();
        for (word, by) in level {
            let name = word.text.as_str();
            if school.categories.contains_key(name) {
                categories.insert(name.into());
            } else if name == class {
                findings.push(class_cycle(class, by));
            } else if members.contains_key(name) {
                if seen.insert(name) {
                    next.extend(words(name).iter().map(|word| (word, by)));
                }
            } else if depth == 0 {
                let names = school.categories.keys().chain(members.keys()).map(|name| &**name);
                unknown(Code::UnknownCategory, "category", word, names, findings);
            }
        }
        level = next;
    }
    if let Some((_, by)) = level.first() {
        let message = format!("class `{class}` is built of classes more than {CLASS_DEPTH_MAX} deep");
        findings.push(Diagnostic::new(Code::ClassCycle, by.span, message).help("name categories here"));
    }
    categories
}

fn class_cycle(class: &str, by: &Word) -> Diagnostic {
    Diagnostic::new(Code::ClassCycle, by.span, format!("class `{class}` is a member of itself"))
        .help("name categories here")
}

fn read_always_open(value: &Value, findings: &mut Findings) -> Vec<OpenTarget> {
    let ValueKind::List(items) = &value.kind else {
        findings.push(
            Diagnostic::new(
                Code::WrongType,
                value.span,
                format!("`always_open` wants sections, this is {}", value.kind.name()),
            )
            .help("write `[[always_open]]` with `host` and `why`"),
        );
        return Vec::new();
    };
    let mut open = Vec::new();
    for item in items {
        let ValueKind::Table(table) = &item.kind else {
            findings.push(Diagnostic::new(Code::WrongType, item.span, "an entry of `always_open` is a table"));
            continue;
        };
        let mut reader = Reader::new(table, item.span, "an `always_open` entry", findings);
        let site = reader.needed("host", "\"exams.example\"");
        let path = reader.text("path");
        let why = reader.needed("why", "\"exam board\"");
        reader.finish();
        let Some(host) = site.and_then(|word| host(&word, findings)) else { continue };
        let path = path.map(|word| word.text.into());
        open.push(OpenTarget { host, path, why: why.map_or_else(|| "always open".into(), |word| word.text.into()) });
    }
    open
}

fn read_help(table: &Table, findings: &mut Findings) -> Help {
    let mut reader = Reader::new(table, table.span, "`[help]`", findings);
    let hosts = reader.words("hosts").unwrap_or_default();
    let engines = reader.words("engines").unwrap_or_default();
    let topics = reader.table("topics");
    reader.finish();
    let hosts = hosts.iter().filter_map(|word| host(word, findings)).collect();
    let engines = engines.iter().filter_map(|word| host(word, findings)).collect();
    let mut help = Help { hosts, engines, ..Help::default() };
    for (topic, value) in topics.map_or(&[][..], |table| &table.entries) {
        let mut reader = Reader::new(table, topic.span, "`[help.topics]`", findings);
        match &value.kind {
            ValueKind::List(items) => {
                let phrases = reader.list(&topic.text, items).into_iter().map(|word| word.text.into()).collect();
                help.topics.insert(topic.text.as_str().into(), phrases);
            }
            other => reader.wrong_type(&topic.text, value.span, other.name(), "a list of phrases"),
        }
    }
    help
}

fn read_defaults(table: &Table, findings: &mut Findings) -> BTreeMap<Capacity, Verdict> {
    let choices = [("allow", Verdict::Allow), ("warn", Verdict::Warn), ("block", Verdict::Block)];
    let mut defaults = BTreeMap::new();
    for (name, value) in &table.entries {
        let Some(capacity) = Capacity::from_word(&name.text) else {
            let names = Capacity::ALL.into_iter().map(Capacity::as_str);
            unknown(Code::UnknownGroup, "capacity", name, names, findings);
            continue;
        };
        match &value.kind {
            ValueKind::Text(word) => {
                let verdict = reader::choose(word, &name.text, &choices, findings);
                defaults.extend(verdict.map(|verdict| (capacity, verdict.value)));
            }
            other => findings.push(Diagnostic::new(
                Code::WrongType,
                value.span,
                format!("a default is `allow`, `warn` or `block`, this is {}", other.name()),
            )),
        }
    }
    defaults
}

pub(super) fn host(word: &Word, findings: &mut Findings) -> Option<HostName> {
    let why = match web::site(&word.text) {
        Ok(Target::Domain(name)) => return Some(name),
        Ok(_) => "a host name without a path is wanted here".to_owned(),
        Err(why) => why,
    };
    findings.push(Diagnostic::new(Code::BadSite, word.span, format!("`{}` is not a host name", word.text)).why(why));
    None
}

/// So many findings get the nearest known name; whoever has more has another mistake than typing errors.
pub(crate) const SUGGESTED_MAX: usize = 200;

/// "there is no `kind` called `word`", with the nearest known name.
pub(crate) fn unknown<'a>(
    code: Code,
    kind: &str,
    word: &Word,
    known: impl IntoIterator<Item = &'a str>,
    findings: &mut Findings,
) {
    let is_looked_up = findings.len() < SUGGESTED_MAX;
    let mut names: Vec<&str> = known.into_iter().filter(|_| is_looked_up).collect();
    names.sort_unstable();
    let help = match nearest(&word.text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => format!("declare it in school.toml first: it has no {kind} yet"),
        None if is_looked_up && names.len() <= 12 => format!("school.toml declares {}", reader::list_of(names)),
        None => "declare it in school.toml first".to_owned(),
    };
    findings.push(
        Diagnostic::new(code, word.span, format!("there is no {kind} called `{}`", word.text))
            .label("not declared in school.toml")
            .help(help),
    );
}
