//! What fuzz targets call: the files of a snapshot, as somebody may have left them in its directory.

use std::path::Path;
use std::sync::LazyLock;

use schoolgate_base::SchoolId;
use schoolgate_decide::snapshot::{FORMAT, Live, People, Program};
use schoolgate_keys::{SigningKey, VerifyingKey, sha256_hex};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::part::{self, Header};
use crate::root::RootFile;

struct Keys {
    signing: SigningKey,
    verifying: VerifyingKey,
}

static KEYS: LazyLock<Option<Keys>> = LazyLock::new(|| {
    let signing = SigningKey::generate().ok()?;
    Some(Keys { verifying: signing.verifying_key(), signing })
});

/// Nothing is read that is not signed; a part of ours is read as it was written, and with any byte changed that means
/// something it is not.
pub fn snapshot_part(data: &[u8]) {
    let Some(keys) = KEYS.as_ref() else { return };
    let path = Path::new("part");
    assert!(part::verify(data, path, &keys.verifying).is_err(), "not signed with this key");
    let Ok(school) = SchoolId::new("riverside") else { return };
    let header = Header {
        format: FORMAT,
        school,
        part: "lists".to_owned(),
        generation: 7,
        length: u64::try_from(data.len()).unwrap_or(u64::MAX),
        sha256: sha256_hex(data),
    };
    let Ok(front) = part::front(path, &header, &keys.signing) else { return };
    let mut file = [&front, data].concat();
    let read = part::verify(&file, path, &keys.verifying);
    assert!(matches!(&read, Ok((read, payload)) if *read == header && file.get(payload.clone()) == Some(data)));
    let place = data.iter().fold(data.len(), |sum, byte| sum.wrapping_mul(31) ^ usize::from(*byte)) % file.len();
    // The zeros that align the payload, behind magic, length, header and signature, are nobody's.
    let length = front.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |length| u32::from_le_bytes(*length));
    let signed = 12 + usize::try_from(length).unwrap_or(0) + schoolgate_keys::SIGNATURE_BYTES;
    let is_padding = (signed..front.len()).contains(&place);
    file.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
    assert_eq!(part::verify(&file, path, &keys.verifying).is_ok(), is_padding, "byte {place} of {}", file.len());
    file.truncate(place);
    assert!(part::verify(&file, path, &keys.verifying).is_err(), "cut at {place}");
}

/// A root that can be read says, written again, the same; unsigned it is not read.
pub fn snapshot_root(data: &[u8]) {
    let Some(keys) = KEYS.as_ref() else { return };
    let dir = Path::new(".");
    assert!(RootFile::verify(data, dir, &keys.verifying).is_err(), "not signed with this key");
    let Ok(root) = serde_json::from_slice::<RootFile>(data) else { return };
    let Ok(file) = root.signed(dir, &keys.signing) else { unreachable!("what was read can be written") };
    assert!(RootFile::verify(&file, dir, &keys.verifying).is_ok_and(|again| again == root));
}

/// The contents of program, people and live part: what is read is, written again, the same.
pub fn snapshot_content(data: &[u8]) {
    again::<Program>(data);
    again::<People>(data);
    again::<Live>(data);
}

fn again<T: Serialize + DeserializeOwned + PartialEq>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let Ok(text) = serde_json::to_vec(&read) else { unreachable!("what was read can be written") };
    assert!(serde_json::from_slice::<T>(&text).is_ok_and(|again| again == read));
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("snapshot_part", super::snapshot_part),
            ("snapshot_root", super::snapshot_root),
            ("snapshot_content", super::snapshot_content),
        ];
        schoolgate_testkit::fuzz::hold(targets, 150_000);
    }
}
