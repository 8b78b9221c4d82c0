//! Answers as `dig` sees them: kept, cut, numbered and bounded.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::kit::*;

#[tokio::test]
async fn an_answer_is_kept_for_its_time() {
    let kit = Kit::start().await;
    let first = kit.dig(TESS, "WWW.site.Example A").await;
    assert!(first.contains("WWW.site.Example.\t300\tIN\tA\t192.0.2.1") && first.contains("NOERROR"), "{first}");
    assert!(first.contains("flags: qr rd ra;"), "{first}");
    kit.clock.advance(SignedDuration::from_secs(100)).unwrap();
    let second = kit.dig(PIA, "www.site.example A").await;
    assert!(second.contains("www.site.example.\t200\tIN\tA\t192.0.2.1"), "{second}");
    assert_eq!(kit.world.heard().len(), 1);
    kit.clock.advance(SignedDuration::from_secs(200)).unwrap();
    let third = kit.dig(TESS, "www.site.example A").await;
    assert!(third.contains("\t300\tIN\tA") && kit.world.heard().len() == 1, "{third}");
    assert_eq!(kit.metric("schoolgate_dns_cached_total"), 1);
}

#[tokio::test]
async fn what_is_not_there_is_kept_as_its_soa_says() {
    let kit = Kit::start().await;
    for name in ["nowhere.example A", "www.site.example MX"] {
        let first = kit.dig(TESS, name).await;
        assert!(first.contains("IN\tSOA\tns.example."), "{first}");
        assert_eq!(first.contains("NXDOMAIN"), name.starts_with("nowhere"));
        kit.clock.advance(SignedDuration::from_secs(59)).unwrap();
        kit.dig(TESS, name).await;
        assert_eq!(kit.world.heard().len(), 1, "{name}");
        kit.clock.advance(SignedDuration::from_secs(1)).unwrap();
        kit.dig(TESS, name).await;
        assert_eq!(kit.world.heard().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_too_large_goes_by_tcp() {
    let kit = Kit::start().await;
    let cut = kit.dig(TESS, "large.example TXT +ignore").await;
    assert!(cut.contains("flags: qr tc rd ra; QUERY: 1, ANSWER: 0") && cut.contains("udp: 1232"), "{cut}");
    let heard = kit.world.heard();
    assert!(heard[0].starts_with("udp ") && heard[1].starts_with("tcp "), "{heard:?}");
    let whole = kit.dig(TESS, "large.example TXT").await;
    assert!(whole.contains("(TCP)") && whole.contains("ANSWER: 1"), "{whole}");
    let plain = kit.dig(TESS, "large.example TXT +noedns +ignore").await;
    assert!(plain.contains("flags: qr tc rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0"), "{plain}");
}

#[tokio::test]
async fn bits_of_dnssec_pass_in_both_directions() {
    let kit = Kit::start().await;
    let signed = kit.dig(TESS, "www.site.example A +dnssec +cd").await;
    assert!(signed.contains("flags: qr rd ra ad cd;") && signed.contains("flags: do;"), "{signed}");
    let plain = kit.dig(TESS, "www.site.example A +noad").await;
    assert!(plain.contains("flags: qr rd ra;"), "{plain}");
    let heard = kit.world.heard();
    assert!(heard[0].ends_with(" A CD DO") && heard[1].ends_with(" A"), "{heard:?}");
}

#[tokio::test]
async fn what_is_no_plain_question_is_refused() {
    let kit = Kit::start().await;
    assert!(kit.dig(TESS, "version.bind TXT CH").await.contains("status: REFUSED"));
    assert!(kit.dig(TESS, "www.site.example AXFR").await.contains("Transfer failed"));
    assert!(kit.dig(TESS, "www.site.example ANY +notcp").await.contains("HINFO\t\"RFC8482\" \"\""));
    assert!(kit.dig(TESS, "www.site.example A +edns=1 +noednsneg").await.contains("status: BADVERS"));
    assert!(kit.dig(TESS, "www.site.example A +opcode=update").await.contains("status: NOTIMP"));
    assert!(kit.dig(TESS, "1.2.3.4 A").await.contains("status: NXDOMAIN"));
    assert!(kit.world.heard().is_empty());
}

#[tokio::test]
async fn a_client_that_returns_its_cookie_is_told_that_it_is_good() {
    let kit = Kit::start().await;
    let first = kit.dig(TESS, "www.site.example A +cookie=0123456789abcdef").await;
    assert!(first.contains("; COOKIE: 0123456789abcdef01000000"), "{first}");
    let given = first.split("COOKIE: ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let second = kit.dig(TESS, &format!("www.site.example A +cookie={given}")).await;
    assert!(second.contains(&format!("; COOKIE: {given} (good)")), "{second}");
    assert!(!kit.dig(TESS, "www.site.example A").await.contains("COOKIE"));
}

#[tokio::test]
async fn an_address_has_its_rate() {
    let kit = Kit::start_with(|settings, _| (settings.limits.burst, settings.limits.rate_per_second) = (4, 1)).await;
    let socket = UdpSocket::bind((PIA, 0)).await.unwrap();
    socket.connect(kit.address).await.unwrap();
    let mut answered = Vec::new();
    for id in 0..8_u16 {
        let query =
            [&id.to_be_bytes()[..], b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09localhost\x00\x00\x01\x00\x01"];
        socket.send(&query.concat()).await.unwrap();
        // Those with even ids get nothing once the four are used up, and an answer comes before the next query is read.
        if id < 4 || id & 1 == 1 {
            let mut answer = [0; 512];
            let length = soon(socket.recv(&mut answer)).await.unwrap();
            assert_eq!(answer[..2], id.to_be_bytes());
            answered.push((id, answer[2] & 2 != 0, length));
        }
    }
    assert_eq!(answered.iter().filter(|(_, is_cut, _)| *is_cut).map(|(id, ..)| *id).collect::<Vec<_>>(), [5, 7]);
    assert!(kit.dig(TESS, "localhost A").await.contains("127.0.0.1"), "others have their own");
    assert_eq!(kit.metric("schoolgate_dns_limited_total"), 4);
    let over_tcp = kit.dig(PIA, "localhost A +tcp").await;
    assert!(over_tcp.contains("127.0.0.1"), "who has connected is counted apart: {over_tcp}");
}

fn framed(id: u16, name: &str) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend_from_slice(b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    for label in name.split('.') {
        query.push(label.len().try_into().unwrap());
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(b"\x00\x00\x01\x00\x01");
    [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat()
}

#[tokio::test]
async fn one_connection_carries_many_questions() {
    let kit = Kit::start_with(|settings, _| settings.limits.pipelined_max = 8).await;
    let mut stream = kit.dial().await;
    let questions: Vec<u8> =
        (0..100).flat_map(|id| framed(id, if id % 2 == 0 { "www.site.example" } else { "shop.example" })).collect();
    stream.write_all(&questions).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..100 {
        let length = soon(stream.read_u16()).await.unwrap();
        let mut answer = vec![0; length.into()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!((answer[3] & 0x0f, answer[7] > 0), (0, true));
        ids.push(u16::from_be_bytes([answer[0], answer[1]]));
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    assert_eq!(kit.world.heard().len(), 2, "who waits for the same waits together");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let kit = Kit::start_with(|settings, _| settings.limits.idle = Duration::from_millis(100)).await;
    let mut stream = kit.dial().await;
    // Half a question.
    stream.write_all(&framed(1, "www.site.example")[..9]).await.unwrap();
    assert_eq!(soon(stream.read(&mut [0; 16])).await.unwrap(), 0);
    let mut stream = kit.dial().await;
    stream.write_all(b"\x00\x03abc").await.unwrap();
    assert_eq!(soon(stream.read(&mut [0; 16])).await.unwrap(), 0, "what is no query ends a connection");
}

/// A generator of the numbers of a test: the same each time (Marsaglia's xorshift64).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test]
async fn any_bytes_leave_the_door_standing() {
    let kit = Kit::start().await;
    let running = kit.tasks.running();
    let socket = UdpSocket::bind((TESS, 0)).await.unwrap();
    socket.connect(kit.address).await.unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let query = framed(9, "www.site.example")[2..].to_vec();
    let mut answer = [0; 4_096];
    for _ in 0..3_000 {
        let mut bytes = query.clone();
        bytes.resize((next(&mut state) % 80) as usize, next(&mut state) as u8);
        for _ in 0..next(&mut state) % 6 {
            let place = (next(&mut state) as usize).checked_rem(bytes.len());
            if let Some(place) = place {
                bytes[place] = next(&mut state) as u8;
            }
        }
        socket.send(&bytes).await.unwrap();
        while let Ok(length) = socket.try_recv(&mut answer) {
            // No answer to a plain query is longer, and none to bytes that are none makes a reflector worth using.
            assert!(length <= 512 || answer[10..12] != [0, 0]);
        }
    }
    let standing = kit.dig(PIA, "www.site.example A").await;
    assert!(standing.contains("192.0.2.1"), "{standing}");
    kit.clock.advance(SignedDuration::from_secs(1)).unwrap();
    assert!(running <= kit.tasks.running());
}
