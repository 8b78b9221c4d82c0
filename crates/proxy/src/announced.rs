//! Who has come: the peer itself, or whoever a listed load balancer says it speaks for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use schoolgate_runtime::proxy_protocol::{Ends, ForeignError, Reading, read_foreign};
use schoolgate_runtime::{Crowd, Place};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::door::{Client, Door};
use crate::settings::Settings;

/// Why a balancer's connection is closed.
#[derive(Debug, thiserror::Error)]
enum HeaderFailure {
    #[error("cannot read the header")]
    Read { source: io::Error },
    #[error("the header is not in order")]
    Header { source: ForeignError },
}

/// The client of a connection, and its stream at the first byte of what the client says. `place` is the peer's; whoever
/// a balancer speaks for takes one of their own.
pub(crate) async fn announced(
    door: &Door,
    crowd: &Arc<Crowd>,
    mut stream: TcpStream,
    place: Place,
    is_tls: bool,
) -> Option<(Client, TcpStream)> {
    let (peer, local) = (stream.peer_addr().ok()?, stream.local_addr().ok()?);
    if !is_balancer(&door.settings, peer) {
        return Some((Client::new(peer, local, is_tls, place), stream));
    }
    let ends = match timeout(door.settings.limits.header_deadline, header(&mut stream)).await {
        Ok(Ok(ends)) => ends,
        Ok(Err(failure)) => {
            debug!("a balancer's connection is closed: {failure}");
            door.meters.headers_refused.increment();
            return None;
        }
        Err(_) => {
            door.meters.headers_refused.increment();
            return None;
        }
    };
    let Some(ends) = ends else { return Some((Client::new(peer, local, is_tls, place), stream)) };
    drop(place);
    let Some(place) = crowd.enter(ends.client.ip().to_canonical()) else {
        door.meters.connections_turned_away.increment();
        return None;
    };
    // That an address is this machine's is the balancer's word; what went from it to us could be read by others.
    let client = Client { is_private: is_tls, ..Client::new(ends.client, ends.door, is_tls, place) };
    Some((client, stream))
}

fn is_balancer(settings: &Settings, peer: SocketAddr) -> bool {
    let address = peer.ip().to_canonical();
    settings.balancers.iter().any(|network| network.contains(address))
}

/// Reads a header and not a byte more.
async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Ends>, HeaderFailure> {
    let mut held = Vec::new();
    loop {
        match read_foreign(&held).map_err(|source| HeaderFailure::Header { source })? {
            Reading::Header { ends, .. } => return Ok(ends),
            Reading::NeedMore(length) => {
                let had = held.len();
                held.resize(length, 0);
                let space = held.get_mut(had..).unwrap_or_default();
                stream.read_exact(space).await.map_err(|source| HeaderFailure::Read { source })?;
            }
        }
    }
}
