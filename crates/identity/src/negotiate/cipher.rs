//! Opens what Kerberos seals with AES: RFC 3961 §5.3 with RFC 3962 (kinds 17 and 18), and RFC 8009 (kinds 19 and 20).

use aws_lc_rs::cipher::{AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA384};

/// What a part is for (RFC 4120 §7.5.1): no part opens in another's place.
pub(super) const USAGE_TICKET: u32 = 2;
pub(super) const USAGE_AP_REQUEST_AUTHENTICATOR: u32 = 11;

const BLOCK: usize = 16;
/// Ends the label of a key that seals, and of one that signs.
const SEALING: u8 = 0xAA;
const SIGNING: u8 = 0x55;

/// The plain text; `None` where key or text are not of this kind, or the text is not what was sealed.
pub(super) fn decrypt(kind: i64, key: &[u8], usage: u32, sealed: &[u8]) -> Option<Vec<u8>> {
    match (kind, key.len()) {
        (17, 16) | (18, 32) => decrypt_sha1(key, usage, sealed),
        (19, 16) => decrypt_sha2(HMAC_SHA256, 16, key, usage, sealed),
        (20, 32) => decrypt_sha2(HMAC_SHA384, 24, key, usage, sealed),
        _ => None,
    }
}

/// Signed first, then sealed: the signature is of the plain text (RFC 3961 §5.3), in 96 bits.
fn decrypt_sha1(key: &[u8], usage: u32, sealed: &[u8]) -> Option<Vec<u8>> {
    let (sealed, signature) = sealed.split_at_checked(sealed.len().checked_sub(12)?)?;
    let plain = decrypt_cts(&derive(key, usage, SEALING)?, sealed)?;
    let signing = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &derive(key, usage, SIGNING)?);
    verify(&hmac::sign(&signing, &plain), signature)?;
    without_confounder(plain)
}

/// Sealed first, then signed: the signature is of an empty first block and the sealed text (RFC 8009 §5).
fn decrypt_sha2(hash: hmac::Algorithm, signed: usize, key: &[u8], usage: u32, sealed: &[u8]) -> Option<Vec<u8>> {
    let (sealed, signature) = sealed.split_at_checked(sealed.len().checked_sub(signed)?)?;
    let signing = hmac::Key::new(hash, &derive_sha2(hash, key, usage, SIGNING, signed)?);
    verify(&hmac::sign(&signing, &[&[0; BLOCK], sealed].concat()), signature)?;
    without_confounder(decrypt_cts(&derive_sha2(hash, key, usage, SEALING, key.len())?, sealed)?)
}

fn verify(made: &hmac::Tag, signature: &[u8]) -> Option<()> {
    verify_slices_are_equal(made.as_ref().get(..signature.len())?, signature).ok()
}

/// The random block in front.
fn without_confounder(plain: Vec<u8>) -> Option<Vec<u8>> {
    plain.get(BLOCK..).map(<[u8]>::to_vec)
}

/// RFC 3961 §5.1: blocks of the key stream until the key is full.
fn derive(key: &[u8], usage: u32, end: u8) -> Option<Vec<u8>> {
    let [a, b, c, d] = usage.to_be_bytes();
    let mut block = n_fold(&[a, b, c, d, end]);
    let sealing = EncryptingKey::ecb(unbound(key)?).ok()?;
    let mut derived = Vec::with_capacity(key.len());
    while derived.len() < key.len() {
        sealing.encrypt(&mut block).ok()?;
        derived.extend_from_slice(&block);
    }
    Some(derived)
}

/// RFC 8009 §3, KDF-HMAC-SHA2, of at most one block of the hash.
fn derive_sha2(hash: hmac::Algorithm, key: &[u8], usage: u32, end: u8, length: usize) -> Option<Vec<u8>> {
    let [a, b, c, d] = usage.to_be_bytes();
    let bits = u32::try_from(length * 8).ok()?.to_be_bytes();
    let input = [&[0, 0, 0, 1, a, b, c, d, end, 0], &bits[..]].concat();
    hmac::sign(&hmac::Key::new(hash, key), &input).as_ref().get(..length).map(<[u8]>::to_vec)
}

