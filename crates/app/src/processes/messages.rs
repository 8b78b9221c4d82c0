//! What control and a gateway say to each other over the link.

use std::io;
use std::net::IpAddr;

use jiff::civil::Date;
use schoolgate_base::{Host, SchoolId};
use schoolgate_event::Event;
use schoolgate_identity::Openness;
use schoolgate_runtime::frames::{read_frame, write_frame};
use schoolgate_tls::LearnedSite;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::status::GatewayStatus;

/// Counts up when a message changes its form. A gateway of another version is turned away; it ends, and the supervisor
/// starts the program that is installed now.
pub(super) const VERSION: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToControl {
    /// The first message. `run` is random and the gateway's own for as long as it lives.
    Hello {
        version: u32,
        run: [u8; 16],
    },
    Batch(Batch),
    /// The root that the gateway's doors have.
    Seen {
        snapshot: u64,
    },
    /// What the gateway knows now; at first, and when it has changed.
    Status(Box<GatewayStatus>),
    /// The answer to [`ToGateway::Look`]; `None` where there is nothing to say.
    Looked {
        number: u64,
        open: Option<Openness>,
    },
}

/// Events, in the order in which they were recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Batch {
    /// Counts up from 1; a batch that was not answered is sent again under its number.
    pub(super) number: u64,
    pub(super) events: Vec<Event>,
    /// Visits to the help list.
    pub(super) help: Vec<(Date, u64)>,
    /// Events that there was no room for, all before the last of these.
    pub(super) missing: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ToGateway {
    /// The answer to the hello.
    Welcome(Welcome),
    /// The batch's events are on disk.
    Written {
        number: u64,
    },
    /// A new root is there to be read.
    Published {
        snapshot: u64,
    },
    Trusting(Trusting),
    /// A technician wants this site looked into again.
    Forget {
        host: Host,
    },
    /// Whether the web is open to an address.
    Look {
        number: u64,
        address: IpAddr,
    },
    /// The gateway speaks another version than control, and is to make room for one that does not.
    OtherVersion,
}

/// The portal has met devices that trust the school's CA of `generation`: where, and when in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trusting {
    pub(super) generation: u64,
    pub(super) devices: Vec<(IpAddr, i64)>,
}

/// All that a gateway needs to know and cannot find out.
#[derive(Serialize, Deserialize)]
pub(super) struct Welcome {
    pub(super) school: SchoolId,
    /// Ed25519 key that the snapshot is signed with, its public half.
    pub(super) verifying_key: [u8; 32],
    /// The parts of `schoolgate_keys::DoorKeys`.
    pub(super) door_keys: [[u8; 32]; 3],
    /// Sites that gateways before this one have learned not to look into.
    pub(super) left_alone: Vec<LearnedSite>,
}

pub(super) async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    write_frame(stream, &postcard::to_allocvec(message).map_err(io::Error::other)?).await
}

/// The next message; `None` where the other side has gone. Must not be dropped half-way.
pub(super) async fn receive<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let Some(message) = read_frame(stream).await? else { return Ok(None) };
    postcard::from_bytes(&message).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use schoolgate_base::Strength;
    use schoolgate_event::{Decision, Door, Mode, Reason, Traffic, Verdict, Who};

    use super::*;

    pub(in crate::processes) fn event(url: &str) -> Event {
        Event::Decision(Decision {
            school: "riverside".parse().unwrap(),
            at: "2026-11-24T10:00:00Z".parse().unwrap(),
            door: Door::Proxy,
            who: Who { person: None, capacity: None, strength: Strength::Lease, device: None, place: None },
            host: "news.example".parse().unwrap(),
            url: Some(url.into()),
            method: "GET".into(),
            verdict: Verdict::Allow,
            reason: Reason::default(),
            snapshot: 1,
            traffic: Traffic::default(),
            mode: Mode::Plain,
            tls: None,
        })
    }

    /// Every message that `bytes` hold, as frames and as one.
    fn read_all(bytes: &[u8]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut gateways, mut controls) = (bytes, bytes);
            while let Ok(Some(_)) = receive::<ToControl>(&mut gateways).await {}
            while let Ok(Some(_)) = receive::<ToGateway>(&mut controls).await {}
        });
        let _ = postcard::from_bytes::<ToControl>(bytes);
        let _ = postcard::from_bytes::<ToGateway>(bytes);
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0_u8..6) {
            read_all(&bytes);
            // Past the first byte, which names the message.
            read_all(&[&[kind], &bytes[..]].concat());
            let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            read_all(&[&length[..], &bytes].concat());
        }

        #[test]
        fn changed_messages_are_read_to_an_end(
            url in ".{0,40}",
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let batch = Batch { number: 7, events: vec![event(&url); 3], help: Vec::new(), missing: 1 };
            let mut bytes = postcard::to_allocvec(&ToControl::Batch(batch.clone())).unwrap();
            let Ok(ToControl::Batch(again)) = postcard::from_bytes(&bytes) else { panic!("it is a batch") };
            prop_assert_eq!(again, batch);
            read_all(&bytes[..cut.index(bytes.len())]);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            read_all(&bytes);
        }
    }

    #[test]
    fn a_length_makes_no_room_before_its_bytes_come() {
        // A batch of four thousand million events, of which there is none.
        let claimed = [1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(postcard::from_bytes::<ToControl>(&claimed).is_err());
        // As many devices that trust us.
        assert!(postcard::from_bytes::<ToGateway>(&[3, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
    }
}
