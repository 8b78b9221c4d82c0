//! A name server that has one address for every name, which is public and nobody connects to.

use tokio::net::UdpSocket;

use crate::pairs::Failure;

/// A pointer to the question's name, type A, class IN, a day, four bytes (RFC 1035 §4.1.3).
const ANSWER: [u8; 16] = [0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 1, 2, 3, 4];
const HEADER: usize = 12;

pub(super) async fn serve() -> Result<(), Failure> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    println!("{}", socket.local_addr()?);
    let mut buffer = [0; 4_096];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer).await?;
        if let Some(answer) = buffer.get(..length).and_then(answer) {
            // Lost like any other datagram.
            let _ = socket.send_to(&answer, peer).await;
        }
    }
}

/// Of questions for other types than A: that there is nothing. EDNS is not understood, which is allowed.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let labels = query.get(HEADER..)?;
    let name = labels.iter().position(|byte| *byte == 0)?;
    let question = labels.get(..name + 5)?;
    let is_address = question.ends_with(&[0, 1, 0, 1]);
    let id = query.get(..2)?;
    let head = [0x85, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0];
    let records = if is_address { &ANSWER[..] } else { &[] };
    Some([id, &head, question, records].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_the_address_and_nothing_else() {
        let question =
            |kind| [&[0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'A', 0, 0, kind, 0, 1][..], &[9; 11]].concat();
        let found = answer(&question(1)).unwrap();
        assert_eq!(&found[..8], &[0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1]);
        assert!(found.ends_with(&[1, 2, 3, 4]) && found.len() == 12 + 7 + 16);
        assert_eq!(answer(&question(28)).unwrap().len(), 12 + 7);
        assert_eq!(answer(&[0; 12]), None);
    }
}
