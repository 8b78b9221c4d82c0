//! The mapped lists as a source of categories.

use schoolgate_base::Host;
use schoolgate_lists::Index;

use crate::categories::{Categories, CategoryHit};

impl Categories for Index {
    fn look_up<'a>(&'a self, host: &Host, path: Option<&str>, hits: &mut Vec<CategoryHit<'a>>) {
        let (below, of_host) = match host {
            Host::Name(name) => (path.map(|path| self.lookup_url(name, path)), self.lookup_host(name)),
            Host::Address(address) => {
                (path.map(|path| self.lookup_address_url(*address, path)), self.lookup_address(*address))
            }
        };
        let found = below.into_iter().flatten().chain(of_host);
        hits.extend(found.map(|found| CategoryHit {
            category: self.category_name(found.category),
            list: self.list_name(found.list),
        }));
    }

    fn has_paths(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => self.has_urls(name),
            Host::Address(address) => self.has_address_urls(*address),
        }
    }

    fn has_paths_in(&self, host: &Host, categories: &[Box<str>]) -> bool {
        self.has_urls_in(host, |category| categories.iter().any(|wanted| **wanted == *category))
    }
}
