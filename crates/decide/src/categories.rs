//! Where categories come from: the mapped lists in a door, a small table in scenarios.

use std::collections::BTreeMap;
use std::fmt;

use schoolgate_base::{Host, HostName};

/// One list's word on a host or address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryHit<'a> {
    pub category: &'a str,
    pub list: &'a str,
}

/// Something that knows the categories of hosts and addresses.
pub trait Categories: fmt::Debug + Send + Sync {
    /// Adds every hit on the host, on any name it is within, and, where `path` is seen, on the address.
    fn look_up<'a>(&'a self, host: &Host, path: Option<&str>, hits: &mut Vec<CategoryHit<'a>>);

    /// Whether some address below this host may be listed, so that the path could add a category.
    fn has_paths(&self, host: &Host) -> bool;

    /// As [`Categories::has_paths`], of addresses in one of these categories.
    fn has_paths_in(&self, host: &Host, categories: &[Box<str>]) -> bool;
}

/// A handful of categories in memory: the world of a scenario.
#[derive(Debug, Clone, Default)]
pub struct CategoryTable {
    hosts: BTreeMap<HostName, Vec<Listed>>,
}

/// A category, and the list it comes from.
type Listed = (Box<str>, Box<str>);

impl CategoryTable {
    pub fn insert(&mut self, host: HostName, category: &str, list: &str) {
        self.hosts.entry(host).or_default().push((category.into(), list.into()));
    }
}

impl Categories for CategoryTable {
    fn look_up<'a>(&'a self, host: &Host, _path: Option<&str>, hits: &mut Vec<CategoryHit<'a>>) {
        let Host::Name(host) = host else { return };
        for (listed, entries) in &self.hosts {
            if host.is_within(listed) {
                hits.extend(entries.iter().map(|(category, list)| CategoryHit { category, list }));
            }
        }
    }

    fn has_paths(&self, _host: &Host) -> bool {
        false
    }

    fn has_paths_in(&self, _host: &Host, _categories: &[Box<str>]) -> bool {
        false
    }
}