/// RFC 3961 §5.1, to one block: copies of the input, each turned right by 13 bits more, added with the carry around.
fn n_fold(input: &[u8]) -> [u8; BLOCK] {
    let bits = input.len() * 8;
    let copies = lcm(input.len(), BLOCK) / input.len().max(1);
    // The bit at `place` of the copies laid one after the other.
    let bit = |place: usize| {
        let (copy, within) = (place / bits, place % bits);
        let turned = (within + bits - 13 * copy % bits) % bits;
        input.get(turned / 8).is_some_and(|byte| byte >> (7 - turned % 8) & 1 == 1)
    };
    let block =
        |number: usize| (0..BLOCK * 8).fold(0, |sum, place| sum << 1 | u128::from(bit(number * BLOCK * 8 + place)));
    let sum = (0..copies * input.len() / BLOCK).map(block).fold(0_u128, |sum, block| {
        let (sum, is_carried) = sum.overflowing_add(block);
        sum.wrapping_add(u128::from(is_carried))
    });
    sum.to_be_bytes()
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

/// AES in CBC with ciphertext stealing, from an empty first block (RFC 3962 §5, CBC-CS3): the last two blocks are
/// swapped, and the last is short.
fn decrypt_cts(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let aes = DecryptingKey::ecb(unbound(key)?).ok()?;
    let mut text = sealed.to_vec();
    let short = match sealed.len() {
        ..BLOCK => return None,
        BLOCK => BLOCK,
        length => (length - 1) % BLOCK + 1,
    };
    if BLOCK < sealed.len() {
        let (front, last) = text.split_at_checked(sealed.len() - short)?;
        let (front, before) = front.split_at_checked(front.len() - BLOCK)?;
        let mut opened: [u8; BLOCK] = before.try_into().ok()?;
        aes.decrypt(&mut opened, DecryptionContext::None).ok()?;
        // What the last block was short of is in the block before, once opened.
        text = [front, last, opened.get(short..)?, before].concat();
    }
    let mut plain = text.clone();
    aes.decrypt(&mut plain, DecryptionContext::None).ok()?;
    for (plain, sealed) in plain.iter_mut().skip(BLOCK).zip(&text) {
        *plain ^= sealed;
    }
    plain.truncate(sealed.len());
    Some(plain)
}

fn unbound(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    UnboundCipherKey::new(algorithm, key).ok()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER_PERMISSIVE as HEX;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        HEX.decode(text.replace(' ', "").as_bytes()).unwrap()
    }

    #[test]
    fn rfc_3961_folds() {
        // Appendix A.1, those to 128 bits and the constant of A.3's shape.
        assert_eq!(n_fold(b"kerberos").to_vec(), hex("6b657262 65726f73 7b9b5b2b 93132b93"));
    }

    #[test]
    fn rfc_8009_opens() {
        // Appendix A: key derivation and encryption with a usage of 2.
        let key = hex("3705D96080C17728A0E800EAB6E0D23C");
        assert_eq!(derive_sha2(HMAC_SHA256, &key, 2, SEALING, 16).unwrap(), hex("9B197DD1E8C5609D6E67C3E37C62C72E"));
        assert_eq!(derive_sha2(HMAC_SHA256, &key, 2, SIGNING, 16).unwrap(), hex("9FDA0E56AB2D85E1569A688696C26A6C"));
        for (sealed, plain) in [
            ("EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C870C0D5A0A8E48C718", ""),
            ("84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E247E52D16ED4421DFDF8976C", "000102030405"),
            (
                "3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65C1008E8FC295FB4852E7D83E1E7C48C37EEBE6B0D3",
                "000102030405060708090A0B0C0D0E0F",
            ),
            (
                "720F73B18D9859CD6CCB4346115CD336C70F58EDC0C4437C5573544C31C813BCE1E6D072C186B39A413C2F92CA9B8334A287FFCBFC",
                "000102030405060708090A0B0C0D0E0F1011121314",
            ),
        ] {
            let sealed = hex(sealed);
            assert_eq!(decrypt(19, &key, 2, &sealed), Some(hex(plain)), "{plain}");
            for place in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[place] ^= 1;
                assert_eq!(decrypt(19, &key, 2, &changed), None);
            }
            assert_eq!(decrypt(19, &key, 3, &sealed), None);
        }
    }

    #[test]
    fn rfc_3962_steals() {
        // Appendix B.
        let key = b"chicken teriyaki";
        for (plain, sealed) in [
            (
                "49 20 77 6f 75 6c 64 20 6c 69 6b 65 20 74 68 65 20",
                "c6 35 35 68 f2 bf 8c b4 d8 a5 80 36 2d a7 ff 7f 97",
            ),
            (
                "49 20 77 6f 75 6c 64 20 6c 69 6b 65 20 74 68 65 20 47 65 6e 65 72 61 6c 20 47 61 75 27 73 20",
                "fc 00 78 3e 0e fd b2 c1 d4 45 d4 c8 ef f7 ed 22 97 68 72 68 d6 ec cc c0 c0 7b 25 e2 5e cf e5",
            ),
            (
                "49 20 77 6f 75 6c 64 20 6c 69 6b 65 20 74 68 65 20 47 65 6e 65 72 61 6c 20 47 61 75 27 73 20 43",
                "39 31 25 23 a7 86 62 d5 be 7f cb cc 98 eb f5 a8 97 68 72 68 d6 ec cc c0 c0 7b 25 e2 5e cf e5 84",
            ),
        ] {
            assert_eq!(decrypt_cts(key, &hex(sealed)), Some(hex(plain)));
        }
        assert_eq!(decrypt_cts(key, &[0; 15]), None);
    }
}
