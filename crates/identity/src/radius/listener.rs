//! Receives accounting requests and answers them.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_runtime::{Clock, Metrics, Shutdown};
use tokio::net::UdpSocket;
use tracing::{debug, warn};

use crate::Identities;
use crate::logins::Logins;
use crate::radius::packet::{PACKET_MAX, PacketError, Request};
use crate::radius::{Accounting, Ignored};

/// After a failed receive, which is most often a lack of memory that only others can end.
const RECEIVE_PAUSE: Duration = Duration::from_millis(50);

/// A shared secret. Shown nowhere.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// `None` for an empty one, with which everybody can sign.
    pub fn new(secret: &[u8]) -> Option<Self> {
        (!secret.is_empty()).then(|| Self(secret.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What a peer that knows no better may leave out. Each is a hole: the default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lenience {
    /// RFC 2866 alone: the request is signed with MD5 only, of which collisions are made.
    pub no_message_authenticator: bool,
    /// Without a date a request that was recorded on the way can be played back.
    pub no_event_timestamp: bool,
}

/// An access point, switch or RADIUS server that is believed.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: IpAddr,
    pub secret: Secret,
    pub lenience: Lenience,
}

/// Listens for RADIUS accounting, by custom on UDP port 1813.
pub struct RadiusListener {
    pub socket: UdpSocket,
    pub peers: Vec<Peer>,
    pub identities: Arc<Identities>,
    pub logins: Arc<dyn Logins>,
    pub clock: Clock,
    pub metrics: Metrics,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    Stranger,
    Ignored(Ignored),
    Refused(PacketError),
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Stranger => "stranger",
            Self::Ignored(ignored) => ignored.as_str(),
            Self::Refused(PacketError::Length) => "length",
            Self::Refused(PacketError::Code) => "code",
            Self::Refused(PacketError::Unsigned) => "unsigned",
            Self::Refused(PacketError::SignedTwice) => "signed-twice",
            Self::Refused(PacketError::Signature) => "signature",
        }
    }
}

impl RadiusListener {
    /// Runs until the program stops.
    pub async fn run(self, shutdown: Shutdown) {
        let peers: HashMap<IpAddr, &Peer> = self.peers.iter().map(|peer| (peer.address.to_canonical(), peer)).collect();
        let mut buffer = vec![0; PACKET_MAX];
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                () = shutdown.begun() => return,
            };
            let (length, from) = match received {
                Ok(received) => received,
                Err(error) => {
                    warn!("cannot receive RADIUS accounting: {error}");
                    tokio::time::sleep(RECEIVE_PAUSE).await;
                    continue;
                }
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            let (outcome, response) = match peers.get(&from.ip().to_canonical()) {
                Some(peer) => self.answer(peer, datagram),
                None => (Outcome::Stranger, None),
            };
            self.count(outcome);
            if let Some(response) = response
                && let Err(error) = self.socket.try_send_to(&response, from)
            {
                // The peer sends again what it hears no answer to.
                debug!("cannot answer RADIUS accounting: {error}");
            }
        }
    }

    fn answer(&self, peer: &Peer, datagram: &[u8]) -> (Outcome, Option<Vec<u8>>) {
        let Peer { address, secret: Secret(secret), lenience } = peer;
        let request = match Request::read(datagram, secret, lenience.no_message_authenticator) {
            Ok(request) => request,
            // RFC 2866 §3: silently discarded.
            Err(error) => return (Outcome::Refused(error), None),
        };
        if request.is_status() {
            return (Outcome::Taken, Some(request.response(secret)));
        }
        let leases = &self.identities.leases;
        let taken = Accounting::of(&request).and_then(|said| {
            leases.account(*address, &said, lenience.no_event_timestamp, self.logins.as_ref(), self.clock.now())
        });
        match taken {
            Ok(()) => (Outcome::Taken, Some(request.response(secret))),
            // RFC 2866 §4.2: no answer to what was not recorded; later there may be room.
            Err(Ignored::Full) => (Outcome::Ignored(Ignored::Full), None),
            // An answer, since sending it again would change nothing.
            Err(ignored) => (Outcome::Ignored(ignored), Some(request.response(secret))),
        }
    }

    fn count(&self, outcome: Outcome) {
        let label = ("outcome", outcome.as_str());
        self.metrics
            .labelled_counter(
                "schoolgate_identity_radius_packets_total",
                "RADIUS accounting packets, by what became of them.",
                label,
            )
            .increment();
    }
}
