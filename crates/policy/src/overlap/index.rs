//! Rules by what their targets name, so that a cell asks only those that can be about it.

use std::collections::HashMap;

use schoolgate_base::Host;
use schoolgate_decide::snapshot::{Program, Target};

pub(super) struct Index<'a> {
    any: Vec<usize>,
    by_category: HashMap<&'a str, Vec<usize>>,
    by_host: HashMap<String, Vec<usize>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        let mut index = Self { any: Vec::new(), by_category: HashMap::new(), by_host: HashMap::new() };
        for (place, rule) in program.rules.iter().enumerate() {
            match &rule.target {
                Target::Any => index.any.push(place),
                Target::Class(class) => {
                    for category in program.classes.get(class).into_iter().flatten() {
                        index.by_category.entry(category).or_default().push(place);
                    }
                }
                Target::Category(category) => index.by_category.entry(category).or_default().push(place),
                Target::Domain(name) | Target::Url { host: name, .. } => {
                    index.by_host.entry(name.as_str().to_owned()).or_default().push(place);
                }
                Target::Host(host) => index.by_host.entry(host.to_string()).or_default().push(place),
            }
        }
        index
    }

    /// All rules that are about a cell, and perhaps some that are not.
    pub(super) fn near(&self, cell: &Target) -> Vec<usize> {
        let mut rules = self.any.clone();
        match cell {
            Target::Any => {}
            Target::Class(name) | Target::Category(name) => {
                rules.extend(self.by_category.get(&**name).into_iter().flatten());
            }
            Target::Domain(name) | Target::Url { host: name, .. } | Target::Host(Host::Name(name)) => {
                rules.extend(name.suffixes().filter_map(|name| self.by_host.get(name)).flatten());
            }
            Target::Host(host) => rules.extend(self.by_host.get(&host.to_string()).into_iter().flatten()),
        }
        rules
    }
}
