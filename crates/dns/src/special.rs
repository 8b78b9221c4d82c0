//! Names that are answered here whoever asks: switches that programs look for, and names that must not leave.

use schoolgate_base::HostName;

/// What is said of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    /// There is no such name.
    Absent,
    /// The name is there, and has nothing.
    Empty,
    /// This very machine.
    Loopback,
}

/// With everything below them.
const NAMES: [(&str, Special); 8] = [
    // Firefox turns its own DNS over HTTPS off ("Canary domain", Mozilla support).
    ("use-application-dns.net", Special::Absent),
    // Private Relay tells its person that it is off here (Apple, "Prepare your network for iCloud Private Relay").
    ("mask.icloud.com", Special::Absent),
    ("mask-h2.icloud.com", Special::Absent),
    ("mask-api.icloud.com", Special::Absent),
    // Upstream would offer itself in our place (RFC 9462 §6.4).
    ("resolver.arpa", Special::Empty),
    ("localhost", Special::Loopback),
    ("invalid", Special::Absent),
    // RFC 7686 §2.
    ("onion", Special::Absent),
];

pub(crate) fn special(name: &HostName) -> Option<Special> {
    let name = name.as_str();
    let is_within = |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    NAMES.iter().find(|(zone, _)| is_within(zone)).map(|(_, special)| *special)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_labels_are_compared() {
        let of = |text: &str| special(&text.parse().unwrap());
        assert_eq!(of("use-application-dns.net"), Some(Special::Absent));
        assert_eq!(of("_dns.resolver.arpa"), Some(Special::Empty));
        assert_eq!(of("a.localhost"), Some(Special::Loopback));
        assert_eq!(of("notlocalhost"), None);
        assert_eq!(of("icloud.com"), None);
    }
}
