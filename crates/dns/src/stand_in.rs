//! Safe search by name: where a rule says so, the name of an engine leads to the address at which its provider holds
//! everybody to safe search.
//!
//! Only engines whose providers document such a name are here. An engine without one is not held by this door.

use schoolgate_base::HostName;

use crate::settings::YouTube;

/// Names and what stands in for them. Sources: the providers' pages for administrators (Microsoft "Block adult content
/// with SafeSearch", DuckDuckGo "Safe Search", Pixabay, Yandex "Family search", Ecosia "strict safe search", Brave
/// "forcesafe").
const ENGINES: [(&str, &[&str]); 6] = [
    ("strict.bing.com", &["www.bing.com", "bing.com"]),
    ("safe.duckduckgo.com", &["duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com"]),
    ("safesearch.pixabay.com", &["pixabay.com", "www.pixabay.com"]),
    ("strict-safe-search.ecosia.org", &["www.ecosia.org"]),
    ("forcesafe.search.brave.com", &["search.brave.com"]),
    (
        "familysearch.yandex.ru",
        &[
            "yandex.ru",
            "www.yandex.ru",
            "yandex.com",
            "www.yandex.com",
            "yandex.by",
            "www.yandex.by",
            "yandex.kz",
            "www.yandex.kz",
        ],
    ),
];

/// Google, "Manage your organization's YouTube settings": by DNS.
const YOUTUBE: [&str; 5] = [
    "www.youtube.com",
    "m.youtube.com",
    "youtubei.googleapis.com",
    "youtube.googleapis.com",
    "www.youtube-nocookie.com",
];

/// The name to ask for in place of `name`.
pub(crate) fn stand_in(name: &HostName, youtube: YouTube) -> Option<&'static str> {
    let text = name.as_str();
    if YOUTUBE.contains(&text) {
        return match youtube {
            YouTube::Strict => Some("restrict.youtube.com"),
            YouTube::Moderate => Some("restrictmoderate.youtube.com"),
            YouTube::Open => None,
        };
    }
    if is_google(text) {
        return Some("forcesafesearch.google.com");
    }
    ENGINES.iter().find(|(_, names)| names.contains(&text)).map(|(other, _)| *other)
}

/// `www.google.` and a country, as Google's page "Lock SafeSearch" asks for.
fn is_google(text: &str) -> bool {
    let Some(country) = text.strip_prefix("www.google.") else { return false };
    let is_country = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match country.split_once('.') {
        None => country == "com" || country == "cat" || is_country(country),
        Some(("co" | "com", country)) => is_country(country),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(stand_in(&name.parse().unwrap(), YouTube::Strict), expected, "{name}");
    }

    #[test]
    fn engines_lead_to_their_safe_names() {
        for name in ["www.google.com", "www.google.co.uk", "www.google.com.au", "www.google.de", "www.google.cat"] {
            check(name, Some("forcesafesearch.google.com"));
        }
        check("www.bing.com", Some("strict.bing.com"));
        check("duckduckgo.com", Some("safe.duckduckgo.com"));
        check("youtubei.googleapis.com", Some("restrict.youtube.com"));
        for name in ["docs.google.com", "www.google.evil.example", "www.google.org.uk", "forcesafesearch.google.com"] {
            check(name, None);
        }
    }

    #[test]
    fn youtube_has_its_own_strictness() {
        let of = |youtube| stand_in(&"m.youtube.com".parse().unwrap(), youtube);
        assert_eq!(of(YouTube::Moderate), Some("restrictmoderate.youtube.com"));
        assert_eq!(of(YouTube::Open), None);
    }
}
