//! What fuzz targets call: questions to the signer and its answers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Answer, Ask, Known};

/// What can be read is, written again, what was read, and no longer than it: nobody has room made by a few bytes.
pub fn signer_message(data: &[u8]) {
    again::<Ask>(data);
    again::<Answer>(data);
    if let Ok(answer) = postcard::from_bytes::<Answer>(data) {
        let is_authority = matches!(answer, Answer::Authority { .. });
        assert_eq!(Known::of(answer).is_some(), is_authority);
    }
}

fn again<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(read) = postcard::from_bytes::<T>(data) else { return };
    let Ok(written) = postcard::to_allocvec(&read) else { unreachable!("what was read can be written") };
    let Ok(read) = postcard::from_bytes::<T>(&written) else { unreachable!("what was written can be read") };
    assert_eq!(postcard::to_allocvec(&read).as_deref(), Ok(&*written));
}
