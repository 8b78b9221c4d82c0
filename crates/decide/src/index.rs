//! A snapshot in memory: the parts as published, and the indexes that make a decision quick.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use schoolgate_base::{Capacity, Group, Host, HostName, PersonId, normal_path, path_is_below, path_is_closed_by};

use crate::categories::{Categories, CategoryHit};
use crate::decision::Verdict;
use crate::periods::Periods;
use crate::searches::HelpSearches;
use crate::snapshot::{Live, Member, OwnEntry, People, Place, Program, Root, Target};

/// Everything a door needs to decide. A request keeps the one it began with.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub root: Root,
    pub lists: Arc<dyn Categories>,
    pub program: Arc<Program>,
    pub people: Arc<People>,
    pub live: Arc<Live>,
    rules: Arc<RuleIndex>,
    searches: Arc<HelpSearches>,
    pub(crate) periods: Arc<Periods>,
    members: MemberIndex,
}

type MemberIndex = Arc<HashMap<(PersonId, Capacity), usize>>;

fn index_of(people: &People) -> MemberIndex {
    let members = people.members.iter().enumerate();
    Arc::new(members.map(|(place, member)| ((member.person.clone(), member.capacity), place)).collect())
}

/// Which rules can be about a request, by target; numbers are places in `Program::rules`.
#[derive(Debug, Default)]
struct RuleIndex {
    any: Vec<usize>,
    by_category: HashMap<Box<str>, Vec<usize>>,
    by_host: HashMap<Host, Vec<usize>>,
    by_domain: HashMap<HostName, Vec<usize>>,
    /// Address rules by host.
    by_url_host: HashMap<HostName, Vec<usize>>,
    /// Locked categories, by the school's names and by those of imported lists.
    locked: Vec<Box<str>>,
}

impl Snapshot {
    pub fn new(
        root: Root,
        lists: Arc<dyn Categories>,
        program: Arc<Program>,
        people: Arc<People>,
        live: Arc<Live>,
    ) -> Self {
        let rules = Arc::new(RuleIndex::new(&program));
        let searches = Arc::new(HelpSearches::new(&program.help));
        let periods = Arc::new(Periods::new(&program));
        let members = index_of(&people);
        Self { root, lists, program, people, live, rules, searches, periods, members }
    }

    /// The same program over another world: other lists, other people, other leave.
    #[must_use]
    pub fn over(&self, lists: Arc<dyn Categories>, people: Arc<People>, live: Arc<Live>) -> Self {
        let members = index_of(&people);
        Self { lists, people, live, members, ..self.clone() }
    }

    /// The same snapshot with another live part: what a click changes.
    #[must_use]
    pub fn with_live(&self, root: Root, live: Arc<Live>) -> Self {
        Self { root, live, ..self.clone() }
    }

    pub fn member(&self, person: &PersonId, capacity: Capacity) -> Option<&Member> {
        let place = self.members.get(&(person.clone(), capacity))?;
        self.people.members.get(*place)
    }

    /// The most narrowly named place that holds `address`.
    pub fn place(&self, address: IpAddr) -> Option<&Place> {
        let width = |place: &Place| {
            let holding = place.networks.iter().filter(|network| network.contains(address));
            holding.map(|network| network.prefix).max()
        };
        self.program
            .places
            .iter()
            .filter_map(|place| Some((width(place)?, place)))
            .max_by_key(|(w, _)| *w)
            .map(|(_, p)| p)
    }

