//! The playground's sites: one for each thing to try.

/// One made-up site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    pub name: &'static str,
    pub title: &'static str,
    /// One sentence that stands on its page.
    pub says: &'static str,
    /// The category in which the playground's own list has it; empty for none.
    pub category: &'static str,
}

const fn site(name: &'static str, title: &'static str, category: &'static str, says: &'static str) -> Site {
    Site { name, title, says, category }
}

/// In the order of the playground's own list of links.
pub const SITES: [Site; 16] = [
    site("news.example", "News", "", "Today's news: the river path is open again, and the library has new hours."),
    site("maps.example", "Maps", "", "Rivers, hills and bus stops. Choose a place to begin."),
    site("wiki.example", "Encyclopaedia", "", "An encyclopaedia that anybody may read. Today: how bridges stand up."),
    site("search.example", "Search", "search-engines", "What are you looking for?"),
    site("video.example", "Videos", "", "Short films about animals, machines and far places."),
    site("games.example", "Games", "games", "Three puzzles and a maze."),
    site("social.example", "Friends", "social", "See what everybody is saying."),
    site("shop.example", "Shop", "shopping", "Shoes, lamps and garden chairs."),
    site("bet.example", "Bets", "gambling", "Place your bets: the odds on tonight's match are 5 to 2."),
    site("bank.example", "Bank", "bank", "Your account, your cards, your savings."),
    site(
        "help.example",
        "Helpline",
        "",
        "Whatever is wrong, you can talk to us. Ring 0800 000 0000, at any time, for nothing.",
    ),
    site("slow.example", "Slow", "", "This site sends one line a second and never ends."),
    site("adult.example", "Adults only", "adult", "A site for adults only; this one is empty."),
    site("malware.example", "Free downloads", "malware", "Here would be a harmful program; this one is harmless."),
    site("badcert.example", "Out of date", "", "This site's certificate ran out years ago."),
    site("oldsearch.example", "Old search", "search-engines", "This search engine's certificate ran out years ago."),
];

impl Site {
    /// The site that a name belongs to: its own name and everything below it.
    pub fn of(name: &str) -> Option<&'static Self> {
        SITES.iter().find(|site| match name.strip_suffix(site.name) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        })
    }

    /// The playground's list: host name and category.
    pub fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
        SITES.iter().filter(|site| !site.category.is_empty()).map(|site| (site.name, site.category))
    }
}
