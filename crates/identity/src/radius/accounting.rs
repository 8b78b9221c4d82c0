//! What an accounting request says: who started or stopped, with which device, on which addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::leases::Held;
use crate::mac::Mac;
use crate::radius::packet::Request;

/// Addresses of one device that are kept; a device with more is known by its first.
const ADDRESSES_MAX: usize = 8;
/// How far an event may be from now: clocks differ, packets are sent again. What is older may be a replay.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// Attributes by number: RFC 2865 §5, RFC 2866 §5, RFC 2869 §5.3, RFC 3162 §2, RFC 6911 §3.1.
mod attribute {
    pub(super) const USER_NAME: u8 = 1;
    pub(super) const NAS_IP_ADDRESS: u8 = 4;
    pub(super) const FRAMED_IP_ADDRESS: u8 = 8;
    pub(super) const SESSION_TIMEOUT: u8 = 27;
    pub(super) const CALLING_STATION_ID: u8 = 31;
    pub(super) const NAS_IDENTIFIER: u8 = 32;
    pub(super) const ACCT_STATUS_TYPE: u8 = 40;
    pub(super) const ACCT_SESSION_ID: u8 = 44;
    pub(super) const ACCT_SESSION_TIME: u8 = 46;
    pub(super) const EVENT_TIMESTAMP: u8 = 55;
    pub(super) const NAS_IPV6_ADDRESS: u8 = 95;
    pub(super) const FRAMED_INTERFACE_ID: u8 = 96;
    pub(super) const FRAMED_IPV6_PREFIX: u8 = 97;
    pub(super) const FRAMED_IPV6_ADDRESS: u8 = 168;
}

/// RFC 2866 §5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A session started, or is said to go on.
    Open,
    Stop,
    /// The access point (re)started or goes down: none of its sessions is left.
    Restarted,
}

/// Why a signed request changes nothing. It is answered all the same: sending it again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    #[error("the request does not say what happened")]
    Status,
    #[error("the request names no session")]
    Session,
    #[error("the request names no hardware address")]
    Mac,
    #[error("the request has no Event-Timestamp")]
    Undated,
    #[error("the event is more than five minutes away")]
    Stale,
    #[error("a later event is known of this device")]
    Late,
    #[error("there is no room for another device")]
    Full,
}

impl Ignored {
    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Session => "session",
            Self::Mac => "mac",
            Self::Undated => "undated",
            Self::Stale => "stale",
            Self::Late => "late",
            Self::Full => "full",
        }
    }
}

/// One event of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounting<'a> {
    pub status: Status,
    /// `None`: not text, or not said.
    pub login: Option<&'a str>,
    pub mac: Option<Mac>,
    pub addresses: Vec<Held>,
    pub session: &'a [u8],
    /// The access point's name for itself: several may stand behind one peer.
    pub nas: &'a [u8],
    /// What is left of the session.
    pub left: Option<SignedDuration>,
    pub at: Option<Timestamp>,
}

impl<'a> Accounting<'a> {
    pub fn of(request: &Request<'a>) -> Result<Self, Ignored> {
        let one = |wanted: u8| request.attributes().find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
        let number = |wanted: u8| one(wanted).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes);
        let status = match number(attribute::ACCT_STATUS_TYPE) {
            Some(1 | 3) => Status::Open,
            Some(2) => Status::Stop,
            Some(7 | 8) => Status::Restarted,
            Some(_) | None => return Err(Ignored::Status),
        };
        let session = one(attribute::ACCT_SESSION_ID).unwrap_or_default();
        if session.is_empty() && status != Status::Restarted {
            return Err(Ignored::Session);
        }
        let text = |wanted: u8| one(wanted).and_then(|value| std::str::from_utf8(value).ok());
        let nas = [attribute::NAS_IDENTIFIER, attribute::NAS_IP_ADDRESS, attribute::NAS_IPV6_ADDRESS];
        let spent = number(attribute::ACCT_SESSION_TIME).unwrap_or_default();
        let left = number(attribute::SESSION_TIMEOUT).map(|whole| whole.saturating_sub(spent));
        Ok(Self {
            status,
            login: text(attribute::USER_NAME),
            mac: text(attribute::CALLING_STATION_ID).and_then(|text| text.parse().ok()),
            addresses: addresses(request),
            session,
            nas: nas.into_iter().find_map(one).unwrap_or_default(),
            left: left.map(|left| SignedDuration::from_secs(left.into())),
            at: number(attribute::EVENT_TIMESTAMP).and_then(|at| Timestamp::from_second(at.into()).ok()),
        })
    }

    /// When it happened, never later than `now`.
    pub(crate) fn moment(&self, may_be_undated: bool, now: Timestamp) -> Result<Timestamp, Ignored> {
        match self.at {
            Some(at) if now.duration_since(at).abs() <= FRESH => Ok(at.min(now)),
            Some(_) => Err(Ignored::Stale),
            None if may_be_undated => Ok(now),
            None => Err(Ignored::Undated),
        }
    }
}

