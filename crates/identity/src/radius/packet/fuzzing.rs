//! What fuzz targets call: accounting packets, signed here first, since nobody finds a signature by trying.

use jiff::Timestamp;
use md5::{Digest, Md5};

use super::{ACCOUNTING_REQUEST, AUTHENTICATOR, SIGNATURE_BYTES, hmac_md5, signature_place};
use crate::{Accounting, Ignored, PacketError, Request, Status};

const SECRET: &[u8] = b"testing123";

/// What is signed is read to its last byte and with no other secret; what it says is within bounds, and with any byte
/// of it changed it is not read. A packet that is not of our peer changes nothing.
pub fn radius_packet(data: &[u8]) {
    let mut packet = data.to_vec();
    sign(&mut packet, SECRET);
    let request = match Request::read(&packet, SECRET, true) {
        Ok(request) => request,
        Err(error) => return assert_ne!(error, PacketError::Signature, "{}", packet.escape_ascii()),
    };
    let length = 20 + request.attributes().map(|(_, value)| value.len() + 2).sum::<usize>();
    assert_eq!(packet.get(2..4), u16::try_from(length).ok().map(u16::to_be_bytes).as_ref().map(|word| &word[..]));
    let response = request.response(SECRET);
    assert!(response.len() == 20 && response.get(1) == packet.get(1));
    assert_eq!(Request::read(&packet, b"another", true).err(), Some(PacketError::Signature));
    check_accounting(&Accounting::of(&request));
    let place = data.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31) ^ usize::from(*byte)) % length;
    let mut changed = packet.clone();
    changed.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 4);
    assert!(Request::read(&changed, SECRET, true).is_err(), "byte {place} of {}", packet.escape_ascii());
}

/// Puts the signatures in that belong there, as far as there is place for them.
fn sign(packet: &mut [u8], secret: &[u8]) {
    let &mut [code, _, high, low, ..] = packet else { return };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let Some(packet) = packet.get_mut(..length).filter(|packet| AUTHENTICATOR.end <= packet.len()) else { return };
    let fill = |packet: &mut [u8], at: std::ops::Range<usize>, with: &[u8]| {
        packet.get_mut(at).into_iter().flatten().zip(with).for_each(|(place, byte)| *place = *byte);
    };
    if code == ACCOUNTING_REQUEST {
        fill(packet, AUTHENTICATOR, &[0; SIGNATURE_BYTES]);
    }
    if let Ok(Some(place)) = signature_place(packet) {
        fill(packet, place..place + SIGNATURE_BYTES, &[0; SIGNATURE_BYTES]);
        let signature = hmac_md5(secret, &[&*packet]).unwrap_or_default();
        fill(packet, place..place + SIGNATURE_BYTES, &signature);
    }
    if code == ACCOUNTING_REQUEST {
        let authenticator = Md5::new().chain_update(&*packet).chain_update(secret).finalize();
        fill(packet, AUTHENTICATOR, &authenticator);
    }
}

fn check_accounting(said: &Result<Accounting<'_>, Ignored>) {
    let Ok(said) = said else { return };
    assert!(said.addresses.len() <= 8 && !said.addresses.iter().any(|held| held.is_link_local()), "{said:?}");
    assert!(!said.session.is_empty() || said.status == Status::Restarted, "{said:?}");
    let Ok(now) = Timestamp::from_second(1_795_687_200) else { return };
    for may_be_undated in [false, true] {
        let moment = said.moment(may_be_undated, now);
        assert!(moment.is_err() || moment.is_ok_and(|at| at <= now), "{said:?}");
    }
}
