//! What fuzz targets call: readers of names, networks and paths, and what holds of whatever they take.

use std::str::from_utf8;

use crate::{Host, Network, normal_path, path_is_below, path_is_closed_by, revealed_path};

/// A name or address that was taken is taken again as it is written, in whatever capitals; a name is within each of its
/// suffixes and can never be read as an address.
pub fn host(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(host) = Host::parse(text) else { return };
    assert_eq!(Host::parse(&host.to_string()).as_ref(), Ok(&host), "{text:?} is another host when read again");
    assert_eq!(Host::parse(&host.to_string().to_ascii_uppercase()).as_ref(), Ok(&host));
    let Some(name) = host.name() else { return };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    assert!(name.as_str().len() <= 253 && name.as_str().bytes().all(is_plain), "{name}");
    assert!(name.as_str().split('.').all(|label| (1..=63).contains(&label.len())), "{name}");
    assert!(name.as_str().parse::<std::net::IpAddr>().is_err(), "{name}");
    assert_eq!(name.suffixes().count(), name.label_count());
    for suffix in name.suffixes() {
        let is_within = crate::HostName::parse(suffix).is_ok_and(|suffix| name.is_within(&suffix));
        assert!(is_within, "{name} is not within {suffix}");
    }
}

/// A network that was taken is taken again as it is written, and holds its own address.
pub fn network(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(network) = text.parse::<Network>() else { return };
    assert_eq!(network.to_string().parse(), Ok(network), "{text:?}");
    assert!(network.contains(network.address));
}

/// The normal form is its own normal form and printable; what is below a path stays below it, and whatever opens closes
/// as well. The input is a path and, behind a line end, a prefix.
pub fn path(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (path, prefix) = text.split_once('\n').unwrap_or((text, text));
    let normal = normal_path(path);
    assert_eq!(normal_path(&normal), normal, "{path:?}");
    assert!(normal.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    assert!(normal.is_empty() || normal.starts_with(['/', '?', '#']), "{path:?}");
    assert!(path_is_below(&normal, path), "{path:?} is not below itself");
    if !path.contains(['?', '#']) {
        assert!(path_is_below(&normal_path(&format!("{path}/x")), path), "{path:?} does not hold what is below it");
    }
    if path_is_below(&normal, prefix) {
        assert!(path_is_closed_by(&normal, prefix), "{path:?} below {prefix:?}");
    }
    if let Some(revealed) = revealed_path(path) {
        assert_eq!(normal_path(&revealed), revealed, "{path:?}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        schoolgate_testkit::fuzz::hold(
            &[("host", super::host), ("network", super::network), ("path", super::path)],
            100_000,
        );
    }
}
