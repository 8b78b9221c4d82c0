//! What control and a gateway say to each other over the link.

use std::io;
use std::net::IpAddr;

use jiff::civil::Date;
use schoolgate_base::{Host, SchoolId};
use schoolgate_event::Event;
use schoolgate_runtime::frames::{read_frame, write_frame};
use schoolgate_tls::LearnedSite;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::status::GatewayStatus;

/// Counts up when a message changes its form. A gateway of another version is turned away; it ends, and the supervisor
/// starts the program that is installed now.
pub(super) const VERSION: u32 = 2;

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
    Written { number: u64 },
    /// A new root is there to be read.
    Published { snapshot: u64 },
    /// The portal has met devices that trust the school's CA: where, and when in microseconds.
    Trusting { devices: Vec<(IpAddr, i64)> },
    /// A technician wants this site looked into again.
    Forget { host: Host },
    /// The gateway speaks another version than control, and is to make room for one that does not.
    OtherVersion,
}

/// All that a gateway needs to know and cannot find out.
#[derive(Serialize, Deserialize)]
pub(super) struct Welcome {
    pub(super) school: SchoolId,
    /// Ed25519 key that the snapshot is signed with, its public half.
    pub(super) verifying_key: [u8; 32],
    /// The halves of `schoolgate_keys::DoorKeys`.
    pub(super) door_keys: [[u8; 32]; 2],
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
