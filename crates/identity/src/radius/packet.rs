//! The packets of RADIUS accounting: lengths first, then signatures, then attributes.
//!
//! Eats bytes, not sockets. What is not signed as it must be is an error before any attribute is looked at.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hmac::{Hmac, KeyInit, Mac as _};
use md5::{Digest, Md5};

/// RFC 2866 §3: a packet has 20 to 4,095 bytes; RFC 2865 §3 allows one more, and both are met.
const HEADER_BYTES: usize = 20;
pub(crate) const PACKET_MAX: usize = 4_096;
const AUTHENTICATOR: std::ops::Range<usize> = 4..20;
/// RFC 3579 §3.2.
const MESSAGE_AUTHENTICATOR: u8 = 80;
const SIGNATURE_BYTES: usize = 16;

const ACCOUNTING_REQUEST: u8 = 4;
const ACCOUNTING_RESPONSE: u8 = 5;
/// RFC 5997: a peer asks whether anybody is there.
const STATUS_SERVER: u8 = 12;

/// Why a packet is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("the packet's length or one of its attributes' lengths is wrong")]
    Length,
    #[error("neither an accounting request nor a status request")]
    Code,
    #[error("the packet has no Message-Authenticator")]
    Unsigned,
    #[error("the packet has more than one Message-Authenticator")]
    SignedTwice,
    #[error("the packet is not signed with the secret of the peer it came from")]
    Signature,
}

/// A request whose signatures are right.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    bytes: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a datagram of a peer with this secret. With `may_be_unsigned`, an accounting request without
    /// Message-Authenticator is taken on its Request Authenticator alone, as RFC 2866 has it.
    pub fn read(datagram: &'a [u8], secret: &[u8], may_be_unsigned: bool) -> Result<Self, PacketError> {
        let &[code, _, high, low, ..] = datagram else { return Err(PacketError::Length) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(HEADER_BYTES..=PACKET_MAX).contains(&length) {
            return Err(PacketError::Length);
        }
        // RFC 2865 §3: what is beyond the length is padding; what is short of it, no packet.
        let bytes = datagram.get(..length).ok_or(PacketError::Length)?;
        if !matches!(code, ACCOUNTING_REQUEST | STATUS_SERVER) {
            return Err(PacketError::Code);
        }
        let signature = signature_place(bytes)?;
        if code == ACCOUNTING_REQUEST {
            let mut hashed = bytes.to_vec();
            if let Some(authenticator) = hashed.get_mut(AUTHENTICATOR) {
                authenticator.fill(0);
            }
            // RFC 2866 §3: MD5 over the packet with a zeroed authenticator and the secret.
            let expected = Md5::new().chain_update(&hashed).chain_update(secret).finalize();
            let authenticator = bytes.get(AUTHENTICATOR).ok_or(PacketError::Length)?;
            verify_slices_are_equal(&expected, authenticator).map_err(|_| PacketError::Signature)?;
        } else if signature.is_none() {
            // RFC 5997 §3: a Status-Server without one is dropped, whoever it is from.
            return Err(PacketError::Unsigned);
        }
        match signature {
            Some(place) => verify_message(bytes, place, code, secret)?,
            None if may_be_unsigned => {}
            None => return Err(PacketError::Unsigned),
        }
        Ok(Self { bytes })
    }

    /// Whether it only asks if anybody is there.
    pub fn is_status(&self) -> bool {
        self.bytes.first() == Some(&STATUS_SERVER)
    }

    /// Type and value of each attribute, in their order.
    pub fn attributes(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        Attributes(self.bytes.get(HEADER_BYTES..).unwrap_or_default()).filter_map(Result::ok)
    }

    /// The answer, which says that the request was taken.
    ///
    /// Signed by its Response Authenticator alone: it has no attributes that somebody could change, and over which
    /// authenticator a Message-Authenticator in it would be made, no RFC says and FreeRADIUS and others disagree.
    pub fn response(&self, secret: &[u8]) -> Vec<u8> {
        let identifier = self.bytes.get(1).copied().unwrap_or_default();
        let asked = self.bytes.get(AUTHENTICATOR).unwrap_or_default();
        let head = [ACCOUNTING_RESPONSE, identifier, 0, 20];
        // RFC 2866 §3: MD5 over the head, the request's authenticator, the attributes and the secret.
        let hash = Md5::new().chain_update(head).chain_update(asked).chain_update(secret).finalize();
        [&head, &hash[..]].concat()
    }
}

/// Where the value of the Message-Authenticator starts, after every attribute's length was checked.
fn signature_place(bytes: &[u8]) -> Result<Option<usize>, PacketError> {
    let mut place = HEADER_BYTES;
    let mut found = None;
    for attribute in Attributes(bytes.get(HEADER_BYTES..).unwrap_or_default()) {
        let (kind, value) = attribute?;
        if kind == MESSAGE_AUTHENTICATOR {
            if value.len() != SIGNATURE_BYTES {
                return Err(PacketError::Length);
            }
            // Two of them are a way to have one checked and the other believed.
            if found.replace(place + 2).is_some() {
                return Err(PacketError::SignedTwice);
            }
        }
        place += 2 + value.len();
    }
    Ok(found)
}

fn verify_message(bytes: &[u8], place: usize, code: u8, secret: &[u8]) -> Result<(), PacketError> {
    let signature = bytes.get(place..place + SIGNATURE_BYTES).ok_or(PacketError::Length)?;
    let mut blank = bytes.to_vec();
    if let Some(value) = blank.get_mut(place..place + SIGNATURE_BYTES) {
        value.fill(0);
    }
    // The Request Authenticator of an accounting request hangs on this signature, so it counts as zeros (RFC 5176 §3.4
    // says so for requests of that kind); that of a Status-Server is random and stays.
    if code == ACCOUNTING_REQUEST
        && let Some(authenticator) = blank.get_mut(AUTHENTICATOR)
    {
        authenticator.fill(0);
    }
    let expected = hmac_md5(secret, &[&blank]).ok_or(PacketError::Signature)?;
    verify_slices_are_equal(&expected, signature).map_err(|_| PacketError::Signature)
}

/// `None` never comes: a key of any length is a key (RFC 2104 §3); the error exists for other constructions.
fn hmac_md5(secret: &[u8], parts: &[&[u8]]) -> Option<[u8; SIGNATURE_BYTES]> {
    let mut hmac = Hmac::<Md5>::new_from_slice(secret).ok()?;
    for part in parts {
        hmac.update(part);
    }
    Some(hmac.finalize().into_bytes().into())
}

/// Attributes one after the other; after one of a wrong length there are no more.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u8, &'a [u8]), PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.0);
        let &[kind, length, ..] = rest else { return Some(Err(PacketError::Length)) };
        let value = rest.get(2..usize::from(length));
        let Some(value) = value else { return Some(Err(PacketError::Length)) };
        self.0 = rest.get(usize::from(length)..).unwrap_or_default();
        Some(Ok((kind, value)))
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
pub(crate) mod tests;
