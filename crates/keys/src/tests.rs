//! The key directory as its users see it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use schoolgate_base::{PersonId, Role, SchoolId};
use tempfile::TempDir;

use crate::*;

fn ring() -> (TempDir, KeyRing) {
    let dir = tempfile::tempdir().unwrap();
    let ring = KeyRing::create(dir.path()).unwrap();
    (dir, ring)
}

fn office(name: &str) -> KeyHolder {
    KeyHolder::Office(Role::new(name))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn known_hashes() {
    assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let mut pieces = Sha256::new();
    pieces.update(b"a");
    pieces.update(b"bc");
    assert_eq!(pieces.finish(), sha256(b"abc"));
    assert!(is_same_secret(b"a", b"a") && !is_same_secret(b"a", b"b") && !is_same_secret(b"a", b"ab"));
}

#[test]
fn keys_survive_reopening() {
    let (dir, ring) = ring();
    let signature = ring.signing().sign(b"part").unwrap();
    let token = ring.tokens().seal("blocked", b"bet.example").unwrap();
    let blob = ring.seal_to(&[office("dsl")], b"a child may be at risk").unwrap();
    let (school, person) = (SchoolId::new("riverside").unwrap(), PersonId::new("pia").unwrap());
    let pseudonym = ring.pseudonyms().of(&school, 2026, &person);

    let again = KeyRing::open(dir.path()).unwrap();
    assert!(again.signing().verifying_key().is_signed(b"part", &signature));
    assert_eq!(again.tokens().open("blocked", &token).unwrap(), b"bet.example");
    assert_eq!(again.open_with(&office("dsl"), &blob).unwrap().unwrap(), b"a child may be at risk");
    assert_eq!(again.pseudonyms().of(&school, 2026, &person), pseudonym);
}

#[test]
fn key_files_are_closed_and_open_ones_are_refused() {
    let (dir, ring) = ring();
    ring.seal_to(&[office("dsl")], b"x").unwrap();
    let keys = dir.path().join("keys");
    assert_eq!(mode(&keys), 0o700);
    for name in ["snapshot-signing.pk8", "token.key", "pseudonym.key", "offices/dsl.age"] {
        assert_eq!(mode(&keys.join(name)), 0o600, "{name}");
    }
    fs::set_permissions(keys.join("token.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(KeyRing::open(dir.path()), Err(KeyError::Exposed { mode: 0o640, .. })));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(KeyRing::open(dir.path()), Err(KeyError::Exposed { mode: 0o755, .. })));
}

#[test]
fn keys_are_never_overwritten() {
    let (dir, ring) = ring();
    let public = ring.signing().verifying_key();
    assert!(matches!(KeyRing::create(dir.path()), Err(KeyError::NotEmpty { .. })));
    let path = dir.path().join("keys/token.key");
    assert!(matches!(secret_create(&path, b"other"), Err(KeyError::Exists { .. })));
    assert_eq!(KeyRing::open(dir.path()).unwrap().signing().verifying_key(), public);
    // Nothing is left beside.
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 3);
}

#[test]
fn a_damaged_key_file_is_named() {
    let (dir, _) = ring();
    for name in ["snapshot-signing.pk8", "token.key"] {
        let path = dir.path().join("keys").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let error = KeyRing::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        fs::write(&path, &whole).unwrap();
    }
    assert!(matches!(KeyRing::open(Path::new("/nonexistent")), Err(KeyError::Read { .. })));
}

#[test]
fn a_signature_fits_one_message_and_one_key() {
    let key = SigningKey::generate().unwrap();
    let signature = key.sign(b"message").unwrap();
    let public = VerifyingKey::from_bytes(*key.verifying_key().as_bytes());
    assert!(public.is_signed(b"message", &signature));
    assert!(!public.is_signed(b"messagf", &signature));
    assert!(!public.is_signed(b"message", &signature[..63]));
    assert!(!SigningKey::generate().unwrap().verifying_key().is_signed(b"message", &signature));
}

#[test]
fn tokens_open_for_their_purpose_only_and_never_when_damaged() {
    let (_dir, ring) = ring();
    let token = ring.tokens().seal("blocked", b"content").unwrap();
    assert_ne!(token, ring.tokens().seal("blocked", b"content").unwrap());
    assert!(ring.tokens().open("agree", &token).is_none());
    for at in 0..token.len() {
        let mut broken = token.clone().into_bytes();
        broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
        assert!(ring.tokens().open("blocked", std::str::from_utf8(&broken).unwrap()).is_none(), "{at}");
        assert!(ring.tokens().open("blocked", &token[..at]).is_none(), "{at}");
    }
    assert!(ring.tokens().open("blocked", &"A".repeat(1 << 20)).is_none());
    assert!(ring.tokens().open("blocked", "not base 64 !").is_none());
}

#[test]
fn only_the_offices_named_can_open() {
    let (_dir, ring) = ring();
    ring.seal_to(&[office("headteacher")], b"other").unwrap();
    let blob = ring.seal_to(&[office("dsl"), office("chair-of-governors"), office("dsl")], b"secret").unwrap();
    for name in ["dsl", "chair-of-governors"] {
        assert_eq!(ring.open_with(&office(name), &blob).unwrap().unwrap(), b"secret");
    }
    for name in ["headteacher", "an-office-without-key"] {
        assert!(ring.open_with(&office(name), &blob).unwrap().is_none());
    }
    assert!(!blob.as_bytes().windows(6).any(|window| window == b"secret"));
    assert!(matches!(ring.seal_to(&[], b"secret"), Err(KeyError::NobodyToOpen)));
    let mut damaged = blob.into_bytes();
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = SealedBlob::from_bytes(damaged);
    assert!(matches!(ring.open_with(&office("dsl"), &damaged), Err(KeyError::Damaged { .. })));
}

#[test]
fn a_holder_cannot_name_anothers_file() {
    let (dir, ring) = ring();
    let person = KeyHolder::Person(PersonId::new("dsl").unwrap());
    let blob = ring.seal_to(&[person], b"x").unwrap();
    assert!(ring.open_with(&office("dsl"), &blob).unwrap().is_none());
    ring.seal_to(&[office("../../outside/ä")], b"x").unwrap();
    assert!(dir.path().join("keys/offices/%2E%2E%2F%2E%2E%2Foutside%2F%C3%A4.age").exists());
}

#[test]
fn two_threads_making_the_same_office_agree_on_its_key() {
    let (_dir, ring) = ring();
    let blobs: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8).map(|_| scope.spawn(|| ring.seal_to(&[office("dsl")], b"x").unwrap())).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    for blob in blobs {
        assert_eq!(ring.open_with(&office("dsl"), &blob).unwrap().unwrap(), b"x");
    }
}

#[test]
fn pseudonyms_differ_by_school_year_and_person() {
    let (_dir, ring) = ring();
    let school = |name| SchoolId::new(name).unwrap();
    let person = |name| PersonId::new(name).unwrap();
    let of = |s, y, p| ring.pseudonyms().of(&school(s), y, &person(p));
    let base = of("riverside", 2026, "pia");
    assert_eq!(base.as_str().len(), 26);
    for other in [of("hilltop", 2026, "pia"), of("riverside", 2027, "pia"), of("riverside", 2026, "pib")] {
        assert_ne!(base, other);
    }
    assert_ne!(
        ring.pseudonyms().locked_hit(&school("riverside"), "bad.example"),
        ring.pseudonyms().locked_hit(&school("riverside"), "worse.example")
    );
}

#[test]
fn export_is_a_whole_key_directory_and_refuses_a_full_one() {
    let (_dir, ring) = ring();
    let blob = ring.seal_to(&[office("dsl")], b"x").unwrap();
    let apart = tempfile::tempdir().unwrap();
    ring.export(apart.path()).unwrap();
    let copy = KeyRing::open(apart.path()).unwrap();
    assert_eq!(copy.open_with(&office("dsl"), &blob).unwrap().unwrap(), b"x");
    assert!(matches!(ring.export(apart.path()), Err(KeyError::NotEmpty { .. })));
}