fn addresses(request: &Request<'_>) -> Vec<Held> {
    let interface = request.attributes().find_map(|(kind, value)| {
        (kind == attribute::FRAMED_INTERFACE_ID).then(|| <[u8; 8]>::try_from(value).ok()).flatten()
    });
    let held = request.attributes().filter_map(|(kind, value)| match kind {
        attribute::FRAMED_IP_ADDRESS => {
            let address = Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?);
            // RFC 2865 §5.8: the last two mean "chosen by the user" and "by the access point".
            let is_one = !address.is_unspecified() && u32::from(address) < 0xFFFF_FFFE;
            is_one.then(|| Held::address(IpAddr::V4(address)))
        }
        attribute::FRAMED_IPV6_ADDRESS => Some(Held::address(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).into())),
        attribute::FRAMED_IPV6_PREFIX => prefix(value, interface),
        _ => None,
    });
    held.filter(|held| !held.is_link_local()).take(ADDRESSES_MAX).collect()
}

/// RFC 3162 §2.3: a reserved byte, the length in bits, and as much of the prefix as is not zero. One that is shorter
/// than a subnet is many devices'.
fn prefix(value: &[u8], interface: Option<[u8; 8]>) -> Option<Held> {
    let [_, bits, written @ ..] = value else { return None };
    let mut bytes = [0_u8; 16];
    bytes.get_mut(..written.len())?.copy_from_slice(written);
    match (bits, interface) {
        (128, _) => Some(Held::address(Ipv6Addr::from(bytes).into())),
        (64, Some(interface)) => {
            bytes.get_mut(8..)?.copy_from_slice(&interface);
            Some(Held::address(Ipv6Addr::from(bytes).into()))
        }
        (64, None) => Some(Held::subnet(bytes.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radius::packet::tests::{SECRET, accounting_request};

    #[track_caller]
    fn check(attributes: &[(u8, &[u8])], expected: &str) {
        let packet = accounting_request(attributes, true);
        let said = match Accounting::of(&Request::read(&packet, SECRET, false).unwrap()) {
            Ok(said) => {
                let addresses: Vec<String> = said.addresses.iter().map(ToString::to_string).collect();
                format!("{:?} {:?} {:?} {}", said.status, said.login, said.left, addresses.join(" "))
            }
            Err(ignored) => ignored.as_str().to_owned(),
        };
        assert_eq!(said, expected);
    }

    const START: (u8, &[u8]) = (40, &[0, 0, 0, 1]);
    const SESSION: (u8, &[u8]) = (44, b"a1");

    #[test]
    fn sessions_are_read() {
        let address: (u8, &[u8]) = (8, &[10, 0, 0, 5]);
        check(&[START, SESSION, (1, b"tess"), address], "Open Some(\"tess\") None 10.0.0.5");
        check(&[(40, &[0, 0, 0, 2]), SESSION], "Stop None None ");
        check(&[(40, &[0, 0, 0, 7])], "Restarted None None ");
        let timed: [(u8, &[u8]); 2] = [(27, &[0, 0, 14, 16]), (46, &[0, 0, 0, 16])];
        check(&[START, SESSION, timed[0], timed[1]], "Open None Some(59m 44s) ");
    }

    #[test]
    fn what_says_nothing_is_ignored() {
        check(&[SESSION], "status");
        check(&[(40, &[0, 0, 0, 9]), SESSION], "status");
        check(&[(40, &[1]), SESSION], "status");
        check(&[START], "session");
        check(&[START, SESSION, (1, &[0xFF])], "Open None None ");
    }

    #[test]
    fn addresses_that_are_one_devices_are_taken() {
        for nobodys in [&[0_u8, 0, 0, 0][..], &[255, 255, 255, 255], &[255, 255, 255, 254], &[10, 0]] {
            check(&[START, SESSION, (8, nobodys)], "Open None None ");
        }
        let subnet = [0, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2];
        check(&[START, SESSION, (97, &subnet)], "Open None None 2001:db8:1:2::/64");
        check(&[START, SESSION, (97, &subnet), (96, &[0, 0, 0, 0, 0, 0, 0, 9])], "Open None None 2001:db8:1:2::9");
        check(&[START, SESSION, (97, &[0, 48, 0x20, 0x01, 0x0d, 0xb8, 0, 1])], "Open None None ");
        check(&[START, SESSION, (97, &[0, 64, 0xfe, 0x80])], "Open None None ");
        check(&[START, SESSION, (97, &[0; 20])], "Open None None ");
    }
}
