//! Host names that nobody owns but that look as listed ones do: always the same for the same seed.

/// How often an ending occurs among a hundred listed names, roughly as in the real lists.
const ENDINGS: &[(&str, u32)] = &[
    ("com", 46),
    ("net", 7),
    ("org", 4),
    ("ru", 5),
    ("info", 3),
    ("de", 3),
    ("xyz", 3),
    ("top", 3),
    ("fr", 3),
    ("co.uk", 3),
    ("pl", 2),
    ("tv", 2),
    ("online", 2),
    ("com.br", 2),
    ("cn", 2),
    ("site", 2),
    ("club", 2),
    ("nl", 2),
    ("it", 2),
    ("biz", 2),
];

/// Hosts under which many unrelated names live.
const PARENTS: [&str; 10] = [
    "blogspot.com",
    "weebly.com",
    "000webhostapp.com",
    "web.app",
    "github.io",
    "wordpress.com",
    "duckdns.org",
    "tumblr.com",
    "pages.dev",
    "ddns.net",
];

const WORDS: &str = "bet casino poker slot spin win lucky game play fun sport live cam girl hot sex porn tube video \
    movie film stream watch free best top my the go get super mega max pro online web net site shop store buy sale \
    deal price cheap drug pill pharm med health diet loan cash money bank pay coin crypto trade invest forex news blog \
    forum chat date love meet single friend social photo pic image music song mp3 torrent file down load soft app \
    crack key serial host cloud vpn proxy mail secure login account verify update service support help info data \
    tech digital smart home house garden car auto moto travel hotel trip tour job work career school book art design \
    style fashion wear shoe watch gold star king queen royal red blue green black white big little new old first one \
    two world city land zone point link click track ads media market group team club center point lab hub box";

const PREFIXES: [&str; 8] = ["www", "m", "cdn", "api", "static", "mail", "img", "shop"];

/// A small generator of numbers (SplitMix64), the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T
    where
        &'a T: Default,
    {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }
}

/// Makes names without end.
#[derive(Debug, Clone)]
pub(crate) struct MadeNames {
    numbers: Numbers,
    words: Vec<&'static str>,
}

impl MadeNames {
    pub(crate) fn new(seed: u64) -> Self {
        Self { numbers: Numbers::new(seed), words: WORDS.split_whitespace().collect() }
    }

    fn label(&mut self) -> String {
        let mut label = String::new();
        match self.numbers.below(100) {
            // Words run together, some with a hyphen or a number.
            0..45 => {
                for place in 0..2 + self.numbers.below(2) {
                    if place > 0 && self.numbers.chance(20) {
                        label.push('-');
                    }
                    label.push_str(self.numbers.pick(&self.words));
                }
                if self.numbers.chance(35) {
                    label.push_str(&self.numbers.below(1_000).to_string());
                }
            }
            // Something one can say, with a word or without.
            45..80 => {
                label = self.syllables();
                if self.numbers.chance(50) {
                    label.push_str(self.numbers.pick(&self.words));
                }
            }
            // What a program made up.
            _ => {
                for _ in 0..6 + self.numbers.below(9) {
                    let symbol = b"abcdefghijklmnopqrstuvwxyz0123456789".get(self.numbers.below(36));
                    label.extend(symbol.map(|&symbol| char::from(symbol)));
                }
            }
        }
        label
    }

    fn syllables(&mut self) -> String {
        const BEGINNINGS: [&str; 20] =
            ["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "ch", "pl"];
        const MIDDLES: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ou", "ea"];
        const ENDS: [&str; 8] = ["", "", "n", "r", "s", "l", "t", "nd"];
        let mut text = String::new();
        for _ in 0..2 + self.numbers.below(3) {
            text.push_str(self.numbers.pick(&BEGINNINGS));
            text.push_str(self.numbers.pick(&MIDDLES));
            text.push_str(self.numbers.pick(&ENDS));
        }
        text
    }

    fn ending(&mut self) -> &'static str {
        let total = ENDINGS.iter().map(|(_, weight)| *weight as usize).sum();
        let mut at = self.numbers.below(total);
        for (ending, weight) in ENDINGS {
            match at.checked_sub(*weight as usize) {
                Some(rest) => at = rest,
                None => return ending,
            }
        }
        "com"
    }
}

impl Iterator for MadeNames {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let label = self.label();
        let parent = if self.numbers.chance(10) { self.numbers.pick(&PARENTS) } else { self.ending() };
        let prefix = if self.numbers.chance(12) { Some(self.numbers.pick(&PREFIXES)) } else { None };
        Some(match prefix {
            Some(prefix) => format!("{prefix}.{label}.{parent}"),
            None => format!("{label}.{parent}"),
        })
    }
}
