//! The mapped lists as a source of categories.

use schoolgate_base::HostName;
use schoolgate_lists::{Index, Matches};

use crate::categories::{Categories, CategoryHit};

impl Categories for Index {
    fn look_up<'a>(&'a self, host: &HostName, path: Option<&str>, hits: &mut Vec<CategoryHit<'a>>) {
        let named = |matches: Matches<'a>| {
            matches.map(|found| CategoryHit {
                category: self.category_name(found.category),
                list: self.list_name(found.list),
            })
        };
        if let Some(path) = path {
            hits.extend(named(self.lookup_url(host, path)));
        }
        hits.extend(named(self.lookup_host(host)));
    }

    fn has_paths(&self, host: &HostName) -> bool {
        self.has_urls(host)
    }
}
