//! What fuzz targets call: messages of clients and of upstream servers, and what carries them.

use std::net::IpAddr;

use data_encoding::BASE64URL_NOPAD;
use hickory_proto::op::Message;
use http::Uri;
use jiff::Timestamp;

pub use crate::answer::fuzzing::dns_answer;
use crate::cookies::Cookies;
use crate::https::{freshness, query_of};
pub use crate::query::fuzzing::dns_query;
use crate::upstream::stream::Frames;

/// Messages come out of a stream as they went in, wherever it is cut; what is left over is shorter than it says.
pub fn dns_frames(data: &[u8]) {
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        for piece in pieces {
            frames.buffer.extend_from_slice(piece);
            messages.extend(std::iter::from_fn(|| frames.next()));
        }
        (messages, frames.buffer)
    };
    let whole = read(&mut [data].into_iter());
    let size = 1 + data.first().map_or(0, |byte| usize::from(*byte));
    assert_eq!(read(&mut data.chunks(size)), whole, "in pieces of {size}");
    let (messages, rest) = whole;
    let mut again = Vec::new();
    for message in &messages {
        let Ok(length) = u16::try_from(message.len()) else { unreachable!("longer than it can say") };
        again.extend_from_slice(&length.to_be_bytes());
        again.extend_from_slice(message);
    }
    again.extend_from_slice(&rest);
    assert_eq!(again, data);
}

/// The message in an address is the one that was put there; how long a cache may keep an answer is the shortest of its
/// times, as hickory reads them.
pub fn doh_request(data: &[u8]) {
    if let Ok(uri) = Uri::try_from(data)
        && let Some(message) = query_of(&uri)
    {
        let encoded = BASE64URL_NOPAD.encode(&message);
        assert!(uri.query().is_some_and(|query| query.contains(&format!("dns={encoded}"))), "{uri}");
    }
    let seconds = freshness(data);
    if let Ok(message) = Message::from_vec(data) {
        let records = message.answers.iter().chain(&message.authorities);
        // Bounds of times are hickory's own business; ours are the bytes as they are.
        let shortest = records.map(|record| record.ttl).min().unwrap_or(0);
        assert!(shortest <= seconds, "{seconds} s and {shortest} s");
    }
}

/// Only a cookie that we made for this address within the hour proves it; the client's half comes back as it was.
pub fn dns_cookie(data: &[u8]) {
    let (Ok(now), Ok(later)) = (Timestamp::from_second(1_795_687_200), Timestamp::from_second(1_795_687_260)) else {
        return;
    };
    let [client, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
    let cookies = Cookies::new();
    let Some(given) = cookies.judge(data, client, now) else { return assert!(data.len() < 8) };
    assert!(!given.is_proven, "a guess was right: {}", data.escape_ascii());
    assert_eq!(data.get(..8), given.answer.get(..8));
    let is_proven = |cookie: &[u8], address| cookies.judge(cookie, address, later).is_some_and(|said| said.is_proven);
    assert!(is_proven(&given.answer, client) && !is_proven(&given.answer, other));
    let place = data.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31) ^ usize::from(*byte)) % given.answer.len();
    let mut changed = given.answer;
    changed.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
    assert!(!is_proven(&changed, client), "byte {place}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("dns_query", super::dns_query),
            ("dns_answer", super::dns_answer),
            ("dns_frames", super::dns_frames),
            ("doh_request", super::doh_request),
            ("dns_cookie", super::dns_cookie),
        ];
        schoolgate_testkit::fuzz::hold(targets, 150_000);
    }
}
