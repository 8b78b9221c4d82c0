//! Hardware addresses, in the ways that access points, DHCP servers and tables write them.

use std::fmt;
use std::str::FromStr;

/// A 48-bit hardware address (IEEE 802 EUI-48). Written `00:11:22:aa:bb:cc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

/// Not twelve hexadecimal digits in pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hardware address has six pairs of hexadecimal digits, such as 00:11:22:aa:bb:cc")]
pub struct MacError;

impl Mac {
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = MacError;

    /// RFC 3580 §3.21 writes `00-11-22-AA-BB-CC`; others use colons, Cisco's points, or nothing between the digits.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut bytes = [0_u8; 6];
        let mut digits = 0_usize;
        for character in text.chars() {
            if matches!(character, ':' | '-' | '.') && digits.is_multiple_of(2) && digits > 0 {
                continue;
            }
            let digit = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(MacError)?;
            let byte = bytes.get_mut(digits / 2).ok_or(MacError)?;
            *byte = *byte << 4 | digit;
            digits += 1;
        }
        // Neither all zeros nor a group address is any one device's (IEEE 802 §8.2).
        let is_a_device = bytes != [0; 6] && bytes.first().is_some_and(|first| first & 1 == 0);
        if digits == 12 && is_a_device { Ok(Self(bytes)) } else { Err(MacError) }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_is_one_address() {
        for text in ["00:11:22:aa:bb:cc", "00-11-22-AA-BB-CC", "0011.22aa.bbcc", "001122aabbcc"] {
            assert_eq!(text.parse::<Mac>().map(|mac| mac.to_string()).as_deref(), Ok("00:11:22:aa:bb:cc"), "{text}");
        }
    }

    #[test]
    fn what_is_no_devices_address_is_refused() {
        let wrong = ["", "00:11:22:aa:bb", "00:11:22:aa:bb:cc:dd", "0:11:22:aa:bb:ccd", "10.0.0.1", "+441234567890"];
        for text in wrong.into_iter().chain(["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", ":::"]) {
            assert_eq!(text.parse::<Mac>(), Err(MacError), "{text}");
        }
    }
}
