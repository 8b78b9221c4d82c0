//! Server cookies (RFC 7873) in the form that several servers can share (RFC 9018 §4): a client that returns one is
//! at the address it says.

use std::hash::Hasher;
use std::net::IpAddr;

use aws_lc_rs::rand::fill;
use jiff::Timestamp;
use siphasher::sip::SipHasher24;

/// The client's half, version and reserved bytes, time, hash.
pub(crate) const COOKIE: usize = 24;
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// RFC 9018 §4.3: good for an hour, five minutes ahead at most, made anew after half an hour.
const GOOD_SECONDS: i64 = 3_600;
const AHEAD_SECONDS: i64 = 300;
const RENEWED_SECONDS: i64 = 1_800;

/// Makes and checks server cookies.
pub(crate) struct Cookies {
    secret: [u8; 16],
}

/// What a client's cookie option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cookie {
    /// Whether the client has shown that it gets what is sent to its address.
    pub(crate) is_proven: bool,
    /// What the answer carries.
    pub(crate) answer: [u8; COOKIE],
}

impl Cookies {
    /// With a secret of this process. Without lots from the system no cookie is ever good, and none is needed.
    pub(crate) fn new() -> Self {
        let mut secret = [0; 16];
        let _ = fill(&mut secret);
        Self { secret }
    }

    /// `option` has been read as 8 or 16 to 40 bytes.
    pub(crate) fn judge(&self, option: &[u8], client: IpAddr, now: Timestamp) -> Option<Cookie> {
        let (mine, returned) = option.split_first_chunk::<8>()?;
        let made_at = self.made_at(mine, returned, client);
        let age = made_at.map(|at| now.as_second().wrapping_sub(i64::from(at)));
        let is_proven = age.is_some_and(|age| (-AHEAD_SECONDS..GOOD_SECONDS).contains(&age));
        let kept = made_at.filter(|_| is_proven && age.is_some_and(|age| age < RENEWED_SECONDS));
        // RFC 9018 §4.3: seconds in serial arithmetic, so cutting them off is what is meant.
        let at = kept.unwrap_or_else(|| u32::try_from(now.as_second() & 0xffff_ffff).unwrap_or(0));
        Some(Cookie { is_proven, answer: self.make(mine, at, client) })
    }

    /// When a cookie that is ours was made.
    fn made_at(&self, mine: &[u8; 8], returned: &[u8], client: IpAddr) -> Option<u32> {
        let returned: &[u8; 16] = returned.try_into().ok()?;
        let (_, rest) = returned.split_first_chunk::<4>()?;
        let at = u32::from_be_bytes(*rest.first_chunk()?);
        let expected = self.make(mine, at, client);
        // In variable time: a guess that is nearly right costs the guesser a question each, of 2^64.
        expected.ends_with(returned).then_some(at)
    }

    fn make(&self, mine: &[u8; 8], at: u32, client: IpAddr) -> [u8; COOKIE] {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        let at = at.to_be_bytes();
        for part in [&mine[..], &VERSION, &at] {
            hasher.write(part);
        }
        match client {
            IpAddr::V4(client) => hasher.write(&client.octets()),
            IpAddr::V6(client) => hasher.write(&client.octets()),
        }
        let mut cookie = [0; COOKIE];
        let parts = [&mine[..], &VERSION, &at, &hasher.finish().to_le_bytes()];
        for (place, byte) in cookie.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        cookie
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 9018 Appendix A.1 and A.2.
    #[test]
    fn cookies_are_those_of_the_rfc() {
        let secret = HEXLOWER.decode(b"e5e973e5a6b2a43f48e7dc849e37bfcf").unwrap().try_into().unwrap();
        let cookies = Cookies { secret };
        let client = "198.51.100.100".parse().unwrap();
        let mine = HEXLOWER.decode(b"2464c4abcf10c957").unwrap();
        let first = cookies.judge(&mine, client, at(1_559_731_985)).unwrap();
        assert_eq!(HEXLOWER.encode(&first.answer), "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
        assert!(!first.is_proven);
        let other = cookies.judge(&first.answer, client, at(1_559_734_385)).unwrap();
        assert_eq!(HEXLOWER.encode(&other.answer), "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
        assert!(other.is_proven);
    }

    #[test]
    fn a_cookie_is_good_for_its_address_and_for_an_hour() {
        let cookies = Cookies::new();
        let [one, other] = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse().unwrap());
        let given = cookies.judge(b"12345678", one, at(1_000_000)).unwrap().answer;
        let is_proven = |client, second| cookies.judge(&given, client, at(second)).unwrap().is_proven;
        assert!(is_proven(one, 1_000_010) && !is_proven(other, 1_000_010));
        assert!(is_proven(one, 1_003_599) && !is_proven(one, 1_003_600));
        assert!(!is_proven(one, 999_000));
        assert_eq!(cookies.judge(&given, one, at(1_000_010)).unwrap().answer, given);
    }
}
