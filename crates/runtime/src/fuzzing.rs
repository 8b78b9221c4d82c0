//! What fuzz targets call: the headers that load balancers send, and messages between our own processes.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::frames::{FRAME_MAX, read_frame, write_frame};
use crate::proxy_protocol::{FOREIGN_MAX_BYTES, Reading, Step, decode, encode, read_foreign};

/// Both readers ask at each cut for more than there is and never for more than the header has; what of ours is read is
/// read the same by the other, and written again says the same client.
pub fn proxy_protocol(data: &[u8]) {
    let foreign = read_foreign(data);
    if let Ok(Reading::Header { length, .. }) = foreign {
        assert!(length <= data.len() && length <= FOREIGN_MAX_BYTES);
        for cut in 0..length {
            let more = read_foreign(data.get(..cut).unwrap_or_default());
            assert!(matches!(more, Ok(Reading::NeedMore(all)) if cut < all && all <= length), "at {cut}: {more:?}");
        }
    }
    let Ok(Step::Client(client, length)) = decode(data) else { return };
    for cut in 0..length {
        let more = decode(data.get(..cut).unwrap_or_default());
        assert!(matches!(more, Ok(Step::NeedMore(all)) if cut < all && all <= length), "at {cut}: {more:?}");
    }
    let Ok(Reading::Header { ends: Some(ends), length: whole }) = foreign else {
        unreachable!("a header of ours is one that balancers may send")
    };
    assert_eq!((ends.client, whole), (client, length));
    let door = SocketAddr::from(([10, 0, 0, 1], 3128));
    let again = encode(client, door);
    assert_eq!(decode(&again), Ok(Step::Client(client, again.len())));
}

/// Frames that were read are, written again, the bytes that they were read from.
pub fn frames(data: &[u8]) {
    let mut rest = data;
    let mut again = Vec::new();
    while let Ok(Some(message)) = at_once(read_frame(&mut rest)) {
        assert!(message.len() <= FRAME_MAX);
        assert!(at_once(write_frame(&mut again, &message)).is_ok());
        assert_eq!(data.get(..again.len()), Some(again.as_slice()));
        assert_eq!(data.get(again.len()..), Some(rest));
    }
}

/// What a future says that has nothing to wait for.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(said) => said,
        Poll::Pending => unreachable!("bytes in memory are there"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] =
            &[("proxy_protocol", super::proxy_protocol), ("frames", super::frames)];
        schoolgate_testkit::fuzz::hold(targets, 150_000);
    }
}