    /// Categories of a host (and address, where its path is seen): the lists' and the school's own.
    pub fn categories<'a>(&'a self, host: &Host, path: Option<&str>) -> Vec<CategoryHit<'a>> {
        let mut hits = Vec::new();
        self.lists.look_up(host, path, &mut hits);
        for hit in &mut hits {
            if let Some(own) = self.program.list_categories.get(hit.category) {
                hit.category = own;
            }
        }
        let Host::Name(host) = host else { return hits };
        for entry in self.own_words(host, path) {
            if entry.is_in {
                hits.push(CategoryHit { category: &entry.category, list: OWN_LIST });
            } else if !self.program.marks.locked.contains(&entry.category) {
                hits.retain(|hit| hit.category != &*entry.category);
            }
        }
        hits
    }

    /// The school's own entry on each category: of those that are about the request the most specific, by path, then by
    /// host; of two that are alike, the one that puts it in.
    fn own_words(&self, host: &HostName, path: Option<&str>) -> Vec<&OwnEntry> {
        let mut deciding: Vec<&OwnEntry> = Vec::new();
        for entry in &self.live.own_entries {
            let on_path = match (&entry.path, path) {
                (None, _) => true,
                (Some(prefix), Some(path)) if entry.is_in => path_is_closed_by(path, prefix),
                (Some(prefix), Some(path)) => path_is_below(path, prefix),
                (Some(_), None) => false,
            };
            if !on_path || !host.is_within(&entry.host) {
                continue;
            }
            match deciding.iter_mut().find(|other| other.category == entry.category) {
                Some(other) if specificity(other) < specificity(entry) => *other = entry,
                Some(_) => {}
                None => deciding.push(entry),
            }
        }
        deciding
    }

    /// Whether the path could be on a locked list: the only thing that closes what is always open.
    pub(crate) fn path_may_be_locked(&self, host: &Host) -> bool {
        let locked = &self.program.marks.locked;
        let is_own = |entry: &OwnEntry| {
            let is_about = host.name().is_some_and(|host| host.is_within(&entry.host));
            is_about && entry.is_in && entry.path.is_some() && locked.contains(&entry.category)
        };
        self.lists.has_paths_in(host, &self.rules.locked) || self.live.own_entries.iter().any(is_own)
    }

    /// Whether seeing the path could change what is known of this host.
    pub(crate) fn path_matters(&self, host: &Host) -> bool {
        if self.lists.has_paths(host) {
            return true;
        }
        let Host::Name(host) = host else { return false };
        host.suffixes().any(|name| self.rules.by_url_host.contains_key(name))
            || self.live.own_entries.iter().any(|entry| entry.path.is_some() && host.is_within(&entry.host))
            || self.program.always_open.iter().any(|open| open.path.is_some() && host.is_within(&open.host))
            || self
                .live
                .grants
                .iter()
                .any(|grant| matches!(&grant.target, Target::Url { host: h, .. } if host.is_within(h)))
            || self
                .live
                .urgent
                .iter()
                .any(|block| matches!(&block.target, Target::Url { host: h, .. } if host.is_within(h)))
    }

    /// Rules whose target holds the request, in the order of the program.
    pub(crate) fn rules_about(&self, host: &Host, path: Option<&str>, hits: &[CategoryHit<'_>]) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = self.rules.any.iter().copied().collect();
        for hit in hits {
            found.extend(self.rules.by_category.get(hit.category).into_iter().flatten());
        }
        found.extend(self.rules.by_host.get(host).into_iter().flatten());
        let Host::Name(name) = host else { return found };
        for suffix in name.suffixes() {
            found.extend(self.rules.by_domain.get(suffix).into_iter().flatten());
            let addressed = self.rules.by_url_host.get(suffix).into_iter().flatten();
            found.extend(addressed.filter(|&&rule| {
                let (Some(rule), Some(path)) = (self.program.rules.get(rule), path) else { return false };
                let Target::Url { path: prefix, .. } = &rule.target else { return false };
                let opens = rule.verdict == Some(Verdict::Allow);
                if opens { path_is_below(path, prefix) } else { path_is_closed_by(path, prefix) }
            }));
        }
        found
    }

    /// Whether `inner` is `outer` or declared within it, over any number of steps.
    pub fn group_is_within(&self, inner: &Group, outer: &Group) -> bool {
        let mut at = Some(inner);
        // The checker refuses circles; the bound keeps a hostile file from hanging a door.
        for _ in 0..64 {
            match at {
                Some(group) if group == outer => return true,
                Some(group) => at = self.program.groups.get(group),
                None => return false,
            }
        }
        false
    }
}

fn specificity(entry: &OwnEntry) -> (usize, usize, bool) {
    let path_bytes = entry.path.as_ref().map_or(0, |path| normal_path(path).trim_matches('/').len());
    (path_bytes, entry.host.label_count(), entry.is_in)
}

/// Provenance of the school's own entries.
const OWN_LIST: &str = "the school's own list";

impl RuleIndex {
    fn new(program: &Program) -> Self {
        let locked = &program.marks.locked;
        let imported = program.list_categories.iter().filter(|(_, own)| locked.contains(own)).map(|(name, _)| name);
        let mut index = Self { locked: locked.iter().chain(imported).cloned().collect(), ..Self::default() };
        for (place, rule) in program.rules.iter().enumerate() {
            match &rule.target {
                Target::Any => index.any.push(place),
                Target::Category(category) => index.by_category.entry(category.clone()).or_default().push(place),
                Target::Class(class) => {
                    for category in program.classes.get(class).into_iter().flatten() {
                        index.by_category.entry(category.clone()).or_default().push(place);
                    }
                }
                Target::Domain(name) => index.by_domain.entry(name.clone()).or_default().push(place),
                Target::Host(host) => index.by_host.entry(host.clone()).or_default().push(place),
                Target::Url { host, .. } => index.by_url_host.entry(host.clone()).or_default().push(place),
            }
        }
        index
    }
}

impl Snapshot {
    /// The topic of help that a search on this address is about, if it is a search.
    pub(crate) fn searched_topic(&self, host: &HostName, path: &str) -> Option<Box<str>> {
        self.searches.topic(host, path)
    }

    /// Whether searches are made on this host, and so its address could be about a topic of help.
    pub(crate) fn is_search_engine(&self, host: &HostName) -> bool {
        self.searches.are_made_on(host)
    }
}
