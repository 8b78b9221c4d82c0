use proptest::prelude::*;

use super::*;

pub(crate) const SECRET: &[u8] = b"testing123";

/// An accounting request as a peer would sign it.
pub(crate) fn accounting_request(attributes: &[(u8, &[u8])], is_signed: bool) -> Vec<u8> {
    let mut packet = vec![ACCOUNTING_REQUEST, 7, 0, 0];
    packet.extend_from_slice(&[0; 16]);
    let mut put = |kind: u8, value: &[u8]| {
        packet.extend_from_slice(&[kind, u8::try_from(value.len() + 2).unwrap()]);
        packet.extend_from_slice(value);
    };
    if is_signed {
        put(MESSAGE_AUTHENTICATOR, &[0; 16]);
    }
    for (kind, value) in attributes {
        put(*kind, value);
    }
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    packet[2..4].copy_from_slice(&length);
    if is_signed {
        let signature = hmac_md5(SECRET, &[&packet]).unwrap();
        packet[22..38].copy_from_slice(&signature);
    }
    let authenticator = Md5::new().chain_update(&packet).chain_update(SECRET).finalize();
    packet[AUTHENTICATOR].copy_from_slice(&authenticator);
    packet
}

#[test]
fn a_signed_request_is_read_and_answered() {
    let packet = accounting_request(&[(1, b"tess"), (40, &[0, 0, 0, 1])], true);
    let request = Request::read(&packet, SECRET, false).unwrap();
    let attributes: Vec<_> = request.attributes().filter(|(kind, _)| *kind != MESSAGE_AUTHENTICATOR).collect();
    assert_eq!(attributes, [(1, &b"tess"[..]), (40, &[0, 0, 0, 1][..])]);
    let response = request.response(SECRET);
    assert_eq!((response[0], response[1], response.len()), (ACCOUNTING_RESPONSE, 7, 20));
}

#[test]
fn padding_behind_a_packet_is_no_part_of_it() {
    let mut packet = accounting_request(&[(1, b"tess")], true);
    packet.extend_from_slice(b"padding");
    assert_eq!(Request::read(&packet, SECRET, false).unwrap().attributes().count(), 2);
}

#[track_caller]
fn check(packet: &[u8], expected: PacketError) {
    assert_eq!(Request::read(packet, SECRET, false).map(|_| ()), Err(expected));
}

#[test]
fn what_is_not_signed_twice_over_is_refused() {
    check(&accounting_request(&[(1, b"tess")], false), PacketError::Unsigned);
    assert!(Request::read(&accounting_request(&[(1, b"tess")], false), SECRET, true).is_ok());
    let good = accounting_request(&[(1, b"tess")], true);
    assert_eq!(Request::read(&good, b"another", false).map(|_| ()), Err(PacketError::Signature));
    // Right by the Request Authenticator, wrong by the Message-Authenticator: as one forges who has collided MD5.
    let mut forged = good.clone();
    forged[25] ^= 1;
    forged[AUTHENTICATOR].fill(0);
    let authenticator = Md5::new().chain_update(&forged).chain_update(SECRET).finalize();
    forged[AUTHENTICATOR].copy_from_slice(&authenticator);
    check(&forged, PacketError::Signature);
    assert_eq!(Request::read(&forged, SECRET, true).map(|_| ()), Err(PacketError::Signature));
    check(&accounting_request(&[(MESSAGE_AUTHENTICATOR, &[0; 16])], true), PacketError::SignedTwice);
}

#[test]
fn every_bit_is_under_the_signature() {
    let good = accounting_request(&[(1, b"tess"), (44, b"a1")], true);
    for place in 0..good.len() * 8 {
        let mut changed = good.clone();
        changed[place / 8] ^= 1 << (place % 8);
        assert!(Request::read(&changed, SECRET, true).is_err(), "bit {place}");
    }
}

#[test]
fn wrong_lengths_are_refused() {
    let good = accounting_request(&[(1, b"tess")], true);
    for cut in 0..good.len() {
        check(&good[..cut], PacketError::Length);
    }
    check(&[ACCOUNTING_REQUEST, 0, 0, 19], PacketError::Length);
    for bad in [[1_u8, 0].as_slice(), &[1, 1], &[1, 3], &[1]] {
        let mut packet = good[..20].to_vec();
        packet.extend_from_slice(bad);
        packet[3] = u8::try_from(packet.len()).unwrap();
        check(&packet, PacketError::Length);
    }
    // An Access-Request is for somebody else.
    let mut access = good;
    access[0] = 1;
    check(&access, PacketError::Code);
}

proptest! {
    #[test]
    fn no_bytes_are_read_without_their_signature(bytes in proptest::collection::vec(any::<u8>(), 0..5_000), code in 0_u8..16) {
        let mut bytes = bytes;
        if let [first, _, high, low, ..] = bytes.as_mut_slice() {
            *first = code;
            let length = u16::try_from(4_000).unwrap().to_be_bytes();
            [*high, *low] = length;
        }
        prop_assert!(Request::read(&bytes, SECRET, true).is_err());
    }

    #[test]
    fn what_is_signed_is_read_whatever_it_holds(
        values in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..253)), 0..14)
    ) {
        let values: Vec<(u8, &[u8])> =
            values.iter().filter(|(kind, _)| *kind != MESSAGE_AUTHENTICATOR).map(|(kind, value)| (*kind, &value[..])).collect();
        let packet = accounting_request(&values, true);
        let request = Request::read(&packet, SECRET, false).unwrap();
        let read: Vec<_> = request.attributes().skip(1).collect();
        prop_assert_eq!(read, values);
        // Nor does what is made of them ever fail in another way than by a word.
        let _ = crate::radius::Accounting::of(&request);
    }
}
