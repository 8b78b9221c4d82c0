//! Device tokens as they arrive: HTTP Basic credentials whose user is the device and whose password is random.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use schoolgate_base::DeviceId;

/// Longest `Proxy-Authorization` that is looked at, in bytes.
const HEADER_MAX: usize = 512;

/// Device and lower-case hex SHA-256 of its secret, from the value of a `Proxy-Authorization` header (RFC 7617).
/// `None` for anything else.
pub fn basic_credentials(header: &[u8]) -> Option<(DeviceId, String)> {
    if HEADER_MAX < header.len() {
        return None;
    }
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(encoded.trim_ascii().as_bytes()).ok()?;
    let (user, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let hash = HEXLOWER.encode(digest(&SHA256, secret.as_bytes()).as_ref());
    Some((DeviceId::new(user).ok()?, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_hashed() {
        let (device, hash) = basic_credentials(b"Basic bGFwdG9wLTE6c2VjcmV0").unwrap();
        assert_eq!(device.as_str(), "laptop-1");
        assert_eq!(hash, "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    }

    #[test]
    fn anything_else_is_none() {
        for header in [
            "",
            "Basic",
            "Bearer abc",
            "Basic !!!",
            "Basic bm9jb2xvbg==",
            "Basic OnNlY3JldA==",
            "Basic \u{a0}bGFwdG9wLTE6",
        ] {
            assert!(basic_credentials(header.as_bytes()).is_none(), "{header}");
        }
        assert!(basic_credentials(&[b'a'; 4_000]).is_none());
    }
}
