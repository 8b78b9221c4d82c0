//! What a device on Wi-Fi is told of whether the web is open to it: the captive-portal API (RFC 8908), and how a network
//! says where to ask (RFC 8910).
//!
//! Pure: whoever serves it knows the device by its address, answers over TLS with a certificate that every device
//! trusts, and sends [`MEDIA_TYPE`] with `Cache-Control: private` (RFC 8908 §5).

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use schoolgate_base::{Host, HostName};
use schoolgate_decide::{Seen, Snapshot, Verdict, decide};
use serde::{Deserialize, Serialize};

use crate::identify::{Identities, Looking};

/// RFC 8908 §8.1.
pub const MEDIA_TYPE: &str = "application/captive+json";
/// DHCPv4 option, DHCPv6 option and router advertisement option that hold the API's address (RFC 8910 §2).
pub const DHCP4_OPTION: u8 = 114;
pub const DHCP6_OPTION: u16 = 103;
pub const ADVERTISEMENT_OPTION: u8 = 37;

/// A name that nobody can have (RFC 6761 §6.4), so that what is decided of it is decided of everything.
const ANYWHERE: &str = "anywhere.invalid";

/// Whether the web is open to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openness {
    /// Somebody has to sign in or agree there first.
    pub is_gated: bool,
    /// When that changes by itself.
    pub until: Option<Timestamp>,
}

impl Openness {
    /// What a request from there would meet; it keeps nobody's session awake. `None` for an address that shows a proof
    /// with each connection, of which nothing can be said.
    pub fn of(identities: &Identities, snapshot: &Snapshot, address: IpAddr, now: Timestamp) -> Option<Self> {
        let looking = Looking {
            address,
            is_private: false,
            proxy_authorization: None,
            certified: &[],
            ticketed: None,
            site: None,
            is_request: false,
        };
        let identified = identities.identify(snapshot, looking, now).ok()?;
        let host = Host::Name(HostName::parse(ANYWHERE).ok()?);
        let is_gated = identified
            .facts(&host, Seen::Unseen)
            .iter()
            .any(|facts| decide(snapshot, facts, now).into_decision().verdict == Verdict::Gate);
        Some(Self { is_gated, until: identified.until })
    }
}

/// Where the portal is.
#[derive(Debug, Clone, Copy)]
pub struct CaptivePortal<'a> {
    /// `https://…`, opened by the device to sign in and agree.
    pub user_portal: &'a str,
    /// `https://…`, shown once the web is open; not needed.
    pub venue_info: Option<&'a str>,
}

/// RFC 8908 §5.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct State<'a> {
    captive: bool,
    user_portal_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_info_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_extend_session: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_remaining: Option<i64>,
}

impl CaptivePortal<'_> {
    /// The answer to a device. Of who is there it says nothing: the address could be somebody else's by now.
    pub fn answer(&self, Openness { is_gated, until }: Openness, now: Timestamp) -> String {
        let left = until.filter(|_| !is_gated).map(|until| until.duration_since(now).as_secs().max(0));
        let state = State {
            captive: is_gated,
            user_portal_url: self.user_portal,
            venue_info_url: self.venue_info,
            // Signing in again at the portal makes a session longer.
            can_extend_session: left.map(|_| true),
            seconds_remaining: left,
        };
        // Of text, numbers and truth alone there is always JSON; to say "captive" without more would be wrong for most.
        serde_json::to_string(&state).unwrap_or_else(|_| "{\"captive\":false}".to_owned())
    }
}

/// Why an address cannot be told by an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaptiveAddressError {
    #[error("the API's address has to begin with https:// and a name")]
    Address,
    #[error("the API's address is longer than 255 bytes, which a DHCP option holds")]
    Long,
}

/// The lines with which the usual servers tell a network where the API is (RFC 8910 §2), for a technician to copy.
///
/// The name in `api` has to resolve in that network, and its certificate has to be one that phones trust.
pub fn announcements(api: &str) -> Result<Announcements, CaptiveAddressError> {
    let name = api.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    // RFC 8910 §2: the host is a name where TLS has to hold, and the address must not be an IP address' literal.
    let is_plain = api.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'\'' | b'`'));
    if name.is_empty() || name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok() || !is_plain {
        return Err(CaptiveAddressError::Address);
    }
    if u8::try_from(api.len()).is_err() {
        return Err(CaptiveAddressError::Long);
    }
    Ok(Announcements {
        kea4: format!("{{ \"name\": \"v4-captive-portal\", \"data\": \"{api}\" }}"),
        kea6: format!("{{ \"name\": \"v6-captive-portal\", \"data\": \"{api}\" }}"),
        isc: format!("option captive-portal code {DHCP4_OPTION} = text;\noption captive-portal \"{api}\";"),
        dnsmasq: format!("dhcp-option={DHCP4_OPTION},{api}\ndhcp-option=option6:{DHCP6_OPTION},{api}"),
        radvd: format!("AdvCaptivePortalAPI \"{api}\";"),
    })
}

/// Lines of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcements {
    pub kea4: String,
    pub kea6: String,
    pub isc: String,
    pub dnsmasq: String,
    /// In an `interface` block.
    pub radvd: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(until: Option<&str>, is_gated: bool, expected: &str) {
        let open = Openness { is_gated, until: until.map(at) };
        let portal = CaptivePortal { user_portal: "https://portal.school.example/", venue_info: None };
        assert_eq!(portal.answer(open, at("2026-11-24T10:00:00Z")), expected);
    }

    #[test]
    fn a_device_hears_whether_the_web_is_open() {
        check(None, true, r#"{"captive":true,"user-portal-url":"https://portal.school.example/"}"#);
        check(None, false, r#"{"captive":false,"user-portal-url":"https://portal.school.example/"}"#);
        check(
            Some("2026-11-24T11:00:00Z"),
            false,
            r#"{"captive":false,"user-portal-url":"https://portal.school.example/","can-extend-session":true,"seconds-remaining":3600}"#,
        );
        check(
            Some("2026-11-24T09:00:00Z"),
            true,
            r#"{"captive":true,"user-portal-url":"https://portal.school.example/"}"#,
        );
    }

    #[test]
    fn a_network_says_where_to_ask() {
        let lines = announcements("https://portal.school.example/captive").unwrap();
        assert_eq!(lines.radvd, "AdvCaptivePortalAPI \"https://portal.school.example/captive\";");
        let wrong = ["http://portal.example/", "https://10.0.0.1/", "https://[::1]/", "https:///x", "https://a\"b/"];
        for api in wrong {
            assert_eq!(announcements(api), Err(CaptiveAddressError::Address), "{api}");
        }
        let long = format!("https://portal.example/{}", "x".repeat(255));
        assert_eq!(announcements(&long), Err(CaptiveAddressError::Long));
    }
}
