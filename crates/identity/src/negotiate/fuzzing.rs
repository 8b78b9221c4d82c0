//! What fuzz targets call: the token in a header, what is in its seals, and keytabs.

use data_encoding::BASE64;
use jiff::Timestamp;

use crate::negotiate::keytab::{self, Key};
use crate::negotiate::message::{Authenticator, Ticket};
use crate::negotiate::{Acceptor, is_negotiate};

/// Whatever a client shows, without a ticket of ours it is nobody.
pub fn negotiate_token(data: &[u8]) {
    let Ok(now) = Timestamp::from_second(1_795_687_200) else { return };
    let keys = [17, 18, 19, 20].map(|kind| Key { kind, version: 1, key: vec![7; key_bytes(kind)].into() });
    let Ok(acceptor) = Acceptor::new(&written(&keys)) else { unreachable!("the keytab is one") };
    let header = format!("Negotiate {}", BASE64.encode(data));
    assert!(is_negotiate(header.as_bytes()));
    for header in [data, header.as_bytes()] {
        assert!(acceptor.accept(header, now).is_err(), "{}", header.escape_ascii());
    }
}

/// What the KDC or the client has sealed, once it is open: a name has one realm, and nothing in it that could make it look
/// like another's.
pub fn kerberos_message(data: &[u8]) {
    let ticket = Ticket::read(data).map(|ticket| ticket.name);
    let authenticator = Authenticator::read(data).map(|authenticator| authenticator.name);
    for name in [ticket, authenticator].into_iter().flatten() {
        let Some((principal, realm)) = name.split_once('@') else { unreachable!("{name:?} has no realm") };
        assert!(!realm.is_empty() && !realm.contains(['@', '/', '\\']), "{name:?}");
        assert!(principal.split('/').all(|part| !part.is_empty()), "{name:?}");
        assert!(!name.contains('\\') && !name.contains(char::is_control), "{name:?}");
    }
}

/// Keys that were read are read again from a keytab in which nothing else stands.
pub fn keytab(data: &[u8]) {
    let Ok(keys) = keytab::read(data) else { return };
    assert!((1..=64).contains(&keys.len()) && keys.iter().all(|key| key.key.len() == key_bytes(key.kind)));
    let Ok(again) = keytab::read(&written(&keys)) else { unreachable!("what was written can be read") };
    let parts = |key: &Key| (key.kind, key.version, key.key.clone());
    assert!(keys.iter().map(parts).eq(again.iter().map(parts)));
}

fn key_bytes(kind: i64) -> usize {
    if kind % 2 == 1 { 16 } else { 32 }
}

/// A keytab of these keys, for a service without a name.
fn written(keys: &[Key]) -> Vec<u8> {
    let mut bytes = vec![5, 2];
    for Key { kind, version, key } in keys {
        let [.., kind_high, kind_low] = kind.to_be_bytes();
        let [.., a, b, c, d] = version.to_be_bytes();
        let length = u8::try_from(key.len()).unwrap_or(0);
        // No parts of a name, an empty realm, no kind of name, no time, no short version.
        let front = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind_high, kind_low, 0, length];
        let entry = [&front, &**key, &[a, b, c, d]].concat();
        bytes.extend_from_slice(&u32::try_from(entry.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&entry);
    }
    bytes
}
