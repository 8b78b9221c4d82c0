//! What fuzz targets call: packets of access points, lease files and tables, and what clients say who they are.

use std::str::from_utf8;

use data_encoding::BASE64;
use schoolgate_base::{Capacity, PersonId};

pub use crate::dhcp::fuzzing::lease_file;
pub use crate::negotiate::fuzzing::{kerberos_message, keytab, negotiate_token};
pub use crate::radius::packet::fuzzing::radius_packet;
use crate::{Mac, Realms, basic_credentials, device_names};

/// A device and the hash of its secret come out of Basic credentials whose user is that device, and of nothing else.
pub fn basic(data: &[u8]) {
    let Some((device, hash)) = basic_credentials(data) else { return };
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()), "{hash}");
    let encoded = data.get("basic ".len()..).unwrap_or_default().trim_ascii();
    let Ok(decoded) = BASE64.decode(encoded) else { unreachable!("{}", data.escape_ascii()) };
    assert!(decoded.starts_with(format!("{device}:").as_bytes()), "{}", data.escape_ascii());
}

/// A hardware address is read again as it is written; a name with a realm is nobody's unless the realm is the school's.
pub fn login(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    if let Ok(mac) = text.parse::<Mac>() {
        assert_eq!(mac.to_string().parse(), Ok(mac), "{text:?}");
    }
    let Ok(tess) = PersonId::new("tess") else { return };
    let realms = Realms::new(["school.example", "SCHOOL"]);
    let known = |login: &str| (login == "tess").then(|| (tess.clone(), Capacity::Staff));
    if realms.person(text, known).is_some() {
        let name = text.to_lowercase();
        let ours = ["tess", "tess@school.example", "tess@school", "school\\tess", "school.example\\tess"];
        assert!(ours.contains(&name.as_str()), "{text:?} is no name of hers");
    }
}

/// Names out of a certificate are few, each once, and such as devices have.
pub fn device_certificate(data: &[u8]) {
    let names = device_names(data);
    assert!(names.len() <= 8, "{names:?}");
    for (place, name) in names.iter().enumerate() {
        assert!(names.iter().position(|other| other == name) == Some(place), "{name} is there twice");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("basic", super::basic),
            ("login", super::login),
            ("device_certificate", super::device_certificate),
            ("lease_file", super::lease_file),
            ("radius_packet", super::radius_packet),
            ("negotiate_token", super::negotiate_token),
            ("kerberos_message", super::kerberos_message),
            ("keytab", super::keytab),
        ];
        schoolgate_testkit::fuzz::hold(targets, 100_000);
    }
}
