//! One question over UDP, on a socket of its own.

use std::net::SocketAddr;

use schoolgate_runtime::Dialer;

use crate::failure::Failure;
use crate::upstream::{Match, match_answer};
use crate::wire::flag;

/// The largest answer that is asked for: what crosses every path whole (DNS flag day 2020).
pub(crate) const SIZE: u16 = 1_232;
/// Datagrams that are looked at for one question; a flood of guesses sends it to TCP.
const FOREIGN_MAX: usize = 16;

pub(crate) enum Got {
    Whole(Vec<u8>),
    /// Too large for a datagram, or somebody may be guessing: over TCP nobody can.
    AskByTcp,
}

/// Sends `query` and waits for its answer; the caller has the deadline.
pub(crate) async fn exchange(dialer: &Dialer, server: SocketAddr, query: &[u8]) -> Result<Got, Failure> {
    let socket = dialer.name_server(server).await.map_err(|_| Failure::Unreachable)?;
    socket.send(query).await.map_err(|_| Failure::Unreachable)?;
    let mut buffer = vec![0; 4_096];
    for _ in 0..FOREIGN_MAX {
        let length = socket.recv(&mut buffer).await.map_err(|_| Failure::Unreachable)?;
        let Some(message) = buffer.get(..length) else { continue };
        match match_answer(query, message) {
            Match::Answer if is_truncated(message) => return Ok(Got::AskByTcp),
            Match::Answer => return Ok(Got::Whole(message.to_vec())),
            Match::Respelled => return Ok(Got::AskByTcp),
            Match::Foreign => {}
        }
    }
    Ok(Got::AskByTcp)
}

fn is_truncated(message: &[u8]) -> bool {
    message.get(2).is_some_and(|high| u16::from(*high) << 8 & flag::TRUNCATED != 0)
}
